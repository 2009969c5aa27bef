"""Descent on a vector cost, the document's program, as the checker takes it."""

import tensorflow as tf


def build():
    x = tf.constant([-1.0, -2.0])
    w = tf.Variable([2.0, 3.0], name="w")
    y = w * x
    cost = y[1] * y
    train = tf.train.GradientDescentOptimizer(1.0).minimize(cost)
    return {"placeholders": {}, "fetches": {"y": y, "cost": cost}, "train": train}
