"""Back-propagation through softmax in TensorFlow 2."""

import tensorflow as tf

from tf_repro import optimizers


def build(softmax=tf.nn.softmax):
    w = tf.Variable(tf.zeros([5]))
    optimizer = optimizers.GradientDescent(1.0)

    def forward(feeds):
        logits = tf.multiply(feeds["x"], w)
        y = softmax(logits)
        loss = tf.pow(y - feeds["y_true"], 2.0)
        return {"logits": logits, "y": y, "loss": loss, "cost": tf.reduce_mean(loss)}

    def step(feeds):
        with tf.GradientTape() as tape:
            cost = forward(feeds)["cost"]
        optimizer.apply([tape.gradient(cost, w)], [w])

    return {"variables": {"w": w}, "forward": forward, "step": step, "optimizer": optimizer}
