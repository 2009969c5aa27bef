"""Back-propagation through softmax: one step of descent on a mean of squares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.core.inputs import as_array
from tf_repro.core.record import Record
from tf_repro.programs import tf2

X = (1.0, 2.0, 3.0, 4.0, 5.0)
Y_TRUE = (3.0, 4.0, 5.0, 6.0, 7.0)

Softmax = Callable[[tf.Tensor], tf.Tensor]


def build(
    x: Any = X, y_true: Any = Y_TRUE, learning_rate: float = 1.0, softmax: Softmax = tf.nn.softmax
) -> dict[str, Any]:
    """Descend ``cost = mean((softmax(x·w) - y_true)²)`` from ``w = 0``; see :func:`run`."""
    # inputs
    x, y_true = as_array("x", x, ndim=1), as_array("y_true", y_true, ndim=1)
    if x.shape != y_true.shape:
        raise InputError(f"x and y_true must have one shape. Received: {x.shape} and {y_true.shape}")
    rate = as_array("learning_rate", learning_rate, ndim=0)
    # variables
    w = tf.Variable(tf.zeros(x.shape))

    # forward
    def forward(feeds: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        logits = tf.multiply(feeds["x"], w)
        y = softmax(logits)
        loss = tf.square(y - feeds["y_true"])  # on ARM, tf.pow(d, 2) is not d·d
        return {"logits": logits, "y": y, "loss": loss, "cost": tf.reduce_mean(loss), "w": tf.identity(w)}

    # update
    def step(feeds: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            cost = forward(feeds)["cost"]
        gradient = tape.gradient(cost, w)
        w.assign_sub(rate * gradient)
        return {"w": gradient}

    return {"variables": {"w": w}, "forward": forward, "step": step, "feeds": {"x": x, "y_true": y_true}}


def run(*, engine: str = "eager", steps: int = 1, **inputs: Any) -> Record:
    """Descend ``cost = mean((softmax(x·w) - y_true)²)`` from ``w = 0``.

    Args:
        x: float32[n], the inputs.
        y_true: float32[n], the targets.
        learning_rate: the step size.
        softmax: the function under test, from logits to probabilities.
        steps: how many steps; the moment ``after`` is behind the last.
        engine: ``"eager"``, ``"function"`` or ``"xla"``.

    Returns:
        A Record with the moments ``before`` and ``after``, each with ``logits``, ``y``, ``loss``, ``cost`` and
        ``w`` in float32.

    Raises:
        InputError: an input is empty, not finite or of the wrong rank, shapes differ, or the engine is unknown.

    Example:
        >>> from functools import partial
        >>> from tf_repro import nn
        >>> run(softmax=partial(nn.softmax, numerics="tf1"))["after"]["w"]
        array([-0.16000001, -0.16000004,  0.        ,  0.32000008,  0.79999995], dtype=float32)
    """
    return tf2.run(build, inputs, engine=engine, steps=steps)
