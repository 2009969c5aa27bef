"""Matrix products."""

from __future__ import annotations

import numpy as np

from legacy_tf1.atlas.inputs import normal
from tf_repro.atlas.formulas.terms import Constants, Formula, Outputs, stacked
from tf_repro.core.rounding import Rounded


def matmul(a: Rounded, b: Rounded, number: Constants) -> Outputs:
    """``a b``, and ``dy bᵀ``, ``aᵀ dy``."""
    value = a @ b
    dy = number.cotangents(*value.shape)
    return {"value": value, "gradient of a": dy @ b.T, "gradient of b": a.T @ dy}


def transposed_matmul(a: Rounded, b: Rounded, number: Constants) -> Outputs:
    """``aᵀ bᵀ``."""
    value = a.T @ b.T
    dy = number.cotangents(*value.shape)
    return {"value": value, "gradient of a": (dy @ b).T, "gradient of b": (a @ dy).T}


def batched(a: Rounded, b: Rounded, number: Constants) -> Outputs:
    """``a b`` for each of a batch."""
    dy = number.cotangents(len(a), a.shape[1], b.shape[2])
    return {
        "value": stacked([x @ y for x, y in zip(_each(a), _each(b), strict=True)]),
        "gradient of a": stacked([x @ y.T for x, y in zip(_each(dy), _each(b), strict=True)]),
        "gradient of b": stacked([x.T @ y for x, y in zip(_each(a), _each(dy), strict=True)]),
    }


def dense_relu(a: Rounded, b: Rounded, number: Constants) -> Outputs:
    """``max(a b + bias, 0)``; no sum of the probe is so near to 0 that rounding could change its sign."""
    linear = a @ b + number(normal(29, 5))
    positive = linear.value > 0
    d = number.cotangents(*linear.shape) * number(positive)
    value = Rounded(np.where(positive, linear.value, 0), np.where(positive, linear.error, 0), linear.precision)
    return {"value": value, "gradient of a": d @ b.T, "gradient of b": a.T @ d}


def _each(x: Rounded) -> list[Rounded]:
    return [x[index] for index in range(len(x))]


FORMULAS: dict[str, Formula] = {
    "matmul": matmul,
    "matmul_large": matmul,
    "tensordot": matmul,
    "matmul_transposed": transposed_matmul,
    "matmul_batch": batched,
    "einsum": batched,
    "dense_relu": dense_relu,
}
