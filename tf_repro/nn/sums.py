"""Sums over the rows of a matrix whose error does not grow with their length, on every kernel."""

import tensorflow as tf

from tf_repro.nn.engines import compiled_by_xla, onednn_is_on

# n terms added one after the other have an error of up to (n - 1) / 2 units in the last place of their sum, all to the
# same side where the terms are equal. XLA adds so; Eigen does in each lane of a packet, four at least.
# With 16 in sequence the error of a block stays below 1e-6 in float32.
_IN_SEQUENCE = 16
_LANES = 4


def row_sum(a: tf.Tensor) -> tf.Tensor:
    """``Σ a`` of each row, ``[rows, 1]``: where rows are long, in blocks, and the sums of these in float64.

    In float64 itself the sums of blocks are taken in blocks again.
    """
    longest = _IN_SEQUENCE if compiled_by_xla(a) else _IN_SEQUENCE * _LANES
    width = a.shape[-1]
    if width is not None and width <= longest:
        return tf.reduce_sum(a, -1, keepdims=True)
    if a.dtype == tf.float64:
        return _sum_of_doubles(a, longest)
    sums = tf.cast(_block_sums(a, longest), tf.float64)
    return tf.cast(tf.reduce_sum(sums, -1, keepdims=True), a.dtype)


def _sum_of_doubles(a: tf.Tensor, longest: int) -> tf.Tensor:
    """`row_sum` of float64, with three levels of blocks for a width that is known only when the operations run."""
    if a.shape[-1] is not None:
        return row_sum(fusion_barrier(_block_sums(a, longest)))
    for _ in range(3):
        a = fusion_barrier(_block_sums(a, longest))
    return tf.reduce_sum(a, -1, keepdims=True)


def _block_sums(a: tf.Tensor, longest: int) -> tf.Tensor:
    """Sums of blocks of at most a length, the last of them filled up with zeros: ``[rows, blocks]``."""
    width = tf.shape(a)[-1] if a.shape[-1] is None else a.shape[-1]
    length = _divisor(width, longest) or longest if isinstance(width, int) else longest
    missing = -width % length
    if not isinstance(missing, int) or missing:
        a = tf.pad(a, [[0, 0], [0, missing]])
    return tf.reduce_sum(tf.reshape(a, [tf.shape(a)[0], (width + missing) // length, length]), -1)


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
    return next((length for length in range(most, 7, -1) if width % length == 0), None)


def fusion_barrier(value: tf.Tensor) -> tf.Tensor:
    """``value``: a select between it and nan, which XLA can not see through to join two sums into one."""
    return tf.where(tf.equal(value, value), value, value - value)
