"""Descent on a vector cost in TensorFlow 2: the tape, too, sums it."""

import tensorflow as tf

from tf_repro import optimizers


def build():
    x = tf.constant([-1.0, -2.0])
    w = tf.Variable([0.0, 0.0])
    optimizer = optimizers.GradientDescent(1.0)

    def forward(feeds):
        y = w * x
        return {"y": y, "cost": y[1] * y}

    def step(feeds):
        with tf.GradientTape() as tape:
            cost = forward(feeds)["cost"]
        optimizer.apply([tape.gradient(cost, w)], [w])

    return {"variables": {"w": w}, "forward": forward, "step": step, "optimizer": optimizer}
