"""A TF1 program and its port as text, to be changed in one place and written to files."""

LEGACY = """
import tensorflow as tf

def build():
    x = tf.placeholder(tf.float32, [None, 6], name="x")
    y = tf.placeholder(tf.float32, [None, 6], name="y")
    w1 = tf.get_variable("w1", [6, 6], initializer=tf.random_normal_initializer(0.0, 0.5, seed=1))
    b1 = tf.get_variable("b1", [6], initializer=tf.random_normal_initializer(0.0, 0.5, seed=2))
    w2 = tf.get_variable("w2", [6, 6], initializer=tf.random_normal_initializer(0.0, 0.5, seed=3))
    b2 = tf.get_variable("b2", [6], initializer=tf.random_normal_initializer(0.0, 0.5, seed=4))
    hidden = tf.nn.relu(tf.matmul(x, w1) + b1)
    logits = tf.matmul(hidden, w2) + b2
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(0.1, step, 2, 0.5, staircase=True)
    optimizer = tf.train.GradientDescentOptimizer(rate)
    gradients = optimizer.compute_gradients(loss)
    clipped = [(tf.clip_by_norm(g, 0.5), v) for g, v in gradients]
    train = optimizer.apply_gradients(clipped, global_step=step)
    return {"placeholders": {"x": x, "y": y}, "fetches": {"logits": logits, "loss": loss}, "train": train}
"""

PORT = """
import keras
import numpy as np
import tensorflow as tf
from tf_repro import optimizers

def build():
    w1 = tf.Variable(tf.zeros([6, 6]), name="w1")
    b1 = tf.Variable(tf.zeros([6]), name="b1")
    w2 = tf.Variable(tf.zeros([6, 6]), name="w2")
    b2 = tf.Variable(tf.zeros([6]), name="b2")
    variables = [w1, b1, w2, b2]
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5, staircase=True)
    optimizer = optimizers.GradientDescent(rate)

    def forward(feeds):
        hidden = tf.nn.relu(tf.matmul(feeds["x"], w1) + b1)
        logits = tf.matmul(hidden, w2) + b2
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(feeds["y"], logits))
        return {"logits": logits, "loss": loss}

    def step(feeds):
        with tf.GradientTape() as tape:
            loss = forward(feeds)["loss"]
        gradients = tape.gradient(loss, variables)
        optimizer.apply([tf.clip_by_norm(g, 0.5) for g in gradients], variables)

    return {"variables": variables, "forward": forward, "step": step, "optimizer": optimizer}
"""


def changed(text, *changes):
    """``text`` with every (old, new) replaced; each old has to be there."""
    for old, new in changes:
        if old not in text:
            raise ValueError(f"the program has no {old!r}")
        text = text.replace(old, new)
    return text


def written(folder, legacy=LEGACY, port=PORT):
    """Both programs as files: the arguments of ``tf_repro.migrate.check``."""
    folder.mkdir(exist_ok=True)
    for name, text in (("legacy.py", legacy), ("port.py", port)):
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "legacy.py", folder / "port.py"
