"""Divergences and entropy of logits against mpmath, near, far apart, saturated and wide, in every mode and dtype."""

import numpy as np
import pytest
import tensorflow as tf

from tests.nn import divergence_truth
from tests.nn.oracles import assert_gradient_is_derivative
from tests.nn.problems import slow
from tests.tolerances import MANY_TERMS, TOLERANCE, row_error
from tf_repro import nn

FUNCTIONS = {
    "kl": (nn.kl_divergence_with_logits, divergence_truth.kl),
    "reverse kl": (
        lambda a, b, **options: nn.kl_divergence_with_logits(a, b, direction="reverse", **options),
        lambda a, b, *temperature: (lambda value, by_b, by_a: (value, by_a, by_b))(
            *divergence_truth.kl(b, a, *temperature)
        ),
    ),
    "js": (nn.js_divergence_with_logits, divergence_truth.js),
    "entropy": (
        lambda a, _, **options: nn.entropy_with_logits(a, **options),
        lambda a, _, *temperature: divergence_truth.entropy(a, *temperature),
    ),
}
MODES = {
    "eager": lambda f: f,
    "function": lambda f: tf.function(f, autograph=False),
    "xla": lambda f: tf.function(f, autograph=False, jit_compile=True),
}
SLOW_MODES = ["eager", slow("function"), slow("xla")]
every_direction = pytest.mark.parametrize("name", FUNCTIONS)
every_function = pytest.mark.parametrize("name", ["kl", "js", "entropy"])


def value_and_gradients(function, *logits):
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = function(*logits)
    return value, *(slope for slope in tape.gradient(value, logits) if slope is not None)


def pairs(classes, dtype):
    """Rows of two sets of logits ``[rows, classes]``: near, far, permuted, saturated, swapped, with huge tails."""
    rng = np.random.RandomState(classes)
    first, second = [], []
    for scale in (0.0, 1.0, 5.0, 20.0, 80.0):
        z = scale * rng.randn(classes)
        for change in (1e-6, 1e-4, 1e-2, 1.0, 20.0):
            first.append(z)
            second.append(z + change * rng.randn(classes))
        first.append(z)
        second.append(rng.permutation(z))
    peak = np.where(np.arange(classes) == 0, 30.0, 0.0)
    flat, entry = np.full(classes, -2.2), np.where(np.arange(classes) == 1, 2.2, 0.0)
    heavy = 10 * rng.standard_cauchy((2, classes))
    for a, b in (
        (peak, 1.1 * peak),
        (peak, -peak),
        (peak, np.roll(peak, 1)),
        (0 * peak, 5 * peak),
        (5 * peak, 0 * peak),
    ):
        first.append(a)
        second.append(b)
    first += [flat + entry, heavy[0], flat]
    second += [flat, heavy[1], flat + 1e-3 * entry]
    if dtype != "float64":  # float64 logits are rounded by the offset as much as they differ
        first.append(entry)
        second.append(entry + 1000 + 1e-2 * rng.randn(classes))
    # What is compared is what the rounded logits give.
    return np.array(first).astype(dtype), np.array(second).astype(dtype)


def expected(name, first, second, temperature=1.0):
    rows = [FUNCTIONS[name][1](a, b, temperature) for a, b in zip(first, second, strict=True)]
    value, *slopes = (np.array(columns) for columns in zip(*rows, strict=True))
    return value[:, None], *slopes


def assert_rows_close(found, truth, dtype, tolerance=None):
    for mine, true in zip(found, truth, strict=True):
        mine = tf.reshape(tf.cast(mine, tf.float64), true.shape)
        assert row_error(mine, true, dtype=dtype) <= (tolerance or TOLERANCE[dtype])


@every_direction
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", SLOW_MODES)
def test_value_and_gradients_are_those_of_mpmath(name, dtype, mode):
    call = MODES[mode](lambda a, b: value_and_gradients(FUNCTIONS[name][0], a, b))
    for classes in (2, 40) if mode == "eager" else (10,):
        first, second = pairs(classes, dtype)
        found = call(tf.constant(first), tf.constant(second))
        # Float64 has no wider type to compute in: its promise is that of float32, and it keeps twice that many digits.
        assert_rows_close(found, expected(name, first, second), dtype, None if dtype == "float32" else MANY_TERMS)


def test_compiled_as_well():
    first, second = pairs(10, "float32")
    call = MODES["xla"](lambda a, b: value_and_gradients(nn.kl_divergence_with_logits, a, b))
    assert_rows_close(call(tf.constant(first), tf.constant(second)), expected("kl", first, second), "float32")


def test_compositions_of_stock_operations_are_wrong_where_these_are_tested():
    """Why there are rules at all: the same rows, composed, lose all digits of the value and of the gradient."""

    def composed(a, b):
        return tf.reduce_sum(tf.nn.softmax(a) * (tf.nn.log_softmax(a) - tf.nn.log_softmax(b)), -1)

    first, second = pairs(10, "float32")
    found = value_and_gradients(composed, tf.constant(first), tf.constant(second))
    for mine, true in zip(found, expected("kl", first, second), strict=True):
        assert row_error(tf.reshape(mine, true.shape), true) > 0.5


@every_function
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_rounded_once(name, dtype):
    first, second = (tf.cast(z[:18], dtype) for z in pairs(10, "float32"))  # scales up to 5: no overflow
    found = value_and_gradients(FUNCTIONS[name][0], first, second)
    assert {value.dtype for value in found} == {first.dtype}
    truth = expected(name, first.numpy().astype(float), second.numpy().astype(float))
    assert_rows_close(found, truth, dtype)


def test_a_teacher_may_have_another_dtype_than_its_student():
    first, second = pairs(10, "float32")
    low = tf.cast(first[:18], tf.bfloat16)
    value, by_teacher, by_student = value_and_gradients(nn.kl_divergence_with_logits, low, tf.constant(second[:18]))
    assert (value.dtype, by_teacher.dtype, by_student.dtype) == (tf.float32, tf.bfloat16, tf.float32)
    truth = expected("kl", low.numpy().astype(float), second[:18])
    assert_rows_close((value, by_student), (truth[0], truth[2]), "float32")


@every_function
@pytest.mark.parametrize("temperature", [0.5, 3])
def test_temperature_divides_the_logits(name, temperature):
    first, second = (z[:8] for z in pairs(10, "float32"))
    function = FUNCTIONS[name][0]
    found = value_and_gradients(
        lambda a, b: function(a, b, temperature=temperature), *map(tf.constant, (first, second))
    )
    assert_rows_close(found, expected(name, first, second, temperature), "float32")


@every_function
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["eager", "xla"])
def test_wide_rows(name, mode):
    rng = np.random.RandomState(0)
    first = np.array([rng.randn(131_071), np.where(np.arange(131_071) == 5, 0, -2.2)], np.float32)
    second = (first + 1e-3 * rng.randn(*first.shape)).astype(np.float32)
    found = MODES[mode](lambda a, b: value_and_gradients(FUNCTIONS[name][0], a, b))(*map(tf.constant, (first, second)))
    assert_rows_close(found, expected(name, first, second), "float32")


@every_function
@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), [1, -1]])
def test_any_axes_are_those_of_a_matrix(name, axis):
    rng = np.random.RandomState(0)
    first, second = rng.randn(2, 3, 4, 5)
    last = [a % 3 for a in (axis if isinstance(axis, (tuple, list)) else [axis])]
    order = [a for a in range(3) if a not in last] + last
    kept = [first.shape[a] for a in order[: 3 - len(last)]]
    flat = [np.transpose(z, order).reshape(*kept, -1) for z in (first, second)]
    function = FUNCTIONS[name][0]
    found = function(*map(tf.constant, (first, second)), axis=axis)
    assert found.shape == tuple(kept)
    np.testing.assert_allclose(found, function(*map(tf.constant, flat)), rtol=MANY_TERMS)


@every_function
@pytest.mark.parametrize("mode", SLOW_MODES)
def test_second_order_is_the_derivative_of_the_first(name, mode):
    """By all operands, the upstream gradient among them, against central differences of the gradient rule."""
    rng = np.random.RandomState(0)
    first, second = (tf.constant(z) for z in rng.randn(2, 1, 3))
    weight = tf.constant(rng.randn(1))

    def slopes(first, second, weight):
        return tf.concat(value_and_gradients(lambda a, b: weight * FUNCTIONS[name][0](a, b), first, second)[1:], 0)

    assert_gradient_is_derivative(MODES[mode](slopes), first, second, weight)


@every_function
@pytest.mark.parametrize("mode", SLOW_MODES)
def test_second_order_keeps_its_digits_in_float32(name, mode):
    """Against the same formulas in float64, which the differences hold: saturated rows, and nearly equal ones."""
    first, second = pairs(10, "float32")
    direction = np.random.RandomState(1).randn(2, *first.shape)

    def products(dtype):
        a, b, va, vb = (tf.constant(values, dtype) for values in (first, second, *direction.astype(np.float32)))
        with tf.GradientTape() as outer:
            outer.watch([a, b])
            slopes = value_and_gradients(FUNCTIONS[name][0], a, b)[1:]
            along = tf.add_n([tf.reduce_sum(s * v) for s, v in zip(slopes, (va, vb), strict=False)])
        return [product for product in outer.gradient(along, [a, b]) if product is not None]

    truth = [product.numpy() for product in products("float64")]
    assert_rows_close(MODES[mode](lambda: products("float32"))(), truth, "float32")


@every_function
def test_third_order_is_refused_not_none(name):
    z, w = tf.constant([[1.0, 2.0, 4.0]]), tf.constant([[1.0, 3.0, 4.0]])
    with tf.GradientTape() as third:
        third.watch(z)
        with tf.GradientTape() as second:
            second.watch(z)
            slope = tf.reduce_sum(value_and_gradients(FUNCTIONS[name][0], z, w)[1] ** 2)
        curvature = second.gradient(slope, z)
    with pytest.raises(NotImplementedError, match="no gradients beyond second order"):
        third.gradient(curvature, z)


@every_function
@pytest.mark.parametrize("mode", SLOW_MODES)
def test_forward_mode(name, mode):
    first, second = (tf.constant(z[6:18], tf.float64) for z in pairs(10, "float64"))
    tangent = tf.cast(tf.range(10), tf.float64) ** 2 % 7 + tf.zeros_like(first)

    def jvp():
        with tf.autodiff.ForwardAccumulator(first, tangent) as accumulator:
            value = FUNCTIONS[name][0](first, second)
        return accumulator.jvp(value)

    truth = tf.reduce_sum(value_and_gradients(FUNCTIONS[name][0], first, second)[1] * tangent, -1)
    scale = np.abs(truth).max()
    np.testing.assert_allclose(MODES[mode](jvp)(), truth, rtol=0, atol=TOLERANCE["float32"] * scale)


@every_function
@pytest.mark.parametrize("mode", SLOW_MODES)
def test_an_entry_out_on_both_sides_is_as_if_it_were_not_there(name, mode):
    first, second = (z[6:18].copy() for z in pairs(10, "float32"))
    kept = [0, 1, 2, 4, 5, 6, 7, 8]
    call = MODES[mode](lambda a, b: value_and_gradients(FUNCTIONS[name][0], a, b))
    truth = expected(name, first[:, kept], second[:, kept])
    first[:, [3, 9]] = second[:, [3, 9]] = -np.inf
    value, *slopes = call(tf.constant(first), tf.constant(second))
    assert_rows_close([value, *(tf.gather(slope, kept, axis=1) for slope in slopes)], truth, "float32")
    assert not any(slope.numpy()[:, [3, 9]].any() for slope in slopes)


@pytest.mark.parametrize("mode", SLOW_MODES)
def test_an_entry_out_on_one_side(mode):
    first, second = (z[6:18].copy() for z in pairs(10, "float32"))
    first[:, 3] = -np.inf
    for name in ("kl", "js"):
        call = MODES[mode](lambda a, b, f=FUNCTIONS[name][0]: value_and_gradients(f, a, b))
        assert_rows_close(call(*map(tf.constant, (first, second))), expected(name, first, second), "float32")
    value, by_first, by_second = call(*map(tf.constant, (second, first)))  # js, the other way round
    truth = expected("js", second, first)
    assert_rows_close((value, by_first, by_second), truth, "float32")
    kl = MODES[mode](lambda a, b: value_and_gradients(nn.kl_divergence_with_logits, a, b))
    value, by_target, by_model = kl(*map(tf.constant, (second, first)))
    assert np.isposinf(value).all()
    assert not np.isfinite(by_target.numpy()[:, 3]).any()
    np.testing.assert_allclose(by_model, tf.nn.softmax(first) - tf.nn.softmax(second), atol=TOLERANCE["float32"])


@pytest.mark.parametrize("mode", SLOW_MODES)
def test_nothing_in_common(mode):
    a, b = tf.constant([[0.0, -np.inf, 1.0, -np.inf]]), tf.constant([[-np.inf, 2.0, -np.inf, 0.0]])
    call = MODES[mode](lambda a, b: (nn.js_divergence_with_logits(a, b), nn.kl_divergence_with_logits(a, b)))
    js, kl = call(a, b)
    np.testing.assert_allclose(js, [np.log(2)], rtol=TOLERANCE["float32"])
    assert np.isposinf(kl).all()


@every_function
@pytest.mark.parametrize("mode", SLOW_MODES)
@pytest.mark.parametrize("entry", [np.nan, np.inf, "all out"])
def test_a_row_without_a_softmax_is_nan_and_alone(name, mode, entry):
    first, second = (z[6:9].copy() for z in pairs(10, "float32"))
    clean = value_and_gradients(FUNCTIONS[name][0], *map(tf.constant, (first, second)))
    first[1, slice(None) if entry == "all out" else 4] = -np.inf if entry == "all out" else entry
    found = MODES[mode](lambda a, b: value_and_gradients(FUNCTIONS[name][0], a, b))(*map(tf.constant, (first, second)))
    for mine, reference in zip(found, clean, strict=True):
        assert np.isnan(mine[1]).all()
        for row in (0, 2):
            np.testing.assert_allclose(mine[row], reference[row], rtol=TOLERANCE["float32"])


@pytest.mark.parametrize("name", ["kl", slow("js"), slow("entropy")])
@pytest.mark.usefixtures("checked_numerics")
def test_numerics_checks_pass_valid_programs(name):
    first, second = (tf.constant(z[:24]) for z in pairs(10, "float32"))
    found = tf.function(lambda a, b: value_and_gradients(FUNCTIONS[name][0], a, b))(first, second)
    assert all(np.isfinite(value).all() for value in found)


@every_function
def test_one_class_no_rows_and_shapes_known_only_when_called(name):
    function = FUNCTIONS[name][0]
    value, *slopes = value_and_gradients(function, tf.constant([[3.0]]), tf.constant([[5.0]]))
    assert not any(found.numpy().any() for found in (value, *slopes))
    value, *slopes = value_and_gradients(function, tf.zeros([0, 4]), tf.zeros([0, 4]))
    assert value.shape == (0,)
    assert all(slope.shape == (0, 4) for slope in slopes)
    first, second = (z[6:12] for z in pairs(10, "float32"))
    for shape in ([None, None], None):
        call = tf.function(
            lambda a, b: value_and_gradients(function, a, b), [tf.TensorSpec(shape), tf.TensorSpec(shape)]
        )
        assert_rows_close(call(first, second), expected(name, first, second), "float32")


@pytest.mark.parametrize("function", [nn.kl_divergence_with_logits, nn.js_divergence_with_logits])
def test_rows_are_never_spread_over_others(function):
    with pytest.raises(ValueError, match=r"shape of logits\. Received: target_logits of \(1, 3\), logits of \(2, 3\)"):
        function(tf.zeros([1, 3]), tf.zeros([2, 3]))
    call = tf.function(function, [tf.TensorSpec([None, 3]), tf.TensorSpec([None, 3])])
    with pytest.raises(tf.errors.InvalidArgumentError, match="Shapes of all inputs must match"):
        call(tf.zeros([1, 3]), tf.zeros([2, 3]))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"logits": [[1, 2, 3]]}, TypeError, r"logits must be floating-point\. Received: logits of int32"),
        ({"target_logits": [[1, 2, 3]]}, TypeError, r"target_logits must be floating-point\. Received"),
        ({"temperature": 0}, ValueError, r"temperature must be a number above 0\. Received: temperature=0"),
        ({"temperature": float("inf")}, ValueError, "temperature must be a number above 0"),
        ({"temperature": True}, ValueError, "temperature must be a number above 0"),
        ({"axis": 2}, ValueError, r"axis must be in \[-2, 2\) for logits of rank 2\. Received: axis=2"),
        ({"axis": (1, -1)}, ValueError, r"axis must name each dimension once\. Received: axis=\(1, -1\)"),
        ({"axis": "x"}, ValueError, r"axis must be an int or a non-empty tuple of ints\. Received: axis='x'"),
        ({"direction": "both"}, ValueError, r"direction must be one of .*Received: direction='both'"),
        ({"logits": np.zeros((1, 0)), "target_logits": np.zeros((1, 0))}, ValueError, "at least one class"),
    ],
)
def test_error_messages(change, error, message):
    arguments = {"target_logits": [[0.0, 1.0, 2.0]], "logits": [[0.0, 1.0, 2.0]], **change}
    with pytest.raises(error, match=message) as caught:
        nn.kl_divergence_with_logits(**arguments)
    assert "\n" not in str(caught.value)


def test_ragged_logits_are_refused_in_one_line():
    with pytest.raises(TypeError, match=r"^logits must be dense: give the flat_values of a ragged tensor\. Received: "):
        nn.entropy_with_logits(tf.ragged.constant([[1.0, 2.0], [3.0]]))
