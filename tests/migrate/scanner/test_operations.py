"""What ``tf-repro scan`` says about single operations; the oracle is TF1's interface or its kernel (``tf.raw_ops``)."""

import numpy as np
import pytest
import tensorflow as tf

from tests.migrate.scanner.test_idioms import LABELS, LOGITS, RANDOM, session
from tests.tolerances import VISIBLE

v1, raw = tf.compat.v1, tf.raw_ops
REDUCTIONS = ["sum", "mean", "max", "min", "prod", "logsumexp", "any", "all"]


def test_log_softmax_has_axis_for_dim():
    def build():
        x = tf.constant(LOGITS)
        y = v1.nn.log_softmax(x, dim=0)
        return y, v1.gradients(y[0], x)[0]

    x = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.log_softmax(x, axis=0)
        first = y[0]
    for native, legacy in zip((y, tape.gradient(first, x)), session(build), strict=True):
        np.testing.assert_array_equal(native, legacy)


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axis", [0, 1, [0, 1]])
def test_reductions_have_axis_and_keepdims(name, axis):
    x = LOGITS > 0 if name in ("any", "all") else LOGITS
    legacy, native = getattr(v1, f"reduce_{name}"), getattr(tf, f"reduce_{name}")
    expected = session(lambda: legacy(x, reduction_indices=axis, keep_dims=True))
    np.testing.assert_array_equal(native(x, axis=axis, keepdims=True), expected)


@pytest.mark.parametrize("axis", [0, 1])
def test_norm_and_count_nonzero_have_axis_and_keepdims(axis):
    expected = session(lambda: v1.norm(LOGITS, axis=axis, keep_dims=True))
    np.testing.assert_array_equal(tf.norm(LOGITS, axis=axis, keepdims=True), expected)
    expected = session(lambda: v1.count_nonzero(LABELS, reduction_indices=axis, keep_dims=True))
    np.testing.assert_array_equal(tf.math.count_nonzero(LABELS, axis=axis, keepdims=True), expected)


@pytest.mark.parametrize("dimension", [0, 1])
def test_argmax_has_axis_for_dimension(dimension):
    ties = np.float32([[1, 1, 0], [0, 2, 2]])
    for x in (LOGITS, ties):
        expected = session(
            lambda x=x: [
                v1.argmax(x, dimension=dimension), v1.argmin(x, dimension=dimension),
                v1.arg_max(x, dimension), v1.arg_min(x, dimension),
            ]
        )  # fmt: skip
        for native, legacy in zip((tf.argmax, tf.argmin) * 2, expected, strict=True):
            np.testing.assert_array_equal(native(x, axis=dimension), legacy)


def test_where_broadcasts():
    """A vector of conditions chose rows in TF1's kernel Select; TF2's where broadcasts it along the last axis."""
    rows, other = np.array([True, False, True]), -LOGITS[:3]
    expected = session(lambda: v1.where(rows, LOGITS[:3], other))
    np.testing.assert_array_equal(raw.Select(condition=rows, x=LOGITS[:3], y=other), expected)
    np.testing.assert_array_equal(tf.where(rows[:, tf.newaxis], LOGITS[:3], other), expected)
    assert np.abs(tf.where(rows, LOGITS[:3], other) - expected).max() > VISIBLE


@pytest.mark.parametrize("name", ["ones_like", "zeros_like"])
def test_zeros_and_ones_like(name):
    for x in (LOGITS, LOGITS.astype(np.int64), LOGITS > 0):
        legacy = session(lambda x=x: getattr(v1, name)(tensor=x, optimize=False))
        native = getattr(tf, name)(input=x).numpy()
        assert native.dtype == legacy.dtype
        np.testing.assert_array_equal(native, legacy)


def test_div_rounds_whole_numbers_down():
    x, y = tf.constant([-7, 7]), tf.constant([2, 2])
    expected = session(lambda: v1.div(x.numpy(), y.numpy()))
    np.testing.assert_array_equal(x // y, expected)
    assert (x / y).dtype == tf.float64
    np.testing.assert_array_equal(session(lambda: v1.div(LOGITS, LOGITS[0])), LOGITS / LOGITS[0])


def test_embedding_tables_in_pieces():
    table, ids = RANDOM.randn(6, 2).astype(np.float32), [0, 1, 2, 5]
    pieces = [table[:3], table[3:]]
    by_remainder = session(lambda: v1.nn.embedding_lookup([tf.constant(piece) for piece in pieces], ids))
    np.testing.assert_array_equal(by_remainder, np.stack([pieces[i % 2][i // 2] for i in ids]))
    np.testing.assert_array_equal(tf.nn.embedding_lookup(pieces, ids), table[ids])
    np.testing.assert_array_equal(session(lambda: v1.nn.embedding_lookup(tf.constant(table), ids)), table[ids])


def test_xw_plus_b_is_two_operations():
    kernel, bias = LOGITS[:3], LOGITS[3]
    expected = session(lambda: v1.nn.xw_plus_b(LOGITS, kernel, bias))
    np.testing.assert_array_equal(tf.nn.bias_add(tf.matmul(LOGITS, kernel), bias), expected)


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("bilinear", raw.ResizeBilinear),
        ("bicubic", raw.ResizeBicubic),
        ("nearest_neighbor", raw.ResizeNearestNeighbor),
        ("area", raw.ResizeArea),
    ],
)
@pytest.mark.parametrize("align_corners", [True, False])
def test_resize_with_aligned_corners(name, kernel, align_corners):
    image = RANDOM.rand(1, 4, 5, 2).astype(np.float32)
    legacy = getattr(v1.image, f"resize_{name}")
    expected = session(lambda: legacy(image, [8, 7], align_corners=align_corners))
    np.testing.assert_array_equal(kernel(images=image, size=[8, 7], align_corners=align_corners), expected)


def test_names_of_tensorflow_0():
    """The oracle is the kernel that the 0.x function was the name of."""
    x, y = LOGITS, LABELS - 2
    matrices = RANDOM.randn(2, 3, 3).astype(np.float32)
    complex_numbers = (x + 1j * y).astype(np.complex64)
    for native, kernel in [
        (tf.multiply(x, y), raw.Mul(x=x, y=y)),
        (tf.subtract(x, y), raw.Sub(x=x, y=y)),
        (tf.negative(x), raw.Neg(x=x)),
        (tf.stack([x, y], 1), raw.Pack(values=[x, y], axis=1)),
        (tf.unstack(x, axis=1), raw.Unpack(value=x, num=3, axis=1)),
        (tf.matmul(matrices, matrices), raw.BatchMatMul(x=matrices, y=matrices)),
        (tf.abs(complex_numbers), raw.ComplexAbs(x=complex_numbers)),
        (tf.math.reciprocal(x), raw.Inv(x=x)),
    ]:
        np.testing.assert_array_equal(native, kernel)


@pytest.mark.parametrize("axis", [0, 1])
def test_concat_and_split_of_tensorflow_0(axis):
    """The oracles are the kernels that had the axis first."""
    np.testing.assert_array_equal(
        tf.concat([LOGITS, LABELS], axis), raw.Concat(concat_dim=axis, values=[LOGITS, LABELS])
    )
    size = LOGITS.shape[axis]
    for native, kernel in zip(
        tf.split(LOGITS, size, axis), raw.Split(axis=axis, value=LOGITS, num_split=size), strict=True
    ):
        np.testing.assert_array_equal(native, kernel)


def test_dropout_by_position_drops_what_it_kept():
    x, keep_probability = tf.ones([1000]), 0.9
    tf.random.set_seed(1)
    kept = np.count_nonzero(session(lambda: v1.nn.dropout(tf.ones([1000]), keep_probability, seed=1)))
    by_rate = np.count_nonzero(tf.nn.dropout(x, rate=1 - keep_probability, seed=1))
    by_position = np.count_nonzero(tf.nn.dropout(x, keep_probability, seed=1))
    assert min(kept, by_rate) > 500 > by_position  # 900 and 100 are meant; ten standard deviations are 95


def test_cross_entropy_by_position_exchanges_its_arguments():
    by_name = tf.nn.softmax_cross_entropy_with_logits(labels=LABELS, logits=LOGITS)
    by_position = tf.nn.softmax_cross_entropy_with_logits(LOGITS, LABELS)
    assert np.abs(by_name - by_position).max() > VISIBLE
