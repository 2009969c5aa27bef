"""Reverse-mode differentiation of a vector cost, and of ``x²y + y + 2``, with ``tf.GradientTape``."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.core.inputs import as_array
from tf_repro.core.record import Record
from tf_repro.programs import tf2

X = (-1.0, -2.0)
W = (2.0, 3.0)
TRUTH = (3.0, 3.0)
POINT = (3.0, 4.0)


def product(y: tf.Tensor) -> tf.Tensor:
    """Every component times the second one."""
    return y[1] * y


def product_with_first(y: tf.Tensor) -> tf.Tensor:
    """Every component times the first one, as the document's text has it."""
    return y[0] * y


def cosine(y: tf.Tensor) -> tf.Tensor:
    """The cosine of the angle between ``y`` and the truth, as the commented-out cost writes it."""
    truth = tf.constant(TRUTH)
    lengths = tf.sqrt(tf.reduce_sum(tf.square(y))) * tf.sqrt(tf.reduce_sum(tf.square(truth)))
    return tf.reduce_sum(y * truth) / lengths


COSTS = {"product": product, "product_with_first": product_with_first, "cosine": cosine}


def build(x: Any = X, w: Any = W, learning_rate: float = 1.0, cost: str = "product") -> dict[str, Any]:
    """Descend a cost of ``y = w·x``; see :func:`run`."""
    # inputs
    x, w = as_array("x", x, ndim=1), as_array("w", w, ndim=1)
    if x.shape != (2,) or w.shape != (2,):
        raise InputError(f"x and w must have shape (2,). Received: {x.shape} and {w.shape}")
    if cost not in COSTS:
        raise InputError(f"cost must be one of {', '.join(COSTS)}. Received: {cost!r}")
    rate = as_array("learning_rate", learning_rate, ndim=0)
    # variables
    weights = tf.Variable(w)

    # forward
    def forward(feeds: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            y = weights * x
            value = COSTS[cost](y)
        return {"y": y, "w": tf.identity(weights), "cost": value, "gradient": tape.gradient(value, weights)}

    # update
    def step(feeds: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        gradient = forward(feeds)["gradient"]
        weights.assign_sub(rate * gradient)
        return {"w": gradient}

    return {"variables": {"w": weights}, "forward": forward, "step": step}


def build_sweep(point: Any = POINT) -> dict[str, Any]:
    """Values of the nodes n1 … n7 of ``f(x, y) = x²y + y + 2``, and f's partial derivative by each.

    Args:
        point: float32[2], x and y.
    """
    point = as_array("point", point, ndim=1)

    def forward(feeds: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        n1, n2 = tf.unstack(tf.constant(point))
        n3 = tf.constant(2.0)
        with tf.GradientTape() as tape:
            tape.watch([n1, n2, n3])
            n4 = n1 * n1
            n5 = n4 * n2
            n6 = n2 + n3
            n7 = n5 + n6
        nodes = [n1, n2, n3, n4, n5, n6, n7]
        return {"value": tf.stack(nodes), "partial": tf.stack(tape.gradient(n7, nodes))}

    return {"variables": {}, "forward": forward}


def run(*, engine: str = "eager", steps: int = 1, **inputs: Any) -> Record:
    """Descend a cost of ``y = w·x``; of a vector cost the tape, like TF1's ``minimize``, descends the sum.

    Args:
        x: float32[2], the constant inputs.
        w: float32[2], the weights to start from.
        learning_rate: the step size.
        cost: ``"product"`` (``y[1]·y``), ``"product_with_first"`` (``y[0]·y``) or ``"cosine"``.
        steps: how many steps; the moment ``after`` is behind the last.
        engine: ``"eager"``, ``"function"`` or ``"xla"``.

    Returns:
        A Record with the moments ``before`` and ``after``, each with ``y``, ``w``, ``cost`` and ``gradient``,
        in float32.

    Raises:
        InputError: an input is not finite, not of shape [2], or the cost or engine is unknown.

    Example:
        >>> record = run()
        >>> record["before"]["gradient"], record["after"]["w"]
        (array([ 6., 28.], dtype=float32), array([ -4., -25.], dtype=float32))
    """
    return tf2.run(build, inputs, engine=engine, steps=steps)
