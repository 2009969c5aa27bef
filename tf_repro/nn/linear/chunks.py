"""Loops over chunks of examples, and sums that grow in place."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


class Chunks:
    """The rows of ``x`` in chunks of one size; if it does not divide their number, the last two overlap."""

    def __init__(self, x: tf.Tensor, chunk_size: int) -> None:
        self.rows = tf.shape(x)[0] if x.shape[0] is None else x.shape[0]
        at_least = tf.maximum if x.shape[0] is None else max
        self.count = at_least(1, -(-self.rows // chunk_size))
        self.size = -(-self.rows // self.count)

    def of(self, values: tf.Tensor, i: Any) -> tf.Tensor:
        """Chunk ``i`` of ``values``."""
        begin = tf.minimum(i * self.size, self.rows - self.size)
        zeros, rest = [0] * (values.shape.rank - 1), values.shape[1:].as_list()
        return tf.slice(values, [begin, *zeros], [self.size, *rest])

    def fresh(self, values: tf.Tensor, i: Any) -> tf.Tensor:
        """Chunk ``i`` of a vector, 0 where the rows have been in chunk ``i - 1``."""
        chunk = self.of(values, i)
        return tf.where(tf.range(self.size) < (i + 1) * self.size - self.rows, tf.zeros_like(chunk), chunk)

    def loop(
        self, body: Callable[..., Any], written: list[tf.DType], *sums: tf.Tensor
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Run ``body(i, *sums) -> (values of chunk i, sums)`` on every chunk, one after another.

        Args:
            body: what is done with a chunk.
            written: the dtypes of its values, which are put together again.
            *sums: where the sums begin.

        Returns:
            The values of all rows, and the sums.
        """
        arrays = [tf.TensorArray(dtype, self.count) for dtype in written]

        def step(i: Any, arrays: Any, sums: Any) -> Any:
            values, sums = body(i, *sums)
            arrays = [array.write(i, value) for array, value in zip(arrays, values, strict=True)]
            return i + 1, arrays, list(sums)

        _, arrays, last = tf.while_loop(
            lambda i, *_: i < self.count, step, (0, arrays, list(sums)), parallel_iterations=1
        )
        return [self._join(array) for array in arrays], last

    def _join(self, array: tf.TensorArray) -> tf.Tensor:
        """What was written for the chunks, without the rows that were in two of them."""
        chunks = array.stack()
        rest = chunks.shape[2:].as_list()
        values = tf.reshape(chunks, [self.count * self.size, *rest])
        surplus = self.count * self.size - self.rows
        if isinstance(surplus, int) and surplus == 0:
            return values
        last = (self.count - 1) * self.size
        return tf.concat([values[:last], values[last + surplus :]], 0)


def one_after_another(function: Callable[..., Any], items: Any) -> list[Any]:
    """``[function(item) for item in items]``, each begun when the one before is done, so that buffers are shared."""
    results: list[Any] = []
    for item in items:
        with tf.control_dependencies(tf.nest.flatten(results[-1:])):
            results.append(function(item))
    return results


def zeros(shape: list[int], dtype: tf.DType, indices: tf.Tensor) -> tf.Tensor:
    """Zeros in a buffer of their own, which a constant, known before ``indices`` ≥ 0 are, would not have."""
    return tf.fill(shape, tf.cast(tf.reduce_sum(tf.minimum(indices, 0)), dtype))


def add_rows(total: tf.Tensor, part: tf.Tensor, start: int, axis: int) -> tf.Tensor:
    """``total`` with ``part`` added to its rows, or columns for ``axis=1``, from ``start`` on, in its own buffer."""
    begin, end = [0, 0], list(total.shape)
    begin[axis], end[axis] = start, start + part.shape[axis]
    old = tf.slice(total, begin, part.shape)
    with tf.control_dependencies([old]):
        value = old + part
    return tf.raw_ops.TensorStridedSliceUpdate(input=total, begin=begin, end=end, strides=[1, 1], value=value)
