"""Rows of up to 262 144 entries, equal, nearly equal and not, where sums taken one after another lose digits."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from tests.nn.oracles import log_softmax_truth, softmax_truth, value_and_gradient
from tests.nn.problems import slow
from tests.nn.truth import cross_entropy, one_hot
from tests.tolerances import FAR_APART, TOLERANCE, row_error
from tf_repro import nn


def of_unknown_rows(function, z, dy):
    """As a `tf.function` that does not know how many rows there will be, and so compiles nothing."""
    specs = [tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype) for tensor in (z, dy)]
    return tf.function(functools.partial(value_and_gradient, function), specs, autograph=False)(z, dy)


RUNS = {
    "eager": value_and_gradient,
    "function": tf.function(value_and_gradient, autograph=False),
    "unknown rows": of_unknown_rows,
    "xla": tf.function(value_and_gradient, autograph=False, jit_compile=True),
}
# Primes and other lengths that no block divides are among them.
WIDTHS = [1000, 1009, 8191, 50257, 131071, 131072, 262144]


def nearly_equal(width):
    return np.where(np.arange(width) == width // 3, 0, -2.2)


LOGITS = {
    "nearly equal": nearly_equal,
    "constant": lambda width: np.full(width, 0.3),
    "one-hot": lambda width: 20.0 * (np.arange(width) == width // 2),
    "linspace": lambda width: np.linspace(-5, 5, width),
    "huge offset": lambda width: 1e4 + nearly_equal(width),
    "cauchy": lambda width: np.random.RandomState(1).standard_cauchy(width),
    "normal": lambda width: np.random.RandomState(2).randn(width),
}
COTANGENTS = {
    "normal": lambda y, noise: noise,
    "proportional to y": lambda y, noise: 100 * y,
    "centred": lambda y, noise: noise - (noise * y).sum(),
    "huge offset": lambda y, noise: noise + 1e4,
    "one-hot": lambda y, noise: y == y.max(),
}


def tolerance(kind):
    return FAR_APART["float32"] if kind == "cauchy" else TOLERANCE["float32"]


def rows(kind, width):
    """Logits, a row for each kind of cotangent, and the cotangents, in float32."""
    z = np.tile(np.float32(LOGITS[kind](width)), (len(COTANGENTS), 1))
    y = softmax_truth(z[0], z[0])[0]
    noise = np.random.RandomState(3).randn(width)
    return z, np.stack([make(y, noise) for make in COTANGENTS.values()]).astype(np.float32)


def assert_accurate(run, kind, width):
    z, dy = rows(kind, width)
    y, gradient = run(nn.softmax, tf.constant(z), tf.constant(dy))
    true_y, true_gradient = softmax_truth(z, dy)
    assert row_error(y, true_y) <= tolerance(kind)
    assert row_error(gradient, true_gradient, dy) <= tolerance(kind)

    value, gradient = run(nn.log_softmax, tf.constant(z), tf.constant(dy))
    true_value, true_gradient = log_softmax_truth(z, dy)
    assert row_error(value, true_value) <= tolerance(kind)
    # Where dy is nearly proportional to y, what is left of the terms is the resolution of y·Σ dy.
    terms = np.exp(true_value) * np.abs(dy.astype(float)).sum(-1, keepdims=True) + np.abs(true_gradient)
    errors = np.abs(gradient.numpy() - true_gradient).max(-1)
    assert (errors <= tolerance(kind) * terms.max(-1)).all()

    labels = np.full(len(z), z[0].argmin())
    losses, residual = cross_entropy(one_hot(labels, width, 0.1), z)
    for function, target in (
        (nn.sparse_softmax_cross_entropy_with_logits, labels),
        (nn.softmax_cross_entropy_with_logits, one_hot(labels, width)),
    ):
        smoothed = functools.partial(function, target, label_smoothing=0.1)
        value, gradient = run(smoothed, tf.constant(z), tf.constant(dy[:, 0]))
        assert row_error(value[:, None], losses[:, None]) <= tolerance(kind)
        assert row_error(gradient, residual * dy[:, :1]) <= tolerance(kind)


@pytest.mark.parametrize("mode", ["function", "unknown rows", "xla", slow("eager")])
@pytest.mark.parametrize("kind", ["nearly equal", slow("linspace")])
def test_rows_of_a_length_that_no_block_divides(kind, mode):
    assert_accurate(RUNS[mode], kind, 8191)


@pytest.mark.slow
@pytest.mark.parametrize("mode", RUNS)
@pytest.mark.parametrize("kind", LOGITS)
@pytest.mark.parametrize("width", WIDTHS)
def test_rows_up_to_262144_entries(width, kind, mode):
    assert_accurate(RUNS[mode], kind, width)
