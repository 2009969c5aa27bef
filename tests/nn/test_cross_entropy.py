"""Cross-entropy of logits against long double and mpmath, in every mode."""

import mpmath
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nn.problems import MODES, problem, slow, value_and_gradient
from tests.nn.truth import cross_entropy, cross_entropy_to_fifty_digits, one_hot
from tests.tolerances import ONE_PASS, ROUNDED_ONCE, UNIT_ROUNDOFF, row_error
from tf_repro.nn import softmax_cross_entropy_with_logits as dense
from tf_repro.nn import sparse_softmax_cross_entropy_with_logits as sparse

SIZES = [(64, 10, 1), (16, 1000, 20), (4, 131072, 5), (3, 1, 1)]


@pytest.mark.parametrize(("rows", "classes", "scale"), SIZES)
def test_error_is_no_larger_than_that_of_tf_nn(rows, classes, scale):
    labels, p, logits = problem(rows, classes, scale)
    for ours, theirs, target, truth in (
        (dense, tf.nn.softmax_cross_entropy_with_logits, p, p.numpy()),
        (sparse, tf.nn.sparse_softmax_cross_entropy_with_logits, labels, one_hot(labels, classes)),
    ):
        losses, gradient = cross_entropy(truth, logits.numpy())
        mine, my_gradient = value_and_gradient(ours, target, logits)
        reference, reference_gradient = value_and_gradient(theirs, target, logits)
        slack = ONE_PASS  # the sum over the classes is taken in another order
        column = losses[:, None]
        assert row_error(mine[:, None], column) <= row_error(reference[:, None], column) + slack
        assert row_error(my_gradient, gradient) <= row_error(reference_gradient, gradient) + slack


def test_losses_are_those_of_mpmath():
    labels, p, logits = problem(rows=4, classes=6, scale=30)
    expected = [cross_entropy_to_fifty_digits(a, b) for a, b in zip(p.numpy(), logits.numpy(), strict=True)]
    np.testing.assert_allclose(dense(p, logits), expected, rtol=ONE_PASS)
    hot = one_hot(labels, 6)
    expected = [cross_entropy_to_fifty_digits(a, b) for a, b in zip(hot, logits.numpy(), strict=True)]
    # A loss far below 1 is log(1 + tiny), which float32 rounds at the scale of 1.
    np.testing.assert_allclose(sparse(labels, logits), expected, rtol=ONE_PASS, atol=ROUNDED_ONCE)


@pytest.mark.parametrize(
    ("dtype", "mode"),
    [*(("float32", mode) for mode in MODES), ("float64", "eager"), slow("float64", "function"), slow("float64", "xla")],
)
def test_a_confident_label_keeps_its_loss_and_gradient(dtype, mode):
    margins = (5, 20, 40, 80)
    rests = [2 * mpmath.exp(-margin) for margin in margins]
    truth = [float(mpmath.log1p(rest)) for rest in rests]
    gradient = [[-float(rest / (1 + rest))] + 2 * [float(rest / 2 / (1 + rest))] for rest in rests]
    logits = tf.constant([[margin, 0, 0] for margin in margins], dtype)
    for function, target in ((sparse, tf.constant([0] * 4)), (dense, tf.constant([[1, 0, 0]] * 4, dtype))):
        losses, slope = MODES[mode](lambda t, z, f=function: value_and_gradient(f, t, z))(target, logits)
        np.testing.assert_allclose(losses, truth, rtol=8 * UNIT_ROUNDOFF[dtype])
        np.testing.assert_allclose(slope, gradient, rtol=8 * UNIT_ROUNDOFF[dtype])


@settings(max_examples=25, deadline=None)
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    data=st.data(),
    scale=st.sampled_from([0.0, 1.0, 80.0]),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    dtype=st.sampled_from(["float16", "bfloat16", "float32", "float64"]),
)
def test_any_shape_axis_dtype_and_magnitude(shape, data, scale, smoothing, dtype):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    rng = np.random.RandomState(data.draw(st.integers(0, 1000)))
    logits = tf.constant(scale * rng.randn(*shape), dtype)
    classes = shape[axis]
    labels = rng.randint(classes, size=[n for i, n in enumerate(shape) if i != axis % len(shape)])
    targets = np.moveaxis(one_hot(labels, classes, smoothing), -1, axis)
    truth = np.moveaxis(logits.numpy().astype(np.longdouble), axis, -1)
    losses, gradient = cross_entropy(np.moveaxis(targets, axis, -1), truth)
    hot = np.moveaxis(one_hot(labels, classes), -1, axis)
    tolerance = 8 * max(UNIT_ROUNDOFF[dtype], 2**-53)
    for function, target in ((dense, hot), (sparse, labels)):
        mine, slope = value_and_gradient(function, target, logits, axis=axis, label_smoothing=smoothing)
        assert mine.dtype == slope.dtype == logits.dtype
        mine = mine.numpy().astype(np.float64)
        np.testing.assert_allclose(mine, losses.astype(float), rtol=tolerance, atol=tolerance)
        slope = np.moveaxis(slope.numpy().astype(np.float64), axis, -1)
        np.testing.assert_allclose(slope, gradient.astype(float), rtol=0, atol=2 * tolerance)


@pytest.mark.parametrize("mode", MODES)
def test_labels_that_do_not_sum_to_one(mode):
    _, p, logits = problem()
    p = p * tf.constant([[0.0], [0.5], [1.0], [3.0], [-2.0]])
    losses, gradient = cross_entropy(p.numpy(), logits.numpy())
    mine = MODES[mode](lambda p, z: value_and_gradient(dense, p, z))(p, logits)
    np.testing.assert_allclose(mine[0], losses.astype(float), rtol=ONE_PASS)
    np.testing.assert_allclose(mine[1], gradient.astype(float), atol=ONE_PASS)
    wrong = value_and_gradient(tf.nn.softmax_cross_entropy_with_logits, p, logits)[1]
    assert row_error(wrong[1:2], gradient[1:2]) > 0.1, "tf.nn has been mended"


def test_label_smoothing_on_another_axis_counts_its_classes():
    labels, _, logits = problem(6, 4)
    expected = dense(one_hot(labels, 4), logits, label_smoothing=0.3)
    turned = dense(one_hot(labels, 4).T, tf.transpose(logits), axis=0, label_smoothing=0.3)
    np.testing.assert_array_equal(turned, expected)
    turned = sparse(labels, tf.transpose(logits), axis=0, label_smoothing=0.3)
    np.testing.assert_allclose(turned, expected, rtol=ONE_PASS)
    zeros = dense(tf.transpose(tf.one_hot([0, 1], 3)), tf.zeros((3, 2)), axis=0, label_smoothing=0.3)
    np.testing.assert_allclose(zeros, np.full(2, np.log(3)), rtol=ONE_PASS)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_many_classes_in_low_precision_are_summed_in_float32(dtype):
    labels, _, logits = problem(3, 70000, dtype=dtype)
    expected = cross_entropy(one_hot(labels, 70000), tf.cast(logits, tf.float64).numpy())[0].astype(float)
    for mine in (sparse(labels, logits), dense(one_hot(labels, 70000), logits)):
        np.testing.assert_allclose(tf.cast(mine, tf.float64), expected, rtol=UNIT_ROUNDOFF[dtype])
