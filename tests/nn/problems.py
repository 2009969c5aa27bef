"""Cross-entropy problems, and the modes that TensorFlow solves them in."""

import numpy as np
import pytest
import tensorflow as tf

MODES = {
    "eager": lambda f: f,
    "function": lambda f: tf.function(f, autograph=False),
    "xla": lambda f: tf.function(f, autograph=False, jit_compile=True),
}


def slow(*values):
    """Parameters of a case that the default run leaves to the slow one: others there take the same path."""
    return pytest.param(*values, marks=pytest.mark.slow)


def value_and_gradient(function, labels, logits, upstream=None, **options):
    """Losses and their gradient by the logits."""
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = function(labels, logits, **options)
    return losses, tape.gradient(losses, logits, upstream)


def problem(rows=5, classes=7, scale=3.0, seed=0, dtype="float32"):
    rng = np.random.RandomState(seed)
    logits = tf.constant(scale * rng.randn(rows, classes), dtype)
    labels = rng.randint(classes, size=rows)
    return labels, tf.constant(rng.dirichlet(np.ones(classes), rows), dtype), logits
