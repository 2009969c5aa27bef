"""Reverse-mode differentiation of a vector cost, and of ``x²y + y + 2``, by hand in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record

X = (-1.0, -2.0)
W = (2.0, 3.0)
TRUTH = (3.0, 3.0)
POINT = (3.0, 4.0)


def product(y: Any) -> Any:
    """``y[1]·y`` and the gradient of its sum by ``y``: descending a vector descends its sum."""
    dy = np.full_like(y, y[1])
    dy[1] += y.sum()
    return y[1] * y, dy


def product_with_first(y: Any) -> Any:
    """``y[0]·y``, as the document's text has it, and the gradient of its sum."""
    dy = np.full_like(y, y[0])
    dy[0] += y.sum()
    return y[0] * y, dy


def cosine(y: Any) -> Any:
    """``y·t / (|y| |t|)`` and its gradient ``(t/|t| - cos·y/|y|) / |y|``."""
    truth = np.asarray(TRUTH)
    direction, unit = truth / np.linalg.norm(truth), y / np.linalg.norm(y)
    value = unit @ direction
    return value, (direction - value * unit) / np.linalg.norm(y)


COSTS = {"product": product, "product_with_first": product_with_first, "cosine": cosine}


def run(*, x: Any = X, w: Any = W, learning_rate: float = 1.0, steps: int = 1, cost: str = "product") -> Record:
    """Descend ``cost(w·x)`` by the gradient ``x · ∂Σcost/∂y``.

    Args:
        x: float64[2], the constant inputs.
        w: float64[2], the weights to start from.
        learning_rate: the step size.
        steps: how many steps of descent.
        cost: ``"product"``, ``"product_with_first"`` or ``"cosine"``.

    Returns:
        A Record with the moments ``before`` and ``after``, each with ``y``, ``w``, ``cost`` and ``gradient``.

    Example:
        >>> run()["after"]["w"]
        array([ -4., -25.])
    """
    x, w = as_array("x", x, dtype="float64", ndim=1), as_array("w", w, dtype="float64", ndim=1)

    def forward(w: Any) -> Any:
        value, dy = COSTS[cost](w * x)
        return {"y": w * x, "w": w, "cost": value, "gradient": dy * x}

    before = forward(w)
    for _ in range(as_count("steps", steps)):
        w = w - learning_rate * forward(w)["gradient"]
    return Record({"before": before, "after": forward(w)})


def sweep(point: Any = POINT) -> Any:
    """Values of the nodes n1 … n7 of ``f = x²y + y + 2`` forward, then ``∂f/∂n7 … ∂f/∂n1`` backward.

    Example:
        >>> sweep()["partial"]
        array([24., 10.,  1.,  4.,  1.,  1.,  1.])
    """
    n1, n2, n3 = point[0], point[1], 2.0
    n4 = n1 * n1
    n5 = n4 * n2
    n6 = n2 + n3
    n7 = n5 + n6
    d7 = 1.0
    d6 = d7 * 1.0
    d5 = d7 * 1.0
    d4 = d5 * n2
    d3 = d6 * 1.0
    d2 = d5 * n4 + d6 * 1.0
    d1 = d4 * n1 + d4 * n1
    return {"value": np.array([n1, n2, n3, n4, n5, n6, n7]), "partial": np.array([d1, d2, d3, d4, d5, d6, d7])}
