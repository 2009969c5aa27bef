"""The network under TensorFlow's own cross-entropy in TensorFlow 2."""

import tensorflow as tf

from tf_repro import optimizers


def build():
    weights = {
        "w_fc1": tf.Variable(tf.zeros([784, 1024])),
        "b_fc1": tf.Variable(tf.zeros([1024])),
        "w_fc2": tf.Variable(tf.zeros([1024, 10])),
        "b_fc2": tf.Variable(tf.zeros([10])),
    }
    optimizer = optimizers.GradientDescent(1e-4)

    def forward(feeds):
        hidden = tf.matmul(feeds["images"], weights["w_fc1"]) + weights["b_fc1"]
        logits = tf.matmul(hidden, weights["w_fc2"]) + weights["b_fc2"]
        labels = tf.nn.softmax(feeds["labels"])
        return {"logits": logits, "cost": tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(labels, logits))}

    def step(feeds):
        with tf.GradientTape() as tape:
            cost = forward(feeds)["cost"]
        gradients = tape.gradient(cost, list(weights.values()))
        optimizer.apply(gradients, list(weights.values()))

    return {"variables": weights, "forward": forward, "step": step, "optimizer": optimizer}
