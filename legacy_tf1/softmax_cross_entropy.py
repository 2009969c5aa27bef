"""The cross-entropy of a 784-1024-10 network in two ways, as Session programs."""

from collections import OrderedDict

import numpy as np

from legacy_tf1.tensorflow1 import tf

SAMPLES = 8

# How many threads share a matrix product decides in which order it is summed.
ONE_THREAD = tf.ConfigProto(intra_op_parallelism_threads=1)


def inputs():
    """Random images and one-hot labels, from a stream that NumPy has frozen."""
    random = np.random.RandomState(0)
    return random.rand(SAMPLES, 28 * 28).astype("float32"), np.eye(10, dtype="float32")[
        random.randint(10, size=SAMPLES)
    ]


def run(method, features=None, labels=None, weights=None, learning_rate=1e-4, steps=1):
    """Descend the cost of one of the document's two programs; {moment: {quantity: array}}.

    "manual" descends -sum(labels * log(softmax)), "fused" minus the sum of TensorFlow's own cross-entropy: the
    document has that minus, though the function is positive already.
    """
    # inputs
    if features is None:
        features, labels = inputs()
    with tf.Graph().as_default():
        tf.set_random_seed(0)
        images = tf.placeholder(tf.float32, [None, features.shape[1]])
        output = tf.placeholder(tf.float32, [None, labels.shape[1]])
        # variables
        if weights is None:
            w_fc1 = tf.Variable(tf.truncated_normal([features.shape[1], 1024], stddev=0.1, seed=1))
            b_fc1 = tf.Variable(tf.constant(0.1, shape=[1024]))
            w_fc2 = tf.Variable(tf.truncated_normal([1024, labels.shape[1]], stddev=0.1, seed=2))
            b_fc2 = tf.Variable(tf.constant(0.1, shape=[labels.shape[1]]))
        else:
            w_fc1, b_fc1, w_fc2, b_fc2 = [tf.Variable(weights[name]) for name in ("W1", "b1", "W2", "b2")]
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
        # training
        prints = OrderedDict(
            [("cost", cost), ("logits", logits), ("b2", b_fc2), ("W1_corner", w_fc1[:2, :5]), ("W2_row", w_fc2[0])]
        )
        feeds = {images: features, output: labels}
        with tf.Session(config=ONE_THREAD) as session:
            session.run(tf.global_variables_initializer())
            before = session.run(list(prints.values()), feeds)
            for _ in range(steps):
                session.run(train, feeds)
            after = session.run(list(prints.values()), feeds)
    return {"before": OrderedDict(zip(prints, before)), "after": OrderedDict(zip(prints, after))}


def stability(logits=(1000.0, 2000.0, 3000.0, 4000.0, 5000.0), label=0):
    """Softmax and cross-entropy of large logits: naive, shifted, by hand and fused."""
    with tf.Graph().as_default():
        z = tf.constant(logits)
        powers, shifted = tf.exp(z), tf.exp(z - tf.reduce_max(z))
        softmax = shifted / tf.reduce_sum(shifted)
        target = tf.one_hot(label, len(logits))
        fetches = OrderedDict(
            [
                ("naive_softmax", powers / tf.reduce_sum(powers)),
                ("shifted_softmax", softmax),
                ("manual_cross_entropy", -tf.reduce_sum(target * tf.log(softmax))),
                (
                    "fused_cross_entropy",
                    tf.nn.softmax_cross_entropy_with_logits(labels=tf.expand_dims(target, 0), logits=[logits])[0],
                ),
            ]
        )
        with tf.Session() as session:
            values = session.run(list(fetches.values()))
    return OrderedDict(zip(fetches, values))


def run_all():
    """What `legacy_tf1.record` records of these programs."""
    moments = {"stability": stability()}
    for method in ("manual", "fused"):
        for moment, quantities in run(method).items():
            moments[moment + ", " + method] = quantities
    return moments
