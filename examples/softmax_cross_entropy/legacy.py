"""The document's second program, a network under TensorFlow's own cross-entropy, as the checker takes it."""

import tensorflow as tf


def build():
    images = tf.placeholder(tf.float32, [8, 784])
    labels = tf.placeholder(tf.float32, [8, 10])
    w_fc1 = tf.Variable(tf.truncated_normal([784, 1024], stddev=0.1, seed=1), name="w_fc1")
    b_fc1 = tf.Variable(tf.constant(0.1, shape=[1024]), name="b_fc1")
    w_fc2 = tf.Variable(tf.truncated_normal([1024, 10], stddev=0.1, seed=2), name="w_fc2")
    b_fc2 = tf.Variable(tf.constant(0.1, shape=[10]), name="b_fc2")
    logits = tf.matmul(tf.matmul(images, w_fc1) + b_fc1, w_fc2) + b_fc2
    cost = tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(labels=tf.nn.softmax(labels), logits=logits))
    train = tf.train.GradientDescentOptimizer(1e-4).minimize(cost)
    return {
        "placeholders": {"images": images, "labels": labels},
        "fetches": {"logits": logits, "cost": cost},
        "train": train,
    }
