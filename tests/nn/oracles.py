"""Truth for softmax and its logarithm in extended precision, and the error measure the tests share."""

import numpy as np
import tensorflow as tf

from tf_repro.suite.derivations import softmax

softmax_truth = softmax.softmax_and_product


def log_softmax_truth(logits, cotangent):
    """Log-softmax along the last axis and its vector-Jacobian product, in np.longdouble."""
    z, dy = np.asarray(logits, np.longdouble), np.asarray(cotangent, np.longdouble)
    shifted = z - z.max(-1, keepdims=True)
    largest = np.arange(z.shape[-1]) == z.argmax(-1)[..., np.newaxis]
    rest = np.where(largest, 0, np.exp(shifted)).sum(-1, keepdims=True)
    logarithm = shifted - np.log1p(rest)
    y = np.exp(logarithm)
    others = np.where(largest, 0, dy).sum(-1, keepdims=True)
    return logarithm, np.where(largest, dy * rest / (1 + rest) - y * others, dy - y * dy.sum(-1, keepdims=True))


def value_and_gradient(function, logits, cotangent):
    """`function` of `logits` and its gradient for the upstream gradient `cotangent`."""
    z = tf.convert_to_tensor(logits)
    with tf.GradientTape() as tape:
        tape.watch(z)
        y = function(z)
    return y, tape.gradient(y, z, tf.convert_to_tensor(cotangent))


compiled_value_and_gradient = tf.function(value_and_gradient, jit_compile=True)


def assert_gradient_is_derivative(function, *arguments, tolerance=1e-7):
    """The gradient rule of `function` agrees with central differences, in float64.

    The tolerance is that of the differences, not of the rule: their step is 2^-10, their error its square
    times the third derivative.
    """
    analytic, numeric = tf.test.compute_gradient(function, list(arguments), delta=2.0**-10)
    for ours, differences in zip(analytic, numeric, strict=True):
        largest = max(np.abs(differences).max(initial=0), 1)
        if not np.abs(ours - differences).max(initial=0) <= 4 * 2.0**-20 * largest + tolerance:
            raise AssertionError(
                f"gradient is not the derivative. Received:\n{ours}\nagainst differences:\n{differences}"
            )
