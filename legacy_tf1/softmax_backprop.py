"""Back-propagation through softmax: one step of descent on a mean of squares, as a Session program."""

from collections import OrderedDict

import tensorflow as tf

X = (1.0, 2.0, 3.0, 4.0, 5.0)
Y_TRUE = (3.0, 4.0, 5.0, 6.0, 7.0)


def build(x=X, y_true=Y_TRUE, learning_rate=1.0):
    """Descend mean((softmax(x * w) - y_true) ** 2) from zeros."""
    # inputs
    inputs = tf.placeholder(tf.float32, [len(x)])
    targets = tf.placeholder(tf.float32, [len(x)])
    # variables
    w = tf.Variable(tf.zeros([len(x)]), name="w")
    # forward
    logits = tf.multiply(inputs, w)
    y = tf.nn.softmax(logits)
    loss = tf.pow(y - targets, 2)
    cost = tf.reduce_mean(loss)
    # update
    train = tf.train.GradientDescentOptimizer(learning_rate).minimize(cost)
    return {
        "placeholders": {"x": inputs, "y_true": targets},
        "fetches": OrderedDict([("loss", loss), ("cost", cost), ("y", y), ("logits", logits), ("w", w)]),
        "train": train,
        "feeds": {"x": x, "y_true": y_true},
    }
