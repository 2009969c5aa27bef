"""Cross-entropies of logits; the import is all that changes in code that used Keras' own."""

from typing import Any

import tensorflow as tf

from tf_repro import nn
from tf_repro.keras_backend import keras
from tf_repro.losses.base import LogitsLoss
from tf_repro.nn.cross_entropy import check_ignore_class, check_label_smoothing


class _CrossEntropy(LogitsLoss):
    """What the cross-entropies share."""

    def __init__(self, from_logits: bool, label_smoothing: float, axis: int | tuple[int, ...], **kwargs: Any) -> None:
        super().__init__(from_logits, axis, **kwargs)
        self.label_smoothing = check_label_smoothing(label_smoothing)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("tf_repro")
class SoftmaxCrossEntropy(_CrossEntropy):
    """Cross-entropy ``-Σ p log softmax(logits)`` of dense labels ``p``, reduced as Keras reduces.

    Takes the place of ``keras.losses.CategoricalCrossentropy(from_logits=True)``. The gradient, ``q·Σp - p``,
    is right also for labels that do not sum to 1; label smoothing counts the classes of ``axis``.

    Args:
        from_logits: must be True. It is there so that code written for Keras' loss runs unchanged.
        label_smoothing: float ε in [0, 1]; ``p`` becomes ``(1 - ε)·p + ε / classes``.
        axis: int, the axis of the classes, or a tuple of several, whose entries together are the classes.
        reduction: as in ``keras.losses.Loss``.
        name: str.
        dtype: the losses' dtype; ``keras.config.floatx()`` if None. Logits are converted to it. Below float32
            the sums over the classes are still taken in float32.

    Call arguments:
        y_true: labels in the shape of the logits, any real dtype.
        y_pred: logits, floating-point ``[..., classes, ...]``.
        sample_weight: broadcasts to the losses, or None.

    Returns:
        Scalar, or with ``reduction="none"`` the losses in the shape of the logits without ``axis``, in ``dtype``.

    Raises:
        ValueError: ``from_logits`` is False, or the shapes do not fit.

    References:
        `tf_repro.nn.softmax_cross_entropy_with_logits`, which computes it.

    Example:
        >>> loss = SoftmaxCrossEntropy()
        >>> float(loss([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [[0.0, 30.0, 0.0], [0.0, 30.0, 0.0]]))
        15.0
    """

    def __init__(
        self,
        from_logits: bool = True,
        label_smoothing: float = 0.0,
        axis: int | tuple[int, ...] = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "softmax_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction=reduction, name=name, dtype=dtype)

    def call(self, y_true: Any, y_pred: tf.Tensor) -> tf.Tensor:
        labels = tf.cast(y_true, y_pred.dtype)
        if not labels.shape.is_compatible_with(y_pred.shape):
            raise ValueError(
                f"y_true and y_pred must have the same shape. Received: y_true of {labels.shape}, "
                f"y_pred of {y_pred.shape}"
            )
        labels, logits = _classes_last(labels, self.axis), _classes_last(y_pred, self.axis)
        return nn.softmax_cross_entropy_with_logits(labels, logits, label_smoothing=self.label_smoothing)


@keras.saving.register_keras_serializable("tf_repro")
class SparseSoftmaxCrossEntropy(_CrossEntropy):
    """Cross-entropy ``-log softmax(logits)[label]`` of class numbers, reduced as Keras reduces.

    Takes the place of ``keras.losses.SparseCategoricalCrossentropy(from_logits=True)``. The labels are never
    converted to the dtype of the loss, so that no label is rounded to another. A label that is no class has
    loss and gradient NaN in every mode of execution.

    Args:
        from_logits: must be True. It is there so that code written for Keras' loss runs unchanged.
        ignore_class: int or None; the label, in range or not, of the examples that do not count: neither in
            the sum nor, as with Keras, in the number that a mean divides by.
        reduction: as in ``keras.losses.Loss``.
        axis: int, the axis of the classes, or a tuple of several, whose entries together are the classes.
        label_smoothing: float ε in [0, 1]; the target is ``ε / classes``, and ``1 - ε`` more at the label.
        name: str.
        dtype: the losses' dtype; ``keras.config.floatx()`` if None. Logits are converted to it. Below float32
            the sums over the classes are still taken in float32.

    Call arguments:
        y_true: class numbers, integers or whole floats, in the shape of the logits without ``axis`` or with 1 there.
        y_pred: logits, floating-point ``[..., classes, ...]``.
        sample_weight: broadcasts to the losses, or None.

    Returns:
        Scalar, or with ``reduction="none"`` the losses in the shape of the labels, in ``dtype``.

    Raises:
        ValueError: ``from_logits`` is False, or the shapes do not fit.

    References:
        `tf_repro.nn.sparse_softmax_cross_entropy_with_logits`, which computes it.

    Example:
        >>> loss = SparseSoftmaxCrossEntropy(ignore_class=-1)
        >>> print(f"{loss([0, -1], [[0.0, 30.0, 0.0], [0.0, 30.0, 0.0]]):.4f}")
        30.0000
    """

    def __init__(
        self,
        from_logits: bool = True,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int | tuple[int, ...] = -1,
        label_smoothing: float = 0.0,
        name: str = "sparse_softmax_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction=reduction, name=name, dtype=dtype)
        self.ignore_class = check_ignore_class(ignore_class)

    def call(self, y_true: Any, y_pred: tf.Tensor) -> tf.Tensor:
        logits = _classes_last(y_pred, self.axis)
        labels = tf.cast(y_true, tf.int64)
        if isinstance(self.axis, int) and labels.shape.rank == y_pred.shape.rank and labels.shape[self.axis] == 1:
            labels = tf.squeeze(labels, self.axis)
        return nn.sparse_softmax_cross_entropy_with_logits(
            labels, logits, ignore_class=self.ignore_class, label_smoothing=self.label_smoothing
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ignore_class": self.ignore_class}

    def counted(self, y_true: Any, losses: tf.Tensor) -> tf.Tensor | None:
        if self.ignore_class is None:
            return None
        return tf.reshape(tf.cast(y_true, tf.int64) != self.ignore_class, tf.shape(losses))


def _classes_last(values: tf.Tensor, axis: int | tuple[int, ...]) -> tf.Tensor:
    """``values`` with the dimensions of ``axis`` as one at the end."""
    rank = values.shape.rank
    axes = (axis,) if isinstance(axis, int) else axis
    if axes == (-1,):
        return values
    if rank is None or not all(-rank <= a < rank for a in axes):
        raise ValueError(f"axis must be in [-rank, rank) for logits of known rank. Received: axis={axis}, rank={rank}")
    last = sorted({a % rank for a in axes})
    order = [d for d in range(rank) if d not in last] + last
    moved = tf.transpose(values, order)
    if len(last) == 1:
        return moved
    kept = rank - len(last)
    flat = tf.reshape(moved, tf.concat([tf.shape(moved)[:kept], [-1]], 0))
    flat.set_shape([*moved.shape[:kept], moved.shape[kept:].num_elements()])
    return flat
