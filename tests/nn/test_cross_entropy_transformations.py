"""Cross-entropy under TensorFlow's transformations: graphs, XLA, orders, forward mode, changing shapes."""

import gc

import numpy as np
import pytest
import tensorflow as tf

from tests.nn.problems import MODES, problem, slow, value_and_gradient
from tests.nn.truth import cross_entropy, one_hot
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


@pytest.mark.parametrize("mode", ["function", "xla"])
def test_graph_and_xla_are_eager_within_roundings(mode):
    """A graph and eager mode differ in the last place where oneDNN is on."""
    labels, p, logits = problem(33, 50)
    labels = tf.constant(labels)
    cases = ((dense, p, {}), (dense, 2 * p, {"label_smoothing": 0.1}), (sparse, labels, {"ignore_class": 3}))
    for function, target, options in cases:

        def both(target, logits, function=function, options=options):
            return value_and_gradient(function, target, logits, **options)

        eager, other = both(target, logits), MODES[mode](both)(target, logits)
        for a, b in zip(eager, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=TOLERANCE["float32"], atol=ROUNDED_ONCE)


@pytest.mark.parametrize("mode", [slow("eager"), "function", "xla"])
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


@pytest.mark.parametrize("mode", ["eager", slow("function"), "xla"])
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
    expected = cross_entropy(one_hot(labels, 4), logits.numpy())[1].astype(float)
    np.testing.assert_allclose(again, expected, atol=ONE_PASS)


@pytest.mark.parametrize("mode", ["eager", slow("function"), "xla"])
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
    for classes in (3, 131, 256, 1009):
        labels, p, logits = problem(2, classes)
        expected = cross_entropy(p.numpy(), logits.numpy())[0].astype(float)
        np.testing.assert_allclose(dense(p, logits), expected, rtol=ONE_PASS)
        graph = tf.function(lambda p, z: dense(p, z))(p, logits)
        np.testing.assert_allclose(dense(p, logits), graph, rtol=ONE_PASS)
        expected = cross_entropy(one_hot(labels, classes), logits.numpy())[0].astype(float)
        np.testing.assert_allclose(sparse(labels, logits), expected, rtol=ONE_PASS)


def test_a_planted_fault_in_the_gradient_is_seen():
    _, p, logits = problem(2, 3, dtype="float64")

    @tf.custom_gradient
    def faulty(z):
        return z, lambda dz: 2.001 * dz

    theory, numeric = tf.test.compute_gradient(lambda z: dense(p, faulty(z)), [logits])
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(theory[0], numeric[0], atol=CENTRAL_DIFFERENCES)
