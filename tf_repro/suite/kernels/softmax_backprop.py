"""Back-propagation through softmax as TensorFlow 1.x's kernels compute it, operation by operation."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_repro.core.errors import InputError
from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record
from tf_repro.suite.derivations.softmax_backprop import Y_TRUE, X
from tf_repro.suite.kernels.eigen import reduce_mean, softmax, softmax_gradient

Array = np.ndarray[Any, np.dtype[Any]]


def run(*, x: Any = X, y_true: Any = Y_TRUE, learning_rate: float = 1.0, steps: int = 1, lanes: int = 4) -> Record:
    """Descend ``cost = mean((softmax(x·w) - y_true)²)`` from ``w = 0``.

    Args:
        x: float32[n], the inputs.
        y_true: float32[n], the targets.
        learning_rate: the step size.
        steps: how many steps; the moment ``after`` is behind the last.
        lanes: how many floats a packet holds: 4 as in TensorFlow 1.4.1, 8 as in 1.5.1 and 1.15.5.

    Returns:
        A Record with the moments ``before`` and ``after``, each with ``logits``, ``y``, ``loss``, ``cost`` and
        ``w`` in float32.

    Raises:
        InputError: an input is empty, not finite or of the wrong rank, shapes differ, or `lanes` is neither 4 nor 8.

    Example:
        >>> run(lanes=4)["after"]["w"]
        array([-0.16000001, -0.16000004,  0.        ,  0.32000008,  0.79999995], dtype=float32)
        >>> run(lanes=8)["after"]["w"][2:]
        array([-7.1525577e-08,  3.1999999e-01,  7.9999983e-01], dtype=float32)
    """
    x, y_true = as_array("x", x, ndim=1), as_array("y_true", y_true, ndim=1)
    if x.shape != y_true.shape:
        raise InputError(f"x and y_true must have one shape. Received: {x.shape} and {y_true.shape}")
    rate = as_array("learning_rate", learning_rate, ndim=0)
    w = np.zeros_like(x)
    before = _forward(x, y_true, w, lanes)
    for _ in range(as_count("steps", steps)):
        y = softmax(x * w, lanes)
        w = w - rate * (x * softmax_gradient(y, _cost_gradient(y, y_true), lanes))
    return Record({"before": before, "after": _forward(x, y_true, w, lanes)}, {"lanes": str(lanes)})


def _forward(x: Array, y_true: Array, w: Array, lanes: int) -> dict[str, Array]:
    logits = x * w
    y = softmax(logits, lanes)
    difference = y - y_true
    loss = difference * difference  # what powf(difference, 2) rounds to
    return {"logits": logits, "y": y, "loss": loss, "cost": reduce_mean(loss, lanes), "w": w}


def _cost_gradient(y: Array, y_true: Array) -> Array:
    """``2/n·(y - y_true)``, in the order of the gradients of the mean and of the power."""
    return np.float32(1) / np.float32(y.size) * np.float32(2) * (y - y_true)
