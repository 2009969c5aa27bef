"""Softmax, its logarithm and its Jacobian by hand: what the derivations share."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_repro.core.rounding import Rounded


def softmax(z: Any) -> Any:
    """``exp(z - max z) / Σ exp(z - max z)`` along the last axis."""
    if isinstance(z, Rounded):
        return z.softmax()
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def naive_softmax(z: Any) -> Any:
    """``exp z / Σ exp z``, which overflows from about 709 (float64) or 88 (float32) on."""
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.exp(z)
        return powers / powers.sum()


def log_softmax(z: Any) -> Any:
    """``z - max z - ln Σ exp(z - max z)`` along the last axis."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def jacobian(y: Any) -> Any:
    """``∂y_i/∂z_k = y_i (δ_ik - y_k)``, n × n, of ``y = softmax(z)``."""
    return y[:, None] * (np.eye(y.size, dtype="float32") - y)  # exact, and no wider than y


def softmax_and_product(logits: Any, upstream: Any) -> Any:
    """Softmax along the last axis and its vector-Jacobian product ``y (dy - Σ dy·y)``, in ``np.longdouble``.

    ``dy`` is measured from the likeliest entry's own, which changes nothing but keeps the sum from cancelling.

    Args:
        logits: [..., n].
        upstream: [..., n], the gradient by softmax's output.

    Example:
        >>> softmax_and_product([0.0, 0.0], [1.0, 3.0])[1].astype(float)
        array([-0.5,  0.5])
    """
    z, dy = np.asarray(logits, np.longdouble), np.asarray(upstream, np.longdouble)
    powers = np.exp(z - z.max(-1, keepdims=True))
    y = powers / powers.sum(-1, keepdims=True)
    centred = dy - np.take_along_axis(dy, z.argmax(-1)[..., np.newaxis], -1)
    return y, y * (centred - (y * centred).sum(-1, keepdims=True))
