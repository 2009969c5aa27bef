"""Reverse-mode differentiation of a vector cost, and of x²y + y + 2, as Session programs."""

from collections import OrderedDict

import numpy as np

from legacy_tf1.tensorflow1 import tf

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


def run(x=X, w=W, learning_rate=1.0, steps=1, cost=product):
    """Descend cost(w * x); {moment: {quantity: array}}."""
    with tf.Graph().as_default():
        # inputs
        inputs = tf.constant(x, dtype=tf.float32)
        # variables
        weights = tf.Variable(np.float32(w))
        # forward
        y = weights * inputs
        value = cost(y)
        # update
        train = tf.train.GradientDescentOptimizer(learning_rate).minimize(value)
        gradient = tf.gradients(value, weights)[0]
        # training
        prints = OrderedDict([("y", y), ("w", weights), ("cost", value), ("gradient", gradient)])
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            before = session.run(list(prints.values()))
            for _ in range(steps):
                session.run(train)
            after = session.run(list(prints.values()))
    return {"before": OrderedDict(zip(prints, before)), "after": OrderedDict(zip(prints, after))}


def sweep(point=POINT):
    """Values of the nodes n1 to n7 of f(x, y) = x²y + y + 2, and f's partial derivative by each."""
    with tf.Graph().as_default():
        n1, n2, n3 = tf.constant(point[0]), tf.constant(point[1]), tf.constant(2.0)
        n4 = n1 * n1
        n5 = n4 * n2
        n6 = n2 + n3
        n7 = n5 + n6
        nodes = [n1, n2, n3, n4, n5, n6, n7]
        with tf.Session() as session:
            values, partials = session.run([nodes, tf.gradients(n7, nodes)])
    return {"value": np.stack(values), "partial": np.stack(partials)}


def run_all():
    """What `legacy_tf1.record` records of these programs."""
    moments = run()
    moments["sweep"] = sweep()
    moments["after, cost y0·y"] = run(cost=product_with_first)["after"]
    for moment, quantities in run(cost=cosine).items():
        moments[moment + ", cosine"] = quantities
    return moments
