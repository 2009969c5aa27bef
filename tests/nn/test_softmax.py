"""tf_repro.nn.softmax against extended-precision truth, tf.nn.softmax, and each path of TensorFlow."""

import os
import subprocess
import sys

import mpmath
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nn.oracles import compiled_value_and_gradient, softmax_truth, value_and_gradient
from tests.tolerances import FAR_APART, TOLERANCE, row_error
from tf_repro.nn import softmax

RNG = np.random.default_rng(20261121)


def softmax_tf1(logits, axis=-1):
    return softmax(logits, axis, numerics="tf1")


def errors(function, logits, cotangent, run=value_and_gradient):
    """Row errors of `function`'s value and gradient."""
    y, gradient = run(function, tf.constant(logits), tf.constant(cotangent))
    true_y, true_gradient = softmax_truth(logits, cotangent)
    dtype = y.dtype.name
    return row_error(y, true_y, dtype=dtype), row_error(gradient, true_gradient, cotangent, dtype)


def drawn(rows, width, scale, offset=0.0, dtype=np.float32):
    return (
        (RNG.normal(size=(rows, width)) * scale).astype(dtype),
        (RNG.normal(size=(rows, width)) + offset).astype(dtype),
    )


# The regimes in which TensorFlow, PyTorch and JAX are off by 4e-7, 2e-5, 100 %, 2 % and 100 %.
@pytest.mark.parametrize(
    ("scale", "offset", "width"), [(1, 0, 10), (5, 0, 1000), (20, 0, 1000), (5, 100, 1000), (5, 10000, 1000)]
)
@pytest.mark.parametrize("compiled", [False, True])
def test_gradient_in_the_regimes_where_every_framework_is_off(scale, offset, width, compiled):
    run = compiled_value_and_gradient if compiled else value_and_gradient
    logits, cotangent = drawn(64, width, scale, offset)
    _, ours = errors(softmax, logits, cotangent, run)
    _, reference = errors(tf.nn.softmax, logits, cotangent, run)
    assert ours <= TOLERANCE["float32"]
    assert ours <= reference + TOLERANCE["float32"]


def sweep(widths, modes, rows=200_000):
    worst = 0.0
    for run in modes:
        for width in widths:
            for scale in (0, 0.01, 1, 5, 20, 80):
                for offset in (0, -300, 10000):
                    logits, cotangent = drawn(max(4, min(256, rows // width)), width, scale, offset)
                    worst = max(worst, *errors(softmax, logits, cotangent, run))
    return worst


def test_gradient_is_accurate_everywhere_on_a_few_widths():
    assert sweep([1, 2, 10, 130, 1000], [value_and_gradient], rows=50_000) <= FAR_APART["float32"]


@pytest.mark.slow
def test_gradient_is_accurate_everywhere_from_1_to_131072_entries():
    widths = [1, 2, 3, 5, 10, 33, 100, 127, 128, 1000, 1009, 8192, 10000, 50257, 131072]
    assert sweep(widths, [value_and_gradient, compiled_value_and_gradient]) <= FAR_APART["float32"]


@pytest.mark.parametrize("run", [value_and_gradient, compiled_value_and_gradient])
def test_long_rows(run):
    logits, cotangent = drawn(4, 131072, 5)
    assert max(errors(softmax, logits, cotangent, run)) <= FAR_APART["float32"]


def test_large_tensor_of_short_rows():
    logits, cotangent = drawn(2**15, 9, 20, 300)
    truth = softmax_truth(logits, cotangent)[1]
    for run in (value_and_gradient, tf.function(value_and_gradient)):  # the latter compiles, the former never
        assert row_error(run(softmax, logits, cotangent)[1], truth, cotangent) <= FAR_APART["float32"]


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, (0, 1), (0, 2), (2, 0), (-1, -2), (0, 1, 2), [1]])
@pytest.mark.parametrize("function", [softmax, softmax_tf1])
def test_any_axis_is_the_last_axis_of_a_transposed_tensor(axis, function):
    logits, cotangent = RNG.normal(size=(2, 2, 3, 4)) * 3
    y, gradient = value_and_gradient(lambda z: function(z, axis), logits, cotangent)
    axes = sorted({a % 3 for a in ([axis] if isinstance(axis, int) else axis)})
    kept = [a for a in range(3) if a not in axes]

    def as_rows(a):
        a = np.transpose(a, kept + axes)
        return a.reshape(int(np.prod(a.shape[: len(kept)])), -1)

    true_y, true_gradient = softmax_truth(as_rows(logits), as_rows(cotangent))
    assert y.shape == gradient.shape == logits.shape
    assert row_error(as_rows(y.numpy()), true_y) <= TOLERANCE["float64"]
    if function is softmax:  # TensorFlow 1's gradient cancels in some rows, which is what its numerics reproduce
        assert row_error(as_rows(gradient.numpy()), true_gradient) <= TOLERANCE["float64"]


@settings(max_examples=40, deadline=None)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    data=st.data(),
    dtype=st.sampled_from(["float32", "float64"]),
    scale=st.sampled_from([0.0, 1e-3, 1.0, 30.0, 500.0]),
    offset=st.sampled_from([0.0, 1.0, -300.0, 1e4]),
    seed=st.integers(0, 2**32 - 1),
)
def test_against_extended_precision_whatever_the_shape(shape, data, dtype, scale, offset, seed):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    rng = np.random.default_rng(seed)
    logits = (rng.normal(size=shape) * scale).astype(dtype)
    cotangent = (rng.normal(size=shape) + offset).astype(dtype)
    y, gradient = value_and_gradient(lambda z: softmax(z, axis), logits, cotangent)
    last = [np.moveaxis(a, axis, -1) for a in (logits, cotangent, y.numpy(), gradient.numpy())]
    true_y, true_gradient = softmax_truth(*last[:2])
    assert row_error(last[2], true_y, dtype=dtype) <= FAR_APART[dtype]
    assert row_error(last[3], true_gradient, last[1], dtype) <= FAR_APART[dtype]


def test_saturated_row_against_mpmath():
    with mpmath.workdps(50):
        z, dy = (
            [mpmath.mpf(v) for v in (1.5, 48.0, -3.25)],
            [mpmath.mpf(v) for v in (10001.0, 10000.0, 9998.5)],
        )
        total = mpmath.fsum(mpmath.exp(v) for v in z)
        y = [mpmath.exp(v) / total for v in z]
        mean = mpmath.fsum(a * b for a, b in zip(dy, y, strict=True))
        truth = np.array([float(a * (b - mean)) for a, b in zip(y, dy, strict=True)])
    logits, cotangent = np.float32([1.5, 48, -3.25]), np.float32([10001, 10000, 9998.5])
    _, gradient = value_and_gradient(softmax, logits, cotangent)
    assert row_error(gradient, truth) <= FAR_APART["float32"]
    _, reference = value_and_gradient(tf.nn.softmax, logits, cotangent)
    assert row_error(reference, truth) > 0.5  # why the rule exists


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(dtype):
    logits = tf.cast(RNG.normal(size=(16, 300)) * 4, dtype)
    cotangent = tf.cast(RNG.normal(size=(16, 300)) + 8, dtype)
    y, gradient = value_and_gradient(softmax, logits, cotangent)
    assert y.dtype == gradient.dtype == dtype
    true_y, true_gradient = softmax_truth(tf.cast(logits, tf.float64), tf.cast(cotangent, tf.float64))
    spread = np.ptp(tf.cast(cotangent, tf.float64), -1, keepdims=True)
    assert row_error(tf.cast(y, tf.float64), true_y, dtype=dtype) <= TOLERANCE[dtype]
    assert (
        row_error(tf.cast(gradient, tf.float64), true_gradient, [0] * 299 + [spread.max()], dtype) <= TOLERANCE[dtype]
    )


@pytest.mark.parametrize("function", [softmax, softmax_tf1])
def test_minus_infinity_has_probability_and_gradient_exactly_zero(function):
    y, gradient = value_and_gradient(function, np.float32([-np.inf, 0, 80]), np.float32([1e6, 1, 2]))
    assert y[0] == gradient[0] == 0
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("row", [[-np.inf, -np.inf], [np.inf, 0], [np.nan, 0], [np.inf, np.inf]])
@pytest.mark.parametrize("function", [softmax, softmax_tf1])
def test_a_row_without_a_softmax_is_nan_and_leaves_its_neighbours_alone(function, row):
    y, gradient = value_and_gradient(function, np.float32([row, [0, 0]]), np.float32([[1, 2], [1, 2]]))
    assert np.isnan(y[0]).all()
    assert np.isnan(gradient[0]).all()
    np.testing.assert_array_equal(y[1], [0.5, 0.5])
    np.testing.assert_array_equal(gradient[1], [-0.25, 0.25])


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (0, 0)])
@pytest.mark.parametrize("function", [softmax, softmax_tf1])
@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: tf.function(f, jit_compile=True)])
def test_empty_tensors_stay_empty(shape, function, wrap):
    for result in wrap(lambda: value_and_gradient(function, tf.zeros(shape), tf.zeros(shape)))():
        assert result.shape == shape


@pytest.mark.parametrize("function", [softmax, softmax_tf1])
def test_an_axis_of_one_entry_is_one_with_gradient_exactly_zero(function):
    y, gradient = value_and_gradient(function, np.float32([[90], [-3]]), np.float32([[1e4], [-7]]))
    np.testing.assert_array_equal(y, [[1], [1]])
    np.testing.assert_array_equal(gradient, [[0], [0]])


def seed_000(w, x, target):
    """One step of gradient descent, learning rate 1, on mean((softmax(x·w) - target)²)."""
    with tf.GradientTape() as tape:
        tape.watch(w)
        loss = tf.reduce_mean((softmax_tf1(x * w) - target) ** 2)
    return w - tape.gradient(loss, w)


TF141 = "[-0.16000001 -0.16000004  0.          0.32000008  0.79999995]"  # softmax_backprop, genuine TF 1.4.1
INPUTS = [np.zeros(5, np.float32), np.arange(1, 6, dtype=np.float32), np.arange(3, 8, dtype=np.float32)]


@pytest.mark.parametrize("mode", ["eager", "function", "xla"])
def test_tf1_numerics_print_the_digits_of_tensorflow_1_4(mode):
    run = {
        "eager": seed_000,
        "function": tf.function(seed_000),
        "xla": tf.function(seed_000, jit_compile=True),
    }[mode]
    inputs = [tf.constant(v) for v in INPUTS]
    w = run(*inputs)
    assert str(w.numpy()) == TF141
    y = softmax_tf1(inputs[1] * w).numpy()
    assert str(y) == "[0.01402173 0.01194853 0.01645466 0.0591815  0.8983936 ]"


@pytest.mark.slow
@pytest.mark.parametrize(
    "setting",
    [{"ONEDNN_MAX_CPU_ISA": isa} for isa in ("AVX512_CORE", "AVX2", "SSE41")] + [{"TF_ENABLE_ONEDNN_OPTS": "0"}],
)
def test_tf1_numerics_do_not_depend_on_the_instruction_set(setting):
    program = (
        "import tensorflow as tf\nfrom tests.nn.test_softmax import INPUTS, TF141, seed_000\n"
        "for run in (seed_000, tf.function(seed_000), tf.function(seed_000, jit_compile=True)):\n"
        "    assert str(run(*[tf.constant(v) for v in INPUTS]).numpy()) == TF141\n"
    )
    subprocess.run([sys.executable, "-c", program], env=os.environ | setting, check=True, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"numerics": "tf2"},
            ValueError,
            r"numerics must be one of \['accurate', 'tf1'\]. Received: numerics='tf2'",
        ),
        ({"axis": 2}, ValueError, r"axis must be in \[-2, 2\) for logits of rank 2. Received: axis=2"),
        ({"axis": (0, -3)}, ValueError, r"axis must be in \[-2, 2\).*Received: axis=\(0, -3\)"),
        ({"axis": (1, -1)}, ValueError, r"axis must name each dimension once. Received: axis=\(1, -1\)"),
        ({"axis": ()}, ValueError, r"axis must be an int or a non-empty tuple of ints. Received: axis=\(\)"),
        ({"axis": 1.0}, ValueError, r"axis must be an int or a non-empty tuple of ints. Received: axis=1.0"),
        (
            {"axis": None},
            ValueError,
            r"axis must be an int or a non-empty tuple of ints. Received: axis=None",
        ),
        ({"logits": [[1, 2]]}, TypeError, r"logits must be floating-point. Received: dtype=int32"),
        ({"logits": 1.0}, ValueError, r"axis must be in \[-0, 0\) for logits of rank 0. Received: axis=-1"),
    ],
)
def test_error_messages(arguments, error, message):
    with pytest.raises(error, match=message):
        softmax(**({"logits": [[1.0, 2.0]]} | arguments))


def test_unknown_rank_needs_the_last_axis():
    with pytest.raises(ValueError, match=r"axis must be -1 where the rank of logits is not known. Received: axis=0"):
        tf.function(lambda z: softmax(z, 0), input_signature=[tf.TensorSpec(None)]).get_concrete_function()
