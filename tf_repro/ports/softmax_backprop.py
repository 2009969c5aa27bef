"""Back-propagation through softmax: one step of descent on a mean of squares."""

import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record
from tf_repro.programs.tf2 import compiled, to_numpy
from tf_repro.suite.derivations.softmax_backprop import Y_TRUE, X


def run(*, x=X, y_true=Y_TRUE, learning_rate=1.0, steps=1, softmax=tf.nn.softmax, engine="eager"):
    """Descend ``cost = mean((softmax(x·w) - y_true)²)`` from ``w = 0``.

    Args:
        x: float32[n], the inputs.
        y_true: float32[n], the targets.
        learning_rate: the step size.
        steps: how many steps; the moment ``after`` is behind the last.
        softmax: the function under test, from logits to probabilities.
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
    # inputs
    x, y_true = as_array("x", x, ndim=1), as_array("y_true", y_true, ndim=1)
    if x.shape != y_true.shape:
        raise InputError(f"x and y_true must have one shape. Received: {x.shape} and {y_true.shape}")
    rate = as_array("learning_rate", learning_rate, ndim=0)
    # variables
    w = tf.Variable(tf.zeros(x.shape))

    # forward
    def forward():
        logits = tf.multiply(x, w)
        y = softmax(logits)
        loss = tf.pow(y - y_true, 2.0)
        return {"logits": logits, "y": y, "loss": loss, "cost": tf.reduce_mean(loss), "w": tf.identity(w)}

    # update
    def step():
        with tf.GradientTape() as tape:
            cost = forward()["cost"]
        w.assign_sub(rate * tape.gradient(cost, w))

    # training
    forward, step = compiled(forward, engine), compiled(step, engine)
    before = to_numpy(forward())
    for _ in range(as_count("steps", steps)):
        step()
    return Record({"before": before, "after": to_numpy(forward())})
