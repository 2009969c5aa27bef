"""Sums and their kin along each axis, norms and clipping."""

from __future__ import annotations

from functools import partial

import numpy as np

from tf_repro.atlas.formulas.terms import Constants, Formula, Outputs, product, stacked
from tf_repro.core.rounding import Rounded


def reduce_sum(x: Rounded, number: Constants, axis: int | None, gradient: bool = True) -> Outputs:
    """``Σ x``; its gradient rounds nothing."""
    value = x.sum(axis)
    return _reduced(x, value, number.cotangents(*value.shape), axis, gradient)


def reduce_mean(x: Rounded, number: Constants, axis: int | None, gradient: bool = True) -> Outputs:
    """``Σ x / n``."""
    value = x.mean(axis)
    dy = number.cotangents(*value.shape) / number(x.size // value.size)
    return _reduced(x, value, dy, axis, gradient)


def reduce_prod(x: Rounded, number: Constants) -> Outputs:
    """``Π x`` of a row; the gradient is the product of the others."""
    value = product(x, 1)
    dy = number.cotangents(*value.shape)
    others = [
        product(stacked([x[:, k] for k in range(x.shape[1]) if k != column], 1), 1) * dy for column in range(x.shape[1])
    ]
    return {"value": value, "gradient of x": stacked(others, 1)}


def logsumexp(x: Rounded, number: Constants) -> Outputs:
    """``m + log Σ exp(x - m)`` with ``m = max x``, and ``dy·exp(x - m) / Σ``."""
    largest = x.max(1, keepdims=True)
    powers = np.exp(x - largest)
    total = powers.sum(1, keepdims=True)
    value = (largest + np.log(total))[:, 0]
    dy = number.cotangents(*value.shape)[:, None]
    return {"value": value, "gradient of x": powers * (dy / total)}


def deviation(x: Rounded, number: Constants) -> Outputs:
    """``√(Σ (x - x̄)² / n)``, and ``dy·(x - x̄) / (n·std)``, less its mean, which is rounding."""
    centred = x - x.mean(1, keepdims=True)
    value = np.sqrt((centred * centred).mean(1))
    by_variance = (number.cotangents(*value.shape) * number(0.5) / value)[:, None] / number(x.shape[1])
    gradient = by_variance * (number(2) * centred)
    return {"value": value, "gradient of x": gradient - gradient.sum(1, keepdims=True) / number(x.shape[1])}


def norm(x: Rounded, number: Constants) -> Outputs:
    """``√(Σ x²)``, and ``dy·x / norm``."""
    value = np.sqrt((x * x).sum())
    return {"value": value, "gradient of x": (number.cotangents() / value) * x}


def l2_loss(x: Rounded, number: Constants) -> Outputs:
    """``Σ x² / 2``, and ``dy·x``."""
    return {"value": (x * x).sum() * number(0.5), "gradient of x": number.cotangents() * x}


def l2_normalize(x: Rounded, number: Constants) -> Outputs:
    """``x·r`` with ``r = 1/√(Σ x²)``, and ``dy·r - x·r³·Σ(dy·x)``."""
    inverse = 1 / np.sqrt((x * x).sum(1, keepdims=True))
    dy = number.cotangents(*x.shape)
    slope = (dy * x).sum(1, keepdims=True) * (inverse * (inverse * inverse))
    return {"value": x * inverse, "gradient of x": dy * inverse - x * slope}


def cumsum(x: Rounded, number: Constants) -> Outputs:
    """``Σ_{j ≤ i} x_j``, and the same of the cotangents from the end."""
    return {"value": _running(x), "gradient of x": _running(number.cotangents(*x.shape)[:, ::-1])[:, ::-1]}


def clip_by_norm(x: Rounded, number: Constants) -> Outputs:
    """``3x / norm`` of a norm above 3, and ``3/norm·(dy - x·Σ(dy·x)/norm²)``."""
    square = (x * x).sum()
    length, dy = np.sqrt(square), number.cotangents(*x.shape)
    return {
        "value": x * number(3) / length,
        "gradient of x": number(3) / length * (dy - x * ((dy * x).sum() / square)),
    }


def clip_by_global_norm(x: Rounded, number: Constants) -> Outputs:
    """``x`` and ``2x``, both times ``3 / √(5 Σ x²)``."""
    square = number(5) * (x * x).sum()
    scale, dy = number(3) / np.sqrt(square), number.cotangents(*x.shape)
    upstream = dy + number(2) * dy
    along = number(5) * x * ((upstream * x).sum() / square)
    return {
        "first": x * scale,
        "second": number(2) * x * scale,
        "gradient of x": scale * (upstream - along),
    }


def _running(x: Rounded) -> Rounded:
    return stacked([x[:, : end + 1].sum(1) for end in range(x.shape[1])], 1)


def _reduced(x: Rounded, reduced: Rounded, dy: Rounded, axis: int | None, gradient: bool) -> Outputs:
    """The value and, of each of its terms, what it is given as cotangent."""
    if not gradient:
        return {"value": reduced}
    value, error = (each if axis is None else np.expand_dims(each, axis) for each in (dy.value, dy.error))
    spread = Rounded(np.broadcast_to(value, x.shape), np.broadcast_to(error, x.shape), x.precision)
    return {"value": reduced, "gradient of x": spread}


FORMULAS: dict[str, Formula] = {
    "reduce_sum_rows": partial(reduce_sum, axis=1),
    "reduce_sum_columns": partial(reduce_sum, axis=0),
    "reduce_sum_all": partial(reduce_sum, axis=None),
    "reduce_sum_vector": partial(reduce_sum, axis=None),
    "reduce_sum_middle": partial(reduce_sum, axis=1),
    "reduce_sum_million": partial(reduce_sum, axis=None, gradient=False),
    "reduce_mean_rows": partial(reduce_mean, axis=1),
    "reduce_mean_all": partial(reduce_mean, axis=None),
    "reduce_mean_million": partial(reduce_mean, axis=None, gradient=False),
    "reduce_prod": reduce_prod,
    "reduce_logsumexp": logsumexp,
    "reduce_std": deviation,
    "norm": norm,
    "l2_loss": l2_loss,
    "l2_normalize": l2_normalize,
    "cumsum": cumsum,
    "clip_by_norm": clip_by_norm,
    "clip_by_global_norm": clip_by_global_norm,
}
