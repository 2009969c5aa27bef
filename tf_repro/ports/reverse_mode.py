"""Reverse-mode differentiation of a vector cost, and of ``x²y + y + 2``, with ``tf.GradientTape``."""

import numpy as np
import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record
from tf_repro.programs.tf2 import compiled, to_numpy
from tf_repro.suite.derivations.reverse_mode import POINT, TRUTH, W, X


def product(y):
    """Every component times the second one."""
    return y[1] * y


def product_with_first(y):
    """Every component times the first one, as the document's text has it."""
    return y[0] * y


def cosine(y):
    """The cosine of the angle between ``y`` and the truth, as the commented-out cost writes it."""
    truth = tf.constant(TRUTH)
    lengths = tf.sqrt(tf.reduce_sum(tf.square(y))) * tf.sqrt(tf.reduce_sum(tf.square(truth)))
    return tf.reduce_sum(y * truth) / lengths


COSTS = {"product": product, "product_with_first": product_with_first, "cosine": cosine}


def run(*, x=X, w=W, learning_rate=1.0, steps=1, cost="product", engine="eager"):
    """Descend a cost of ``y = w·x``; of a vector cost the tape, like TF1's ``minimize``, descends the sum.

    Args:
        x: float32[2], the constant inputs.
        w: float32[2], the weights to start from.
        learning_rate: the step size.
        steps: how many steps; the moment ``after`` is behind the last.
        cost: ``"product"`` (``y[1]·y``), ``"product_with_first"`` (``y[0]·y``) or ``"cosine"``.
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
    def forward():
        with tf.GradientTape() as tape:
            y = weights * x
            value = COSTS[cost](y)
        return {"y": y, "w": tf.identity(weights), "cost": value, "gradient": tape.gradient(value, weights)}

    # update
    def step():
        weights.assign_sub(rate * forward()["gradient"])

    # training
    forward, step = compiled(forward, engine), compiled(step, engine)
    before = to_numpy(forward())
    for _ in range(as_count("steps", steps)):
        step()
    return Record({"before": before, "after": to_numpy(forward())})


def sweep(*, point=POINT, engine="eager"):
    """Values of the nodes n1 … n7 of ``f(x, y) = x²y + y + 2`` and f's partial derivative by each.

    Args:
        point: float32[2], x and y.
        engine: ``"eager"``, ``"function"`` or ``"xla"``.

    Returns:
        ``value`` and ``partial``, float32[7] each, in the order of the nodes.
    """
    n1, n2 = tf.unstack(tf.constant(as_array("point", point, ndim=1)))

    def both(n1, n2):
        n3 = tf.constant(2.0)
        with tf.GradientTape() as tape:
            tape.watch([n1, n2, n3])
            n4 = n1 * n1
            n5 = n4 * n2
            n6 = n2 + n3
            n7 = n5 + n6
        nodes = [n1, n2, n3, n4, n5, n6, n7]
        return nodes, tape.gradient(n7, nodes)

    values, partials = compiled(both, engine)(n1, n2)
    return {"value": np.stack(values), "partial": np.stack(partials)}
