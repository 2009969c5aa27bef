"""Cross-entropy of labels and logits that are out of the ordinary, and what it refuses."""

import numpy as np
import pytest
import tensorflow as tf

from tests.nn.problems import MODES, problem, slow, value_and_gradient
from tests.nn.truth import cross_entropy, one_hot
from tests.tolerances import ONE_PASS
from tf_repro.nn import softmax_cross_entropy_with_logits as dense
from tf_repro.nn import sparse_softmax_cross_entropy_with_logits as sparse


@pytest.mark.parametrize("mode", MODES)
def test_labels_out_of_range_give_nan_alike_in_every_mode(mode):
    logits = problem(4, 3)[2]
    labels = tf.constant([0, 3, -1, 2])
    losses, gradient = MODES[mode](lambda k, z: value_and_gradient(sparse, k, z))(labels, logits)
    np.testing.assert_array_equal(np.isnan(losses), [False, True, True, False])
    np.testing.assert_array_equal(np.isnan(gradient).all(-1), [False, True, True, False])
    np.testing.assert_array_equal(np.isnan(gradient).any(-1), [False, True, True, False])


@pytest.mark.parametrize(
    ("mode", "ignore_class"),
    [
        ("eager", 1),
        ("function", 255),
        ("xla", -1),
        *(slow("eager", label) for label in (-1, 255)),
        *(slow("function", label) for label in (-1, 1)),
        *(slow("xla", label) for label in (1, 255)),
    ],
)
def test_ignored_rows_are_zero_even_where_their_logits_are_nan(mode, ignore_class):
    labels, _, logits = problem(4, 3)
    labels[:] = [0, ignore_class, 2, ignore_class]
    logits = tf.tensor_scatter_nd_update(logits, [[3, 1]], [float("nan")])
    for smoothing in (0.0, 0.1):
        losses, gradient = MODES[mode](
            lambda k, z, smoothing=smoothing: value_and_gradient(
                sparse, k, z, ignore_class=ignore_class, label_smoothing=smoothing
            )
        )(tf.constant(labels), logits)
        np.testing.assert_array_equal(losses.numpy()[[1, 3]], [0, 0])
        np.testing.assert_array_equal(gradient.numpy()[[1, 3]], np.zeros((2, 3)))
        expected = cross_entropy(one_hot(labels[::2], 3, smoothing), logits.numpy()[::2])
        np.testing.assert_allclose(losses.numpy()[::2], expected[0].astype(float), rtol=ONE_PASS)
        np.testing.assert_allclose(gradient.numpy()[::2], expected[1].astype(float), atol=ONE_PASS)


@pytest.mark.parametrize("mode", MODES)
def test_minus_infinite_logits_of_classes_without_label(mode):
    logits = tf.constant([[0.0, 1.0, -np.inf], [0.0, -np.inf, -np.inf]])
    p = tf.constant([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    losses, gradient = MODES[mode](lambda p, z: value_and_gradient(dense, p, z))(p, logits)
    np.testing.assert_allclose(losses, [np.log1p(np.e), np.inf], rtol=ONE_PASS)
    np.testing.assert_allclose(gradient[0], [-0.7310585786300049, 0.7310585786300049, 0], rtol=ONE_PASS)
    np.testing.assert_allclose(gradient[1], [0.5, -0.5, 0], rtol=ONE_PASS)
    losses, gradient = MODES[mode](lambda z: value_and_gradient(sparse, [0, 0], z))(logits)
    np.testing.assert_allclose(losses, [np.log1p(np.e), 0], rtol=ONE_PASS)
    assert np.isfinite(gradient).all()


def test_rows_without_a_finite_maximum_are_nan():
    logits = tf.constant([[-np.inf, -np.inf], [np.inf, 0.0], [np.nan, 0.0], [1.0, 2.0]])
    for losses in (dense(tf.ones((4, 2)) / 2, logits), sparse([0, 0, 0, 0], logits)):
        np.testing.assert_array_equal(np.isnan(losses), [True, True, True, False])


def test_plain_integers_lists_and_variables():
    variable = tf.Variable([[1.0, 2.0], [3.0, 5.0]])
    expected = np.log1p(np.exp([1.0, -2.0]))
    for labels in ([0, 1], np.array([0, 1], np.uint8), tf.constant([0, 1], tf.int64)):
        np.testing.assert_allclose(sparse(labels, variable), expected, rtol=ONE_PASS)
    np.testing.assert_allclose(dense([[1, 0], [0, 1]], variable), expected, rtol=ONE_PASS)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(sparse([0, 1], variable))
    assert tape.gradient(loss, variable).shape == (2, 2)


def test_no_rows():
    assert sparse(tf.zeros([0], tf.int32), tf.zeros([0, 3])).shape == (0,)
    assert value_and_gradient(dense, tf.zeros([0, 3]), tf.zeros([0, 3]))[1].shape == (0, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: dense([[1]], [[1]]), TypeError, "logits must be floating point. Received: logits of int32"),
        (lambda: dense([[1.0]], [[1.0, 2.0]]), ValueError, r"the shape of logits. Received: .*\(1, 1\)"),
        (lambda: dense([[1.0]], [[1.0]], axis=2), ValueError, r"axis must be in \[-2, 2\). Received: axis=2"),
        (lambda: dense([[1.0]], [[1.0]], axis=(0, 1)), ValueError, r"must be an int.*axis=\(0, 1\)"),
        (lambda: dense(1.0, 1.0), ValueError, r"axis must be in \[0, 0\). Received: axis=-1"),
        (lambda: dense(np.ones((2, 0)), np.ones((2, 0))), ValueError, "at least one class. Received"),
        (lambda: dense([[1.0]], [[1.0]], label_smoothing=2), ValueError, r"Received: label_smoothing=2"),
        (lambda: sparse([0.0], [[1.0]]), TypeError, "labels must be integers.*Received: labels of float32"),
        (lambda: sparse([[0]], [[1.0]]), ValueError, r"axis of the classes. Received: .*\(1, 1\)"),
        (lambda: sparse([0], [[1.0]], ignore_class=0.5), TypeError, "integer or None. Received: .*0.5"),
    ],
)
def test_error_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()
