"""numerics="tf1" against recordings of genuine TensorFlow 1.4.1, bit for bit, and against the emulated kernel."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from legacy_tf1 import softmax_rows
from tests.nn.oracles import compiled_value_and_gradient, value_and_gradient
from tests.tolerances import TOLERANCE, row_error
from tf_repro.nn import softmax, tf1_softmax
from tf_repro.suite import kernels
from tf_repro.suite.recordings import RECORDINGS, load_recording

RNG = np.random.default_rng(20261124)
MODES = {
    "eager": value_and_gradient,
    "function": tf.function(value_and_gradient, reduce_retracing=True),
    "xla": compiled_value_and_gradient,
}
TO_COMPILE = ("float32 5 ", "float32 2x3x7 ", "float32 40x33 ", "float32 20x127 ", "float64 20x127 ", "tiny")


def softmax_tf1(logits, axis=-1):
    return softmax(logits, axis, numerics="tf1")


def recorded(only=("",)):
    """(logits, cotangent, what genuine 1.4.1 made of them) of the cases with one of the texts in their names."""
    genuine = load_recording(RECORDINGS / "softmax-rows-tf-1.4.1.json")["softmax_rows"]
    for name, logits, cotangent in softmax_rows.cases():
        if any(text in name for text in only):
            yield logits, cotangent, genuine[name]


def ends_in_the_c_librarys_exp(logits):
    """Whether 1.4.1 takes the last exponential, which fills no packet of two doubles, from the C library."""
    return logits.dtype == np.float64 and logits.size % 2 == 1


def compare_with_genuine(run, only=("",)):
    """Assert equal bits in every recorded row, and return how many there were."""
    rows = 0
    for logits, cotangent, genuine in recorded(only):
        values = run(softmax_tf1, tf.constant(logits), tf.constant(cotangent))
        ours = {name: value.numpy() for name, value in zip(("y", "gradient"), values, strict=True)}
        if ends_in_the_c_librarys_exp(logits):
            assert all(row_error(ours[name], genuine[name]) <= TOLERANCE["float64"] for name in ours)
            continue
        for name, value in softmax_rows.abridged(ours).items():
            assert value.tobytes() == genuine[name].tobytes(), (logits.dtype, logits.shape, name)
        rows += logits.size // logits.shape[-1]
    return rows


@pytest.mark.parametrize("mode", ["eager", "function"])
def test_every_row_has_the_bits_of_genuine_tensorflow(mode):
    assert compare_with_genuine(MODES[mode]) == 1556


def test_rows_have_them_when_compiled():
    assert compare_with_genuine(compiled_value_and_gradient, TO_COMPILE) == 388


@pytest.mark.slow
def test_every_row_has_them_when_compiled():
    assert compare_with_genuine(compiled_value_and_gradient) == 1556


SETTINGS = [{"TF_ENABLE_ONEDNN_OPTS": state} for state in "01"] + [
    {"XLA_FLAGS": f"--xla_cpu_max_isa={isa}"} for isa in ("SSE4_2", "AVX", "AVX2", "AVX512")
]


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: "=".join(*setting.items()))
def test_no_kernel_and_no_instruction_set_makes_a_difference(setting):
    program = (
        "from tests.nn.test_tf1_softmax import MODES, TO_COMPILE, compare_with_genuine\n"
        "for run in MODES.values():\n"
        "    compare_with_genuine(run, TO_COMPILE)\n"
    )
    subprocess.run([sys.executable, "-c", program], env=os.environ | setting, check=True, timeout=600)


FAULTS = {
    "_row_sum": lambda rows: tf.reduce_sum(tf.cast(rows, tf.float64), -1, keepdims=True),
    "_packet_exp": tf1_softmax._c_exp,
    "_c_exp": tf1_softmax._packet_exp,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault, monkeypatch):
    def wrong(a):
        return tf.cast(FAULTS[fault](a), a.dtype)

    monkeypatch.setattr(tf1_softmax, fault, wrong)
    for traced in ("_probabilities", "_centred_product"):
        monkeypatch.setattr(tf1_softmax, traced, getattr(tf1_softmax, traced).python_function)
    with pytest.raises(AssertionError):
        compare_with_genuine(value_and_gradient, ["float32 3 ", "float32 11 ", "float32 40x33 "])


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_any_axis_is_the_last_axis_of_a_transposed_tensor(axis):
    logits, cotangent = np.float32(RNG.normal(size=(2, 5, 6, 7)) * 4)
    y, gradient = value_and_gradient(lambda z: softmax_tf1(z, axis), logits, cotangent)
    rows, upstream = (np.ascontiguousarray(np.moveaxis(a, axis, -1)) for a in (logits, cotangent))
    expected = kernels.softmax(rows, 4)
    np.testing.assert_array_equal(np.moveaxis(y.numpy(), axis, -1), expected)
    np.testing.assert_array_equal(
        np.moveaxis(gradient.numpy(), axis, -1), kernels.softmax_gradient(expected, upstream, 4)
    )


@pytest.mark.parametrize("spec", [[None, None], [None, 13], [6, None], None])
def test_shapes_known_only_when_run(spec):
    logits, cotangent = np.float32(RNG.normal(size=(2, 6, 13)))
    traced = tf.function(lambda z, dy: value_and_gradient(softmax_tf1, z, dy))
    run = traced.get_concrete_function(*[tf.TensorSpec(spec, tf.float32)] * 2)
    y, gradient = run(tf.constant(logits), tf.constant(cotangent))
    expected = kernels.softmax(logits, 4)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(gradient, kernels.softmax_gradient(expected, cotangent, 4))


@pytest.mark.parametrize("mode", MODES)
def test_what_feeds_it_is_rounded_first(mode):
    """Products on either side, which a compiler would like to fuse with the differences inside."""
    x, w, dy = (np.float32(RNG.normal(size=(20, 9))) for _ in range(3))
    y, gradient = MODES[mode](lambda w: softmax_tf1(w * x) * dy, tf.constant(w), tf.ones_like(w))
    expected = kernels.softmax(w * x, 4)
    np.testing.assert_array_equal(y, expected * dy)
    np.testing.assert_array_equal(gradient, kernels.softmax_gradient(expected, dy, 4) * x)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_without_a_softmax_are_nan_and_leave_their_neighbours_alone(mode, dtype):
    strange = np.array([[-np.inf] * 7, [np.inf] + [0] * 6, [0] * 6 + [np.nan], [np.nan] + [0] * 6], dtype)
    logits = np.concatenate([strange, np.zeros((1, 7)), strange]).astype(dtype)
    y, gradient = MODES[mode](softmax_tf1, tf.constant(logits), tf.ones_like(logits))
    for value, ordinary in ((y.numpy(), 1 / 7), (gradient.numpy(), 0)):
        assert np.isnan(value[:4]).all()
        assert np.isnan(value[5:]).all()
        assert np.abs(value[4] - ordinary).max() <= TOLERANCE[dtype]


@pytest.mark.parametrize("mode", MODES)
def test_minus_infinity_has_probability_and_gradient_exactly_zero(mode):
    logits = np.float32([[-np.inf, 0, 1, 2, -np.inf, 3, -np.inf]])
    y, gradient = MODES[mode](softmax_tf1, tf.constant(logits), tf.constant(np.float32([range(7)])))
    masked = np.isneginf(logits)
    assert not y.numpy()[masked].any()
    assert not gradient.numpy()[masked].any()
    assert np.isfinite(y).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_that_of_float32_rounded_once(dtype):
    logits, cotangent = tf.cast(RNG.normal(size=(2, 6, 13)) * 3, dtype)
    y, gradient = value_and_gradient(softmax_tf1, logits, cotangent)
    single = [tf.cast(a, tf.float32).numpy() for a in (logits, cotangent)]
    expected = kernels.softmax(single[0], 4)
    np.testing.assert_array_equal(tf.cast(y, tf.float32), tf.cast(tf.cast(expected, dtype), tf.float32))
    expected = tf.cast(kernels.softmax_gradient(expected, single[1], 4), dtype)
    np.testing.assert_array_equal(tf.cast(gradient, tf.float32), tf.cast(expected, tf.float32))
