"""Back-propagation through softmax, the document's program, as the checker takes it."""

import tensorflow as tf

X = [1.0, 2.0, 3.0, 4.0, 5.0]
Y_TRUE = [3.0, 4.0, 5.0, 6.0, 7.0]


def build():
    x = tf.placeholder(tf.float32, [5])
    y_true = tf.placeholder(tf.float32, [5])
    w = tf.Variable(tf.zeros([5]), name="w")
    logits = tf.multiply(x, w)
    y = tf.nn.softmax(logits)
    loss = tf.pow(y - y_true, 2)
    cost = tf.reduce_mean(loss)
    return {
        "placeholders": {"x": x, "y_true": y_true},
        "fetches": {"logits": logits, "y": y, "loss": loss, "cost": cost},
        "train": tf.train.GradientDescentOptimizer(1.0).minimize(cost),
        "feeds": {"x": X, "y_true": Y_TRUE},
    }
