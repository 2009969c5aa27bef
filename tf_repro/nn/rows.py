"""Tensors of any rank as the rows of a matrix, and the checks of what functions of logits are given."""

import numbers
from collections.abc import Callable
from typing import Any

import tensorflow as tf

Axis = int | tuple[int, ...]


def over_rows(function: Callable[[tf.Tensor], tf.Tensor], logits: Any, axis: Axis) -> tf.Tensor:
    """Apply ``function``, which works along the rows of a matrix, along ``axis`` of a tensor of any rank."""
    logits = tf.convert_to_tensor(logits)
    if not logits.dtype.is_floating:
        raise TypeError(f"logits must be floating-point. Received: dtype={logits.dtype.name}")
    axes = checked_axes(axis, logits.shape.rank)
    order = [d for d in range(logits.shape.rank or 0) if d not in axes] + axes
    moved = logits if order == sorted(order) else tf.transpose(logits, order)
    computed = tf.float32 if logits.dtype.size < 4 else logits.dtype
    if axes == [1] and logits.shape.rank == 2 and logits.shape[1]:
        return tf.cast(function(tf.cast(logits, computed)), logits.dtype)
    shape = tf.shape(moved)
    static = moved.shape[-len(axes) :].num_elements()
    # An empty slice has no likeliest entry: no elements are seen as no rows of one entry.
    width = tf.maximum(tf.reduce_prod(shape[-len(axes) :]), 1) if static is None else max(static, 1)
    rows = tf.cast(tf.reshape(moved, [-1, width]), computed)
    result = tf.cast(tf.reshape(function(rows), shape), logits.dtype)
    return result if moved is logits else tf.transpose(result, [order.index(d) for d in range(len(order))])


def checked_axes(axis: Any, rank: int | None) -> list[int]:
    """``axis`` as a list of distinct non-negative dimensions, in increasing order."""
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if not axes or not all(isinstance(a, numbers.Integral) for a in axes):
        raise ValueError(f"axis must be an int or a non-empty tuple of ints. Received: axis={axis!r}")
    if rank is None:
        if axes != [-1]:
            raise ValueError(f"axis must be -1 where the rank of logits is not known. Received: axis={axis!r}")
        return axes
    if not all(-rank <= a < rank for a in axes):
        raise ValueError(f"axis must be in [-{rank}, {rank}) for logits of rank {rank}. Received: axis={axis!r}")
    distinct = sorted({a % rank for a in axes})
    if len(distinct) < len(axes):
        raise ValueError(f"axis must name each dimension once. Received: axis={axis!r}")
    return distinct


def classes_last(values: tf.Tensor, axis: Any) -> tf.Tensor:
    """``values`` with ``axis`` moved to the end, in float32 at least."""
    rank = values.shape.rank
    if not hasattr(axis, "__index__") or (rank is None and axis != -1):
        raise ValueError(f"axis must be an int, -1 if the rank is unknown. Received: axis={axis!r}, rank={rank}")
    if rank is not None and not -rank <= axis < rank:
        raise ValueError(f"axis must be in [{-rank}, {rank}). Received: axis={axis}")
    if values.dtype.size < 4:
        values = tf.cast(values, tf.float32)
    if axis in (-1, rank - 1 if rank else -1):
        return values
    order = list(range(rank))
    order.append(order.pop(axis))
    return tf.transpose(values, order)


def class_count(z: tf.Tensor) -> Any:
    """How many classes the last dimension has, at least one."""
    if z.shape.rank is not None and z.shape[-1] == 0:
        raise ValueError(f"logits must have at least one class. Received: classes last, logits of {z.shape}")
    return tf.shape(z)[-1] if z.shape.rank is None or z.shape[-1] is None else z.shape[-1]


def float_tensor(values: Any, name: str) -> tf.Tensor:
    """``values`` as a floating-point tensor."""
    tensor = tf.convert_to_tensor(values)
    if not tensor.dtype.is_floating:
        raise TypeError(f"{name} must be floating point. Received: {name} of {tensor.dtype.name}")
    return tensor


def integer_labels(labels: Any) -> tf.Tensor:
    """``labels`` as a tensor of int64."""
    labels = tf.convert_to_tensor(labels)
    if not labels.dtype.is_integer:
        raise TypeError(f"labels must be integers, class numbers. Received: labels of {labels.dtype.name}")
    return tf.cast(labels, tf.int64)
