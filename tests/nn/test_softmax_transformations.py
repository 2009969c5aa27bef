"""tf_repro.nn.softmax under TensorFlow's transformations: orders, forward mode, graphs, XLA, saving."""

import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.nn.oracles import (
    assert_gradient_is_derivative,
    compiled_value_and_gradient,
    softmax_truth,
    value_and_gradient,
)
from tests.nn.problems import slow
from tests.nn.test_softmax import RNG, drawn, errors, softmax_tf1
from tests.tolerances import FAR_APART, TOLERANCE, row_error
from tf_repro.nn import log_softmax, softmax


def test_gradient_taken_outside_the_compiled_function():
    """There the rule cannot see that XLA will compile it, and takes the other form."""
    logits, cotangent = drawn(4, 10000, 20, 100)
    assert max(errors(tf.function(softmax, jit_compile=True), logits, cotangent)) <= FAR_APART["float32"]


@pytest.mark.parametrize("function", [softmax, softmax_tf1])
def test_rule_is_the_derivative_to_second_order(function):
    logits, weights = tf.constant(RNG.normal(size=(2, 2, 4)))
    assert_gradient_is_derivative(function, logits)
    assert_gradient_is_derivative(lambda z: value_and_gradient(function, z, weights)[1], logits)


def test_gradient_checker_catches_a_gradient_wrong_by_a_factor():
    @tf.custom_gradient
    def wrong(z):
        return softmax(z), lambda dy: 2.001 / 2 * value_and_gradient(softmax, z, dy)[1]

    with pytest.raises(AssertionError, match="gradient is not the derivative"):
        assert_gradient_is_derivative(wrong, tf.constant(RNG.normal(size=(2, 4))))


@pytest.mark.parametrize("compiled", [False, True])
def test_second_order_in_a_saturated_row(compiled):
    """Hessian-vector product against the third cumulant that it is: y·((a - ā)(b - b̄) - cov(a, b))."""
    logits, a, b = np.float32([[0, 35, 1]]), np.float32([[1, 2, -1]]), np.float32([[3, 1, 1]])

    @tf.function(jit_compile=compiled)
    def hessian_product(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            gradient = value_and_gradient(softmax, z, a)[1]
        return tape.gradient(gradient, z, tf.constant(b))

    y, _ = softmax_truth(logits, a)
    centred = [v.astype(np.longdouble) - v[0, 1] for v in (a, b)]
    centred = [v - (v * y).sum() for v in centred]
    _, truth = softmax_truth(logits, centred[0] * centred[1])
    assert row_error(hessian_product(tf.constant(logits)), truth) <= FAR_APART["float32"]


@pytest.mark.parametrize("function", [softmax, slow(softmax_tf1)])
def test_orders_three_and_four_agree_with_tensorflow(function):
    z, weights = tf.constant(RNG.normal(size=(2, 2, 3)))

    def derivative(softmax, order, z):
        if order == 0:
            return tf.reduce_sum(softmax(z) * weights)
        with tf.GradientTape() as tape:
            tape.watch(z)
            below = derivative(softmax, order - 1, z)
        return tf.reduce_sum(tf.sin(weights * order) * tape.gradient(below, z))

    for order in (3, 4):
        ours, theirs = derivative(function, order, z), derivative(tf.nn.softmax, order, z)
        assert abs(ours - theirs) <= 10 * TOLERANCE["float64"]


@pytest.mark.parametrize("function", [softmax, slow(softmax_tf1)])
@pytest.mark.parametrize("pfor", [False, True])
def test_jacobian_on_a_persistent_tape(function, pfor):
    z = tf.constant(RNG.normal(size=4))

    def jacobian():
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(z)
            y = function(z)
        return y, tape.jacobian(y, z, experimental_use_pfor=pfor), tape.gradient(y, z, tf.ones_like(y))

    for run in (jacobian, tf.function(jacobian)):
        y, matrix, nothing = (t.numpy() for t in run())
        assert row_error(matrix, np.diag(y) - np.outer(y, y)) <= TOLERANCE["float64"]
        assert np.abs(nothing).max() <= TOLERANCE["float64"]


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function, lambda f: tf.function(f, jit_compile=True)])
@pytest.mark.parametrize("function", [softmax, slow(softmax_tf1)])
def test_forward_mode(function, wrap):
    z, tangent = tf.constant(RNG.normal(size=(2, 3, 4)))

    def pushed():
        with tf.autodiff.ForwardAccumulator(z, tangent) as accumulator:
            y = function(z)
        return accumulator.jvp(y)

    assert row_error(wrap(pushed)(), softmax_truth(z, tangent)[1]) <= TOLERANCE["float64"]


def test_forward_accumulator_around_a_traced_function_refuses_aloud():
    z = tf.constant([1.0, 2.0])
    with pytest.raises(TypeError), tf.autodiff.ForwardAccumulator(z, z):
        tf.function(softmax)(z)


@pytest.mark.parametrize(
    ("function", "rows", "width"),
    [
        (softmax, 8, 7),
        (softmax, 8, 300),
        slow(softmax, 8, 8192),
        (softmax, 256, 1000),  # compiled
        (softmax_tf1, 8, 7),
        *(slow(softmax_tf1, *size) for size in [(8, 300), (8, 8192), (256, 1000)]),
    ],
)
def test_eager_graph_and_xla_agree_and_tf1s_rounding_bit_for_bit(function, rows, width):
    logits, cotangent = drawn(rows, width, 3, 5)
    eager = value_and_gradient(function, logits, cotangent)
    graph = tf.function(value_and_gradient)(function, logits, cotangent)
    compiled = compiled_value_and_gradient(function, tf.constant(logits), tf.constant(cotangent))
    # The rule with TF1's rounding cancels as TF1's did, so it is held to the terms and not to what is left of them.
    cancelled = np.abs(cotangent).max() if function is softmax_tf1 else 0
    for a, b, c in zip(eager, graph, compiled, strict=True):
        if function is softmax_tf1:
            np.testing.assert_array_equal(a, b)
        assert row_error(b, a) <= FAR_APART["float32"]
        assert row_error(c, a) <= FAR_APART["float32"] or np.abs(c - a).max() <= FAR_APART["float32"] * cancelled


@pytest.mark.parametrize("spec", [[None, None], [None, 3], [2, None], None])
def test_shapes_known_only_when_run(spec):
    @tf.function(input_signature=[tf.TensorSpec(spec, tf.float32)] * 2)
    def run(z, dy):
        return value_and_gradient(softmax, z, dy)

    logits, cotangent = drawn(2, 3, 2)
    y, gradient = run(logits, cotangent)
    assert row_error(y, softmax_truth(logits, cotangent)[0]) <= TOLERANCE["float32"]
    assert row_error(gradient, softmax_truth(logits, cotangent)[1]) <= TOLERANCE["float32"]


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads memory from /proc")
@pytest.mark.parametrize("function", [softmax, log_softmax])
def test_eager_tape_keeps_no_intermediates_alive(function):
    logits = tf.random.stateless_normal([64, 131072], [1, 2])
    function(logits)
    before = resident_bytes()
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = function(logits)
    growth = resident_bytes() - before
    assert growth < 1.75 * 4 * 64 * 131072  # the value itself, and less than one tensor more
    del value, tape


def test_recompute_grad():
    z, dy = tf.constant(RNG.normal(size=(2, 2, 3)))
    _, gradient = value_and_gradient(tf.recompute_grad(softmax), z, dy)
    assert row_error(gradient, softmax_truth(z, dy)[1]) <= TOLERANCE["float64"]


@pytest.mark.parametrize("function", [softmax, slow(softmax_tf1), log_softmax])
def test_saved_model_keeps_the_gradient(tmp_path, function):
    module = tf.Module()
    module.run = tf.function(function, input_signature=[tf.TensorSpec([None, 3])])
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    tf.saved_model.save(module, tmp_path, options=options)
    loaded = tf.saved_model.load(tmp_path)
    logits, cotangent = drawn(4, 3, 20, 100)
    for ours, theirs in zip(
        value_and_gradient(function, logits, cotangent),
        value_and_gradient(loaded.run, logits, cotangent),
        strict=True,
    ):
        assert row_error(theirs, ours) <= FAR_APART["float32"]


def test_symbolic_keras_inputs_need_a_layer():
    with pytest.raises(ValueError, match="KerasTensor"):
        softmax(keras.Input([3]))


def test_static_shape_is_kept():
    traced = tf.function(lambda z: softmax(z, (0, 2)), input_signature=[tf.TensorSpec([None, 4, 3])])
    assert traced.get_concrete_function().output_shapes.as_list() == [None, 4, 3]
