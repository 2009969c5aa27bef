"""Reverse-mode differentiation of a vector cost, and of x²y + y + 2, as Session programs."""

from collections import OrderedDict

import tensorflow as tf

X = (-1.0, -2.0)
W = (2.0, 3.0)
TRUTH = (3.0, 3.0)
POINT = (3.0, 4.0)


def product(y):
    """The cost that is descended: every component times the second one."""
    return y[1] * y


def product_with_first(y):
    """The cost that the document's text names: every component times the first one."""
    return y[0] * y


def cosine(y):
    """The cost that is commented out: the cosine of the angle between y and the truth."""
    truth = tf.constant(TRUTH)
    lengths = tf.sqrt(tf.reduce_sum(tf.square(y))) * tf.sqrt(tf.reduce_sum(tf.square(truth)))
    return tf.reduce_sum(tf.reduce_sum(y * truth) / lengths)


COSTS = {"product": product, "product_with_first": product_with_first, "cosine": cosine}


def build(x=X, w=W, learning_rate=1.0, cost="product"):
    """Descend a cost of y = w * x; minimize() descends the sum of a vector cost."""
    # inputs
    inputs = tf.constant(x, dtype=tf.float32)
    # variables
    weights = tf.Variable(tf.constant(w, dtype=tf.float32), name="w")
    # forward
    y = weights * inputs
    value = COSTS[cost](y)
    # update
    train = tf.train.GradientDescentOptimizer(learning_rate).minimize(value)
    gradient = tf.gradients(value, weights)[0]
    return {
        "placeholders": {},
        "fetches": OrderedDict([("y", y), ("w", weights), ("cost", value), ("gradient", gradient)]),
        "train": train,
    }


def build_sweep(point=POINT):
    """Values of the nodes n1 to n7 of f(x, y) = x²y + y + 2, and f's partial derivative by each."""
    n1, n2, n3 = tf.constant(point[0]), tf.constant(point[1]), tf.constant(2.0)
    n4 = n1 * n1
    n5 = n4 * n2
    n6 = n2 + n3
    n7 = n5 + n6
    nodes = [n1, n2, n3, n4, n5, n6, n7]
    fetches = OrderedDict([("value", tf.stack(nodes)), ("partial", tf.stack(tf.gradients(n7, nodes)))])
    return {"placeholders": {}, "fetches": fetches}
