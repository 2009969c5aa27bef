"""The cross-entropy of a 784-1024-10 network in two ways, as Session programs."""

from collections import OrderedDict

import numpy as np
import tensorflow as tf

SAMPLES = 8
HIDDEN = 1024
LARGE = (1000.0, 2000.0, 3000.0, 4000.0, 5000.0)


def data():
    """Random images and one-hot labels, from a stream that NumPy has frozen."""
    random = np.random.RandomState(0)
    images = random.rand(SAMPLES, 28 * 28).astype("float32")
    return images, np.eye(10, dtype="float32")[random.randint(10, size=SAMPLES)]


def build(method="manual", features=None, labels=None, learning_rate=1e-4):
    """Descend the cost of one of the document's two programs.

    "manual" descends -sum(labels * log(softmax)), "fused" minus the sum of TensorFlow's own cross-entropy: the
    document has that minus, though the function is positive already.
    """
    # inputs
    if features is None:
        features, labels = data()
    images = tf.placeholder(tf.float32, [None, features.shape[1]])
    output = tf.placeholder(tf.float32, [None, labels.shape[1]])
    # variables
    tf.set_random_seed(0)
    w_fc1 = tf.Variable(tf.truncated_normal([features.shape[1], HIDDEN], stddev=0.1, seed=1), name="W1")
    b_fc1 = tf.Variable(tf.constant(0.1, shape=[HIDDEN]), name="b1")
    w_fc2 = tf.Variable(tf.truncated_normal([HIDDEN, labels.shape[1]], stddev=0.1, seed=2), name="W2")
    b_fc2 = tf.Variable(tf.constant(0.1, shape=[labels.shape[1]]), name="b2")
    # forward
    hidden = tf.matmul(images, w_fc1) + b_fc1
    linear = tf.matmul(hidden, w_fc2) + b_fc2
    if method == "manual":
        logits = tf.nn.softmax(linear)
        cost = -tf.reduce_sum(output * tf.log(logits))
    else:
        logits = linear
        cost = -tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(labels=output, logits=logits))
    # update
    train = tf.train.GradientDescentOptimizer(learning_rate).minimize(cost)
    return {
        "placeholders": {"features": images, "labels": output},
        "fetches": OrderedDict(
            [("cost", cost), ("logits", logits), ("b2", b_fc2), ("W1_corner", w_fc1[:2, :5]), ("W2_row", w_fc2[0])]
        ),
        "train": train,
        "feeds": {"features": features, "labels": labels},
    }


def build_stability(logits=LARGE, label=0):
    """Softmax and cross-entropy of large logits: naive, shifted, by hand and fused."""
    z = tf.constant(logits)
    powers, shifted = tf.exp(z), tf.exp(z - tf.reduce_max(z))
    softmax = shifted / tf.reduce_sum(shifted)
    target = tf.one_hot(label, len(logits))
    fused = tf.nn.softmax_cross_entropy_with_logits(labels=tf.expand_dims(target, 0), logits=tf.expand_dims(z, 0))
    return {
        "placeholders": {},
        "fetches": OrderedDict(
            [
                ("naive_softmax", powers / tf.reduce_sum(powers)),
                ("shifted_softmax", softmax),
                ("manual_cross_entropy", -tf.reduce_sum(target * tf.log(softmax))),
                ("fused_cross_entropy", fused[0]),
            ]
        ),
    }
