"""Sums over the rows of a matrix whose error does not grow with their length, on every kernel."""

import tensorflow as tf

from tf_repro.nn.engines import compiled_by_xla, onednn_is_on

# XLA adds the terms of a sum one after the other, so that n of them have an error of up to n - 1 roundings, all to the
# same side where the terms are equal. Block by block it is 64 for each level, of which 262 144 entries have three.
BLOCK = 64


def row_sum(a: tf.Tensor) -> tf.Tensor:
    """``Σ a`` of each row, ``[rows, 1]``: where rows are long, in blocks, and their sums in blocks again."""
    width = a.shape[-1]
    if width is not None and width <= 2 * BLOCK:
        return tf.reduce_sum(a, -1, keepdims=True)
    length = None if width is None else _divisor(width, BLOCK)
    if length is None:
        if not compiled_by_xla(a):
            return tf.reduce_sum(a, -1, keepdims=True)  # Eigen adds halves of the row, and their halves
        return _padded_row_sum(a)
    sums = tf.reduce_sum(tf.reshape(a, [-1, width // length, length]), -1)
    return row_sum(fusion_barrier(sums))


def _padded_row_sum(a: tf.Tensor) -> tf.Tensor:
    """`row_sum` of a length that no block divides, or that is known only when XLA compiles: three levels."""
    for _ in range(2):
        rows, width = tf.unstack(tf.shape(a))
        padded = tf.pad(a, [[0, 0], [0, -width % BLOCK]])
        a = fusion_barrier(tf.reduce_sum(tf.reshape(padded, [rows, -(-width // BLOCK), BLOCK]), -1))
    return tf.reduce_sum(a, -1, keepdims=True)


def row_dot(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """``Σ a·b`` of each row, ``[rows, 1]``."""
    width = a.shape[-1]
    length = None if width is None or width < 128 else _divisor(width, 256)
    if length is None or not _products_of_rows_are_fast() or compiled_by_xla(a, b):
        return row_sum(a * b)
    # Eigen's batches of inner products write nothing in between.
    a, b = (tf.reshape(t, [-1, width // length, 1, length]) for t in (a, b))
    return row_sum(tf.matmul(a, b, transpose_b=True)[:, :, 0, 0])


def _products_of_rows_are_fast() -> bool:
    """Whether batches of inner products are: not oneDNN's; a GPU's might be rounded to TF32."""
    return not onednn_is_on() and not tf.config.list_physical_devices("GPU")


def _divisor(width: int, most: int) -> int | None:
    """The longest block up to ``most`` that divides the width, if it is worth the level."""
    return next((length for length in range(most, 15, -1) if width % length == 0), None)


def fusion_barrier(value: tf.Tensor) -> tf.Tensor:
    """``value``: a select between it and nan, which XLA can not see through to join two sums into one."""
    return tf.where(tf.equal(value, value), value, value - value)
