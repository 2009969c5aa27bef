"""A classifier as one wrote it for TensorFlow 1: batch normalisation, dropout, clipping, a decaying learning rate."""

import numpy as np
import tensorflow as tf

FEATURES, HIDDEN, CLASSES = 10, 16, 3


def dense(x, units, name, use_bias=True):
    with tf.variable_scope(name):
        kernel = tf.get_variable("kernel", [x.shape[1], units], initializer=tf.glorot_uniform_initializer(seed=units))
        if not use_bias:
            return tf.matmul(x, kernel)
        return tf.matmul(x, kernel) + tf.get_variable("bias", [units], initializer=tf.zeros_initializer())


def batch_normalisation(x, name):
    with tf.variable_scope(name):
        gamma = tf.get_variable("gamma", [x.shape[1]], initializer=tf.ones_initializer())
        beta = tf.get_variable("beta", [x.shape[1]], initializer=tf.zeros_initializer())
        average = tf.get_variable("moving_mean", [x.shape[1]], initializer=tf.zeros_initializer(), trainable=False)
        spread = tf.get_variable("moving_variance", [x.shape[1]], initializer=tf.ones_initializer(), trainable=False)
        mean, variance = tf.nn.moments(x, [0])
        for moving, batch in ((average, mean), (spread, variance)):
            update = tf.assign(moving, 0.9 * moving + 0.1 * batch)
            tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-3)


def build():
    x = tf.placeholder(tf.float32, [None, FEATURES], name="x")
    label = tf.placeholder(tf.int32, [None], name="label")
    keep_prob = tf.placeholder_with_default(1.0, [])  # dropout off

    hidden = tf.nn.relu(batch_normalisation(dense(x, HIDDEN, "hidden", use_bias=False), "norm"))
    logits = dense(tf.nn.dropout(hidden, keep_prob), CLASSES, "output")
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits))

    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(0.1, step, 5, 0.9)
    optimizer = tf.train.MomentumOptimizer(rate, 0.9)
    gradients, variables = zip(*optimizer.compute_gradients(loss))
    clipped, _ = tf.clip_by_global_norm(gradients, 1.0)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = optimizer.apply_gradients(zip(clipped, variables), global_step=step)

    # All that the checker asks for: what goes in, what comes out, what trains.
    random = np.random.RandomState(0)
    return {
        "placeholders": {"x": x, "label": label},
        "fetches": {"logits": logits, "loss": loss},
        "train": train,
        "feeds": {"x": random.randn(4, 32, FEATURES), "label": random.randint(0, CLASSES, [4, 32])},
    }
