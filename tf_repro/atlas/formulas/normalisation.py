"""Moments, batch normalisation and local response normalisation."""

from __future__ import annotations

import numpy as np

from legacy_tf1.atlas.inputs import normal, uniform
from tf_repro.atlas.formulas.terms import Constants, Formula, Outputs, reshaped, transposed
from tf_repro.core.rounding import Rounded

EPSILON = 1e-3


def moments(x: Rounded, number: Constants) -> Outputs:
    """Mean and variance of each column, and ``dm/n + 2 dv·(x - x̄)/n``."""
    mean, centred, variance = _moments(x)
    n, dy = number(len(x)), number.cotangents(*mean.shape)
    return {"mean": mean, "variance": variance, "gradient of x": dy / n + dy / n * (number(2) * centred)}


def batch_normalization(x: Rounded, scale: Rounded, offset: Rounded, number: Constants) -> Outputs:
    """``x·s + (offset - x̄·s)`` with ``s = scale / √(var + ε)``, differentiated as it is written."""
    shape, x = x.shape, reshaped(x, -1, x.shape[-1])
    mean, centred, variance = _moments(x)
    n, dy = number(len(x)), reshaped(number.cotangents(*shape), *x.shape)
    inverse = 1 / np.sqrt(variance + number(EPSILON))
    slope = inverse * scale
    by_slope = (dy * x).sum(0) - mean * dy.sum(0)
    by_variance = -(by_slope * scale) * number(0.5) * (inverse * (inverse * inverse))
    by_mean = -(dy.sum(0) * slope)
    gradient = dy * slope + by_mean / n + by_variance / n * (number(2) * centred)
    return {
        "value": reshaped(x * slope + (offset - mean * slope), *shape),
        "gradient of x": reshaped(gradient, *shape),
        "gradient of scale": by_slope * inverse,
        "gradient of offset": dy.sum(0),
    }


def fused_training(x: Rounded, scale: Rounded, offset: Rounded, number: Constants) -> Outputs:
    """``(x - x̄)·scale/√(var + ε) + offset``; the variance that is given back is that of n - 1."""
    shape, x = x.shape, reshaped(x, -1, x.shape[-1])
    mean, centred, variance = _moments(x)
    n, dy = number(len(x)), reshaped(number.cotangents(*shape), *x.shape)
    inverse = 1 / np.sqrt(variance + number(EPSILON))
    by_scale = (dy * centred).sum(0) * inverse
    projected = (dy * centred).sum(0) / n / (variance + number(EPSILON))
    gradient = scale * inverse * (dy - dy.sum(0) / n - centred * projected)
    return {
        "value": reshaped(centred * (inverse * scale) + offset, *shape),
        "mean": mean,
        "variance": variance * (n / number(len(x) - 1)),
        "gradient of x": reshaped(gradient, *shape),
        "gradient of scale": by_scale,
        "gradient of offset": dy.sum(0),
    }


def fused_inference(x: Rounded, scale: Rounded, offset: Rounded, number: Constants) -> Outputs:
    """The same with mean and variance given."""
    shape, x = x.shape, reshaped(x, -1, x.shape[-1])
    mean, variance = number(normal(54, 8)), number(uniform(55, 0.5, 2, 8))
    dy = reshaped(number.cotangents(*shape), *x.shape)
    inverse, centred = 1 / np.sqrt(variance + number(EPSILON)), x - mean
    return {
        "value": reshaped(centred * (inverse * scale) + offset, *shape),
        "gradient of x": reshaped(dy * (inverse * scale), *shape),
        "gradient of scale": (dy * centred).sum(0) * inverse,
        "gradient of offset": dy.sum(0),
    }


def lrn(x: Rounded, number: Constants) -> Outputs:
    """``x / √(1 + Σ x²)`` over the five channels on either side, and its gradient."""
    shape, x = x.shape, reshaped(x, -1, x.shape[-1])
    dy, channels = reshaped(number.cotangents(*shape), *x.shape), np.arange(x.shape[-1])
    window = number(abs(channels[:, None] - channels) <= 5)
    inside = number(1) + (x * x) @ window
    root = np.sqrt(inside)
    shares = (dy * x / (inside * root)) @ window
    return {
        "value": reshaped(x / root, *shape),
        "gradient of x": reshaped(dy / root - x * shares, *shape),
    }


def layer_normalization(x: Rounded, number: Constants) -> Outputs:
    """``(x - x̄)·γ/√(var + ε) + β`` of each row, with the probe's weights."""
    columns = transposed(x, 1, 0)
    _, centred, variance = _moments(columns)
    gamma, beta = (number(0.5 * normal(seed, x.shape[1]))[:, None] for seed in (115, 116))
    inverse, n = 1 / np.sqrt(variance + number(EPSILON)), number(x.shape[1])
    value = centred * (inverse * gamma) + beta
    slope = number.cotangents(*x.shape).T * gamma
    projected = (slope * centred).sum(0) / n / (variance + number(EPSILON))
    gradient = inverse * (slope - slope.sum(0) / n - centred * projected)
    return {"value": value.T, "gradient of x": gradient.T}


def _moments(x: Rounded) -> tuple[Rounded, Rounded, Rounded]:
    mean = x.mean(0)
    centred = x - mean
    return mean, centred, (centred * centred).mean(0)


FORMULAS: dict[str, Formula] = {
    "moments": moments,
    "batch_normalization": batch_normalization,
    "fused_batch_norm_training": fused_training,
    "fused_batch_norm_inference": fused_inference,
    "lrn": lrn,
    "keras_layer_LayerNormalization": layer_normalization,
}
