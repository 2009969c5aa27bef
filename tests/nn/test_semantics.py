"""What nan, infinities, masks, empty slices and huge numbers give: the same on every kernel, oneDNN's included."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.nn.oracles import log_softmax_truth, softmax_truth, value_and_gradient
from tests.tolerances import FAR_APART, row_error
from tf_repro.nn import (
    log_softmax,
    softmax,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)

SPECS = [tf.TensorSpec([None, None])] * 2
FUNCTIONS = {"softmax": (softmax, softmax_truth), "log_softmax": (log_softmax, log_softmax_truth)}


def runs(function):
    def run(z, dy):
        return value_and_gradient(function, z, dy)

    # One graph for all shapes; XLA compiles each of them, of which there are few.
    return run, tf.function(run, SPECS, autograph=False), tf.function(run, SPECS, autograph=False, jit_compile=True)


RUNS = {name: runs(function) for name, (function, _) in FUNCTIONS.items()}
ENTRY = st.sampled_from([0.0, 1.0, -3.5, 80.0, -1e4, np.inf, -np.inf, np.nan])
ROWS = st.sampled_from([(2, 3), (3, 1)]).flatmap(
    lambda shape: st.lists(st.lists(ENTRY, min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0])
)


def has_a_softmax(rows):
    """Whether a row's largest entry is a finite number, and none is nan."""
    return np.isfinite(rows.max(-1))


@settings(max_examples=30, deadline=None)
@given(rows=ROWS)
@example(rows=[[0.0, np.nan, 1.0], [0.0, 1.0, 2.0]])
@example(rows=[[np.inf, 1.0, 0.0], [-np.inf, 1.0, 0.0]])
@example(rows=[[-np.inf, -np.inf, -np.inf], [np.nan, np.nan, np.nan]])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_row_is_right_or_wholly_nan(name, rows):
    """Right where the softmax is defined, masked entries included; wholly nan where it is not."""
    z = np.float32(rows)
    dy = np.random.RandomState(0).randn(*z.shape).astype(np.float32)
    good = has_a_softmax(z)
    true_value, true_gradient = FUNCTIONS[name][1](z[good], dy[good])
    for run in RUNS[name]:
        value, gradient = (tensor.numpy() for tensor in run(tf.constant(z), tf.constant(dy)))
        assert np.isnan(value[~good]).all()
        assert np.isnan(gradient[~good]).all()
        masked = z[good] == -np.inf
        assert (value[good][masked] == (0 if name == "softmax" else -np.inf)).all()
        assert (gradient[good][masked] == (0 if name == "softmax" else dy[good][masked])).all()
        kept = np.where(masked, 0, true_value)
        assert row_error(np.where(masked, 0, value[good]), kept) <= FAR_APART["float32"]
        assert row_error(gradient[good], true_gradient, dy[good]) <= FAR_APART["float32"]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("width", [3, 1009])
def test_a_row_without_a_softmax_does_not_touch_the_bits_of_others(name, width):
    z = np.random.RandomState(1).randn(4, width).astype(np.float32)
    spoilt = z.copy()
    spoilt[[0, 2], 1] = [np.nan, np.inf]
    for run in RUNS[name]:
        for clean, other in zip(
            run(tf.constant(z), tf.constant(z)), run(tf.constant(spoilt), tf.constant(z)), strict=True
        ):
            np.testing.assert_array_equal(clean[1::2], other[1::2])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_cotangent_that_is_no_number_spoils_its_row_alone(bad):
    z, dy = np.zeros((2, 3), np.float32), np.float32([[1, bad, 2], [1, 0, -1]])
    for run in RUNS["softmax"]:
        gradient = run(tf.constant(z), tf.constant(dy))[1].numpy()
        assert np.isnan(gradient[0]).all()
        np.testing.assert_allclose(gradient[1], [1 / 3, 0, -1 / 3], rtol=FAR_APART["float32"])


@pytest.mark.parametrize("cotangent", [[2e38, -2e38, 0], [3e38, 3e38, 3e38], [-3e38, 1, 3e38], [3e38, -1e38, -1e38]])
@pytest.mark.parametrize("logits", [[0, 0, 0], [1, 2, 3], [0, 30, 0]])
def test_a_finite_huge_cotangent_has_a_finite_gradient(logits, cotangent):
    z, dy = np.float32([logits]), np.float32([cotangent])
    truth = softmax_truth(z, dy)[1]
    assert np.isfinite(truth).all()
    for run in RUNS["softmax"]:
        assert row_error(run(tf.constant(z), tf.constant(dy))[1], truth, dy) <= FAR_APART["float32"]


def test_a_large_compiled_matrix_has_the_same_semantics():
    """Of a size from which on a part of an uncompiled function is compiled."""
    z = np.random.RandomState(2).randn(260, 1000).astype(np.float32)
    dy = np.random.RandomState(3).randn(260, 1000).astype(np.float32)
    z[0, 5], z[1, 5], z[2], z[3, 5] = np.nan, np.inf, -np.inf, -np.inf
    dy[4, :2] = 3e38, -3e38
    for function, truth in FUNCTIONS.values():
        results = tf.function(value_and_gradient, autograph=False)(function, tf.constant(z), tf.constant(dy))
        value, gradient = (result.numpy() for result in results)
        assert np.isnan(value[:3]).all()
        assert np.isnan(gradient[:3]).all()
        assert gradient[3, 5] == (0 if function is softmax else dy[3, 5])
        true_value, true_gradient = truth(z[4:], dy[4:])
        assert row_error(value[4:], true_value) <= FAR_APART["float32"]
        assert row_error(gradient[4:], true_gradient, dy[4:]) <= FAR_APART["float32"]
    labels = np.random.RandomState(4).randint(10, 1000, size=260)
    labels[5], labels[6] = 1000, -1

    def losses(z):
        one_hot = tf.one_hot(labels, 1000)
        return (
            softmax_cross_entropy_with_logits(one_hot, z),
            sparse_softmax_cross_entropy_with_logits(labels, z, ignore_class=-1),
        )

    dense, sparse = (loss.numpy() for loss in tf.function(losses, autograph=False)(tf.constant(z)))
    assert np.isnan(dense[:3]).all()
    np.testing.assert_array_equal(np.isnan(sparse), np.isin(np.arange(260), [0, 1, 2, 5]))
    assert sparse[6] == 0
    assert np.isfinite(dense[3:]).all()
