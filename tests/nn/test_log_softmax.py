"""tf_repro.nn.log_softmax against extended-precision truth and against tf.nn.log_softmax."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nn.oracles import (
    assert_gradient_is_derivative,
    compiled_value_and_gradient,
    log_softmax_truth,
    value_and_gradient,
)
from tests.tolerances import FAR_APART, TOLERANCE, row_error
from tf_repro.nn import log_softmax

RNG = np.random.default_rng(20261122)


@pytest.mark.parametrize("scale", [0, 1, 5, 20, 80])
@pytest.mark.parametrize("width", [2, 1000])
@pytest.mark.parametrize("run", [value_and_gradient, compiled_value_and_gradient])
def test_likelihood_gradient_keeps_its_digits_in_saturated_rows(scale, width, run):
    """The upstream of a likelihood, one-hot, at the likeliest entry: the textbook form gives 1 - 1."""
    logits = (RNG.normal(size=(64, width)) * scale).astype(np.float32)
    cotangent = np.eye(width, dtype=np.float32)[logits.argmax(-1)]
    value, gradient = run(log_softmax, tf.constant(logits), tf.constant(cotangent))
    true_value, true_gradient = log_softmax_truth(logits, cotangent)
    assert row_error(value, true_value) <= FAR_APART["float32"]
    assert row_error(gradient, true_gradient, cotangent) <= FAR_APART["float32"]


def test_textbook_gradient_is_lost_in_a_saturated_row():
    logits, cotangent = np.float32([[0, 30, 1]]), np.float32([[0, 1, 0]])
    truth = log_softmax_truth(logits, cotangent)[1]
    ours = value_and_gradient(log_softmax, logits, cotangent)[1][0, 1]
    theirs = value_and_gradient(tf.nn.log_softmax, logits, cotangent)[1][0, 1]
    assert abs(ours / float(truth[0, 1]) - 1) <= FAR_APART["float32"]
    assert abs(theirs / float(truth[0, 1]) - 1) > 0.5


@pytest.mark.parametrize("width", [2, 5, 33, 1000])
@pytest.mark.parametrize("scale", [0, 0.01, 1, 5, 20])
@pytest.mark.parametrize("offset", [0, -300, 10000])
def test_gradient_resolves_no_less_than_the_probabilities_do(width, scale, offset):
    """Where dy is nearly proportional to y, the rounding of y·Σ|dy| is what float32 probabilities allow."""
    logits = (RNG.normal(size=(32, width)) * scale).astype(np.float32)
    cotangent = (RNG.normal(size=(32, width)) + offset).astype(np.float32)
    _, gradient = value_and_gradient(log_softmax, logits, cotangent)
    logarithm, truth = log_softmax_truth(logits, cotangent)
    resolution = np.exp(logarithm) * np.abs(cotangent).sum(-1, keepdims=True) + np.abs(cotangent)
    largest = np.abs(truth).max(-1, keepdims=True)
    assert (np.abs(gradient.numpy() - truth) / np.maximum(resolution, largest)).max() <= FAR_APART["float32"]


@settings(max_examples=30, deadline=None)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    data=st.data(),
    dtype=st.sampled_from(["float32", "float64"]),
    scale=st.sampled_from([0.0, 1.0, 30.0, 500.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_value_has_relative_accuracy_whatever_the_shape(shape, data, dtype, scale, seed):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    logits = (np.random.default_rng(seed).normal(size=shape) * scale).astype(dtype)
    value = np.moveaxis(log_softmax(logits, axis).numpy(), axis, -1)
    truth, _ = log_softmax_truth(np.moveaxis(logits, axis, -1), np.zeros(1))
    lost = np.finfo(dtype).tiny * shape[axis]
    assert (np.abs(value - truth) <= FAR_APART[dtype] * np.abs(truth) + lost).all()


def test_tuple_of_axes_and_half_precision():
    logits = tf.cast(RNG.normal(size=(2, 3, 4)) * 3, tf.float16)
    value = log_softmax(logits, (0, 2))
    rows = np.moveaxis(tf.cast(logits, tf.float64).numpy(), 1, 0).reshape(3, 8)
    truth = np.moveaxis(log_softmax_truth(rows, np.zeros(1))[0].reshape(3, 2, 4), 0, 1)
    assert value.dtype == tf.float16
    assert row_error(value, truth) <= TOLERANCE["float16"]


def test_rule_is_the_derivative_to_second_order():
    logits, weights = tf.constant(RNG.normal(size=(2, 2, 4)))
    assert_gradient_is_derivative(log_softmax, logits)
    assert_gradient_is_derivative(lambda z: value_and_gradient(log_softmax, z, weights)[1], logits)
    assert_gradient_is_derivative(lambda dy: value_and_gradient(log_softmax, logits, dy)[1], weights)


@pytest.mark.parametrize("pfor", [False, True])
def test_jacobian(pfor):
    z = tf.constant(RNG.normal(size=4))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        value = log_softmax(z)
    truth = np.eye(4) - np.exp(value.numpy())
    assert row_error(tape.jacobian(value, z, experimental_use_pfor=pfor), truth) <= TOLERANCE["float64"]


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function, lambda f: tf.function(f, jit_compile=True)])
def test_forward_mode(wrap):
    z, tangent = tf.constant(RNG.normal(size=(2, 3, 4)))

    def pushed():
        with tf.autodiff.ForwardAccumulator(z, tangent) as accumulator:
            value = log_softmax(z)
        return value, accumulator.jvp(value)

    value, jvp = wrap(pushed)()
    truth = tangent - tf.reduce_sum(tf.exp(value) * tangent, -1, keepdims=True)
    assert row_error(jvp, truth) <= TOLERANCE["float64"]


@pytest.mark.parametrize("width", [7, 300])
def test_eager_and_graph_agree_bit_for_bit_and_xla_within_ulp(width):
    logits, cotangent = RNG.normal(size=(2, 8, width)).astype(np.float32) * 3
    eager = value_and_gradient(log_softmax, logits, cotangent)
    graph = tf.function(value_and_gradient)(log_softmax, logits, cotangent)
    compiled = compiled_value_and_gradient(log_softmax, tf.constant(logits), tf.constant(cotangent))
    for a, b, c in zip(eager, graph, compiled, strict=True):
        np.testing.assert_array_equal(a, b)
        assert row_error(c, a) <= FAR_APART["float32"]


def test_minus_infinity_stays_and_passes_its_own_cotangent_back():
    value, gradient = value_and_gradient(log_softmax, np.float32([-np.inf, 0, 0]), np.float32([3, 1, 1]))
    np.testing.assert_array_equal(value, np.float32([-np.inf, -np.log(2), -np.log(2)]))
    np.testing.assert_array_equal(gradient, np.float32([3, -1.5, -1.5]))


@pytest.mark.parametrize("row", [[-np.inf, -np.inf], [np.inf, 0], [np.nan, 0]])
def test_a_row_without_a_softmax_is_nan_and_leaves_its_neighbours_alone(row):
    value, gradient = value_and_gradient(log_softmax, np.float32([row, [0, 0]]), np.float32([[1, 2], [1, 2]]))
    assert np.isnan(value[0]).all()
    assert np.isnan(gradient[0]).all()
    np.testing.assert_array_equal(gradient[1], [-0.5, 0.5])


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3)])
def test_empty_tensors_stay_empty(shape):
    for result in value_and_gradient(log_softmax, tf.zeros(shape), tf.zeros(shape)):
        assert result.shape == shape


def test_one_entry_is_zero_with_gradient_exactly_zero():
    value, gradient = value_and_gradient(log_softmax, np.float32([[90], [-3]]), np.float32([[1e4], [-7]]))
    np.testing.assert_array_equal(value, [[0], [0]])
    np.testing.assert_array_equal(gradient, [[0], [0]])


def test_error_messages():
    with pytest.raises(ValueError, match=r"axis must be in \[-1, 1\) for logits of rank 1. Received: axis=1"):
        log_softmax([1.0], axis=1)
    with pytest.raises(TypeError, match=r"logits must be floating-point. Received: dtype=int32"):
        log_softmax([1])
