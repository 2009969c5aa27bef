"""One entry of each row of a matrix: which one is the largest, its value, and the row without it."""

import tensorflow as tf

from tf_repro.nn.engines import compiled_by_xla


def likeliest(z: tf.Tensor) -> tf.Tensor:
    """The column ``[rows, 1]`` of the largest entry of each row, the first of equals."""
    length = None if compiled_by_xla(z) else _block_length(z.shape[-1])
    if length is None:
        return tf.argmax(z, -1, output_type=tf.int32)[:, tf.newaxis]
    # A maximum takes whole packets, an argmax one entry after the other: of one block's maxima, then within a block.
    blocks = tf.reshape(z, [-1, z.shape[-1] // length, length])
    block = tf.argmax(tf.reduce_max(blocks, -1), -1, output_type=tf.int32)
    within = tf.argmax(tf.gather(blocks, block, batch_dims=1), -1, output_type=tf.int32)
    return (block * length + within)[:, tf.newaxis]


def _block_length(width: int | None) -> int | None:
    """The longest block that divides a long row: long enough for packets, short against the row."""
    if width is None or width < 256:
        return None
    return next((length for length in range(128, 31, -1) if width % length == 0), None)


def at(a: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
    """``a[row, column[row]]`` as ``[rows, 1]``."""
    return tf.gather(a, column, batch_dims=1)


def with_entry(a: tf.Tensor, column: tf.Tensor, entry: tf.Tensor) -> tf.Tensor:
    """``a`` with each row's ``entry`` ``[rows, 1]`` at its ``column``."""
    if compiled_by_xla(a):  # which would take the scattered entries one after the other
        return tf.where(tf.equal(tf.range(tf.shape(a)[-1])[tf.newaxis], column), entry, a)
    rows = tf.range(tf.size(column))[:, tf.newaxis]
    return tf.tensor_scatter_nd_update(a, tf.concat([rows, column], 1), entry[:, 0])


def without(a: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
    """``a`` with 0 at each row's ``column``."""
    return with_entry(a, column, tf.zeros_like(a[:, :1]))
