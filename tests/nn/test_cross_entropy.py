"""Cross-entropy of logits against long double and mpmath, in every mode, and each known pitfall."""

import gc

import mpmath
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nn.truth import cross_entropy, cross_entropy_to_fifty_digits, one_hot
from tests.tolerances import (
    CENTRAL_DIFFERENCES,
    MANY_TERMS,
    ONE_PASS,
    ROUNDED_ONCE,
    SECOND_DIFFERENCES,
    TOLERANCE,
    UNIT_ROUNDOFF,
    row_error,
)
from tf_repro.nn import softmax_cross_entropy_with_logits as dense
from tf_repro.nn import sparse_softmax_cross_entropy_with_logits as sparse

MODES = {
    "eager": lambda f: f,
    "function": lambda f: tf.function(f, autograph=False),
    "xla": lambda f: tf.function(f, autograph=False, jit_compile=True),
}


SIZES = [(64, 10, 1), (16, 1000, 20), (4, 131072, 5), (3, 1, 1)]


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


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_confident_label_keeps_its_loss_and_gradient(mode, dtype):
    for margin in (5, 20, 40, 80):
        rest = 2 * mpmath.exp(-margin)
        truth = float(mpmath.log1p(rest))
        gradient = np.array([-float(rest / (1 + rest))] + 2 * [float(rest / 2 / (1 + rest))])
        logits = tf.constant([[margin, 0, 0]], dtype)
        for function, target in ((sparse, tf.constant([0])), (dense, tf.constant([[1, 0, 0]], dtype))):
            losses, slope = MODES[mode](lambda t, z, f=function: value_and_gradient(f, t, z))(target, logits)
            np.testing.assert_allclose(losses, [truth], rtol=8 * UNIT_ROUNDOFF[dtype])
            np.testing.assert_allclose(slope[0], gradient, rtol=8 * UNIT_ROUNDOFF[dtype])


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


@pytest.mark.parametrize("mode", ["function", "xla"])
def test_graph_is_eager_bit_for_bit_and_xla_within_ulps(mode):
    labels, p, logits = problem(33, 50)
    labels = tf.constant(labels)
    cases = ((dense, p, {}), (dense, 2 * p, {"label_smoothing": 0.1}), (sparse, labels, {"ignore_class": 3}))
    for function, target, options in cases:

        def both(target, logits, function=function, options=options):
            return value_and_gradient(function, target, logits, **options)

        eager, other = both(target, logits), MODES[mode](both)(target, logits)
        for a, b in zip(eager, other, strict=True):
            if mode == "function":
                np.testing.assert_array_equal(a, b)
            else:
                np.testing.assert_allclose(a, b, rtol=TOLERANCE["float32"], atol=ROUNDED_ONCE)


@pytest.mark.parametrize("mode", MODES)
def test_dynamic_shapes(mode):
    labels, p, logits = problem(6, 4)
    specs = [tf.TensorSpec(None, tf.float32), tf.TensorSpec([None, None], tf.float32)]

    def both(target, logits):
        return value_and_gradient(dense, target, logits)

    def both_sparse(target, logits):
        return value_and_gradient(sparse, target, logits, label_smoothing=0.1)

    if mode != "eager":
        both = tf.function(both, specs, autograph=False, jit_compile=mode == "xla")
        specs = [tf.TensorSpec([None], tf.int32), tf.TensorSpec([None, None], tf.float32)]
        both_sparse = tf.function(both_sparse, specs, autograph=False, jit_compile=mode == "xla")
    for n in (6, 2):
        losses, gradient = cross_entropy(p[:n].numpy(), logits[:n].numpy())
        mine = both(p[:n], logits[:n])
        np.testing.assert_allclose(mine[0], losses.astype(float), rtol=ONE_PASS)
        np.testing.assert_allclose(mine[1], gradient.astype(float), atol=ONE_PASS)
        losses, gradient = cross_entropy(one_hot(labels[:n], 4, 0.1), logits[:n].numpy())
        mine = both_sparse(tf.constant(labels[:n], tf.int32), logits[:n])
        np.testing.assert_allclose(mine[0], losses.astype(float), rtol=ONE_PASS)
        np.testing.assert_allclose(mine[1], gradient.astype(float), atol=ONE_PASS)


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


@pytest.mark.parametrize("mode", MODES)
def test_first_and_second_order_by_logits_and_labels(mode):
    _, p, logits = problem(2, 3, scale=0.5, dtype="float64")
    p = p * tf.constant([[1.0], [1.7]], tf.float64)
    direction = tf.constant(np.random.RandomState(1).randn(2, 3))

    def directional(p, z):  # a function of every argument whose gradient needs the second-order rules
        with tf.GradientTape() as tape:
            tape.watch([p, z])
            losses = dense(p, z) ** 2
        dp, dz = tape.gradient(losses, [p, z])
        return tf.reduce_sum(direction * dz) + tf.reduce_sum(tf.cos(dp))

    def slopes(p, z):
        with tf.GradientTape() as tape:
            tape.watch([p, z])
            value = directional(p, z)
        return tape.gradient(value, [p, z])

    wrapped = MODES[mode](slopes)(p, logits)
    if mode == "eager":
        for theory, numeric in zip(*tf.test.compute_gradient(directional, [p, logits], 2**-14), strict=True):
            np.testing.assert_allclose(theory, numeric, atol=SECOND_DIFFERENCES)
        for function in (dense, lambda p, z: dense(p, z, label_smoothing=0.3)):
            for theory, numeric in zip(*tf.test.compute_gradient(function, [p, logits]), strict=True):
                np.testing.assert_allclose(theory, numeric, atol=CENTRAL_DIFFERENCES)
    else:
        for a, b in zip(wrapped, slopes(p, logits), strict=True):
            np.testing.assert_allclose(a, b, rtol=MANY_TERMS)


def test_sparse_second_order_is_the_dense_one():
    labels, _, logits = problem(4, 5, dtype="float64")
    labels[2] = 9

    def hessian_product(function, target, **options):
        with tf.GradientTape() as outer:
            outer.watch(logits)
            _, gradient = value_and_gradient(function, target, logits, upstream=logits[:, 0], **options)
            value = tf.reduce_sum(tf.sin(gradient))
        return outer.gradient(value, logits).numpy()

    options = {"label_smoothing": 0.2}
    expected = hessian_product(dense, one_hot(labels, 5), **options)
    mine = hessian_product(sparse, labels, ignore_class=9, **options)
    expected[2] = 0
    np.testing.assert_allclose(mine, expected, atol=8 * UNIT_ROUNDOFF["float64"])


@pytest.mark.parametrize("experimental_use_pfor", [True, False])
def test_jacobian(experimental_use_pfor):
    labels, p, logits = problem(3, 4)
    expected = cross_entropy(p.numpy(), logits.numpy())[1].astype(float)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        losses = dense(p, logits)
        sparse_losses = sparse(labels, logits)
    jacobian = tape.jacobian(losses, logits, experimental_use_pfor=experimental_use_pfor)
    np.testing.assert_allclose(tf.einsum("iij->ij", jacobian), expected, atol=ONE_PASS)
    again = tape.gradient(sparse_losses, logits)
    np.testing.assert_array_equal(again, tape.gradient(sparse_losses, logits))


@pytest.mark.parametrize("mode", MODES)
def test_forward_mode(mode):
    labels, p, logits = problem(3, 4)
    tangent = tf.constant(np.random.RandomState(2).randn(3, 4), tf.float32)
    expected = (cross_entropy(p.numpy(), logits.numpy())[1] * tangent.numpy()).sum(-1)
    expected_sparse = (cross_entropy(one_hot(labels, 4), logits.numpy())[1] * tangent.numpy()).sum(-1)

    def jvp(logits, tangent):
        with tf.autodiff.ForwardAccumulator(logits, tangent) as accumulator:
            losses, sparse_losses = dense(p, logits), sparse(labels, logits)
        return accumulator.jvp(losses), accumulator.jvp(sparse_losses)

    found, found_sparse = MODES[mode](jvp)(logits, tangent)
    np.testing.assert_allclose(found, expected.astype(float), atol=TOLERANCE["float32"])
    np.testing.assert_allclose(found_sparse, expected_sparse.astype(float), atol=TOLERANCE["float32"])


@pytest.mark.parametrize("mode", MODES)
def test_labels_out_of_range_give_nan_alike_in_every_mode(mode):
    logits = problem(4, 3)[2]
    labels = tf.constant([0, 3, -1, 2])
    losses, gradient = MODES[mode](lambda k, z: value_and_gradient(sparse, k, z))(labels, logits)
    np.testing.assert_array_equal(np.isnan(losses), [False, True, True, False])
    np.testing.assert_array_equal(np.isnan(gradient).all(-1), [False, True, True, False])
    np.testing.assert_array_equal(np.isnan(gradient).any(-1), [False, True, True, False])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ignore_class", [-1, 255, 1])
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


def test_gradient_does_not_depend_on_op_determinism():
    _, p, logits = problem()
    before = value_and_gradient(dense, 2 * p, logits)[1]
    stock = value_and_gradient(tf.nn.softmax_cross_entropy_with_logits, 2 * p, logits)[1]
    tf.random.set_seed(0)
    tf.config.experimental.enable_op_determinism()
    try:
        after = value_and_gradient(dense, 2 * p, logits)[1]
        other_stock = value_and_gradient(tf.nn.softmax_cross_entropy_with_logits, 2 * p, logits)[1]
    finally:
        from tensorflow.python.framework import config  # the public interface can only switch it on

        config.disable_op_determinism()
    np.testing.assert_array_equal(before, after)
    assert row_error(other_stock, stock) > 0.1, "tf.nn has been mended"


def test_eager_tape_keeps_one_buffer_of_the_size_of_the_logits():
    labels, p, logits = problem(4, 5)
    for function, target in ((dense, p), (sparse, labels)):
        function(target, logits)
        gc.collect()
        before = count_of(logits.shape)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            losses = function(target, logits)
        assert count_of(logits.shape) - before <= 3  # the residual, and two names for the logits
        assert tape.gradient(losses, logits) is not None


def count_of(shape):
    return sum(isinstance(thing, tf.Tensor) and thing.shape == shape for thing in gc.get_objects())


def test_number_of_classes_may_change_from_call_to_call():
    for classes in (3, 5, 131, 7, 256, 257, 1009, 512):
        labels, p, logits = problem(2, classes)
        expected = cross_entropy(p.numpy(), logits.numpy())[0].astype(float)
        np.testing.assert_allclose(dense(p, logits), expected, rtol=ONE_PASS)
        graph = tf.function(lambda p, z: dense(p, z))(p, logits)
        np.testing.assert_array_equal(dense(p, logits), graph)
        expected = cross_entropy(one_hot(labels, classes), logits.numpy())[0].astype(float)
        np.testing.assert_allclose(sparse(labels, logits), expected, rtol=ONE_PASS)


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


def test_a_planted_fault_in_the_gradient_is_seen():
    _, p, logits = problem(2, 3, dtype="float64")

    @tf.custom_gradient
    def faulty(z):
        return z, lambda dz: 2.001 * dz

    theory, numeric = tf.test.compute_gradient(lambda z: dense(p, faulty(z)), [logits])
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(theory[0], numeric[0], atol=CENTRAL_DIFFERENCES)


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
