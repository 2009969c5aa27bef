"""Keras losses that take logits; the import is all that changes in code that used Keras' own."""

import keras
import tensorflow as tf

from tf_repro import nn
from tf_repro.nn.cross_entropy import check_label_smoothing


@keras.saving.register_keras_serializable("tf_repro")
class SoftmaxCrossEntropy(keras.losses.Loss):
    """Cross-entropy ``-Σ p log softmax(logits)`` of dense labels ``p``, reduced as Keras reduces.

    Takes the place of ``keras.losses.CategoricalCrossentropy(from_logits=True)``. The gradient, ``q·Σp - p``,
    is right also for labels that do not sum to 1; label smoothing counts the classes of ``axis``.

    Args:
        from_logits: must be True. It is there so that code written for Keras' loss runs unchanged.
        label_smoothing: float ε in [0, 1]; ``p`` becomes ``(1 - ε)·p + ε / classes``.
        axis: int, the axis of the classes.
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
        from_logits=True,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="softmax_cross_entropy",
        dtype=None,
    ):
        _require_logits(from_logits)
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.label_smoothing = check_label_smoothing(label_smoothing)
        self.axis = axis

    def call(self, y_true, y_pred):
        return nn.softmax_cross_entropy_with_logits(
            y_true, y_pred, axis=self.axis, label_smoothing=self.label_smoothing
        )

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing, "axis": self.axis}


@keras.saving.register_keras_serializable("tf_repro")
class SparseSoftmaxCrossEntropy(keras.losses.Loss):
    """Cross-entropy ``-log softmax(logits)[label]`` of class numbers, reduced as Keras reduces.

    Takes the place of ``keras.losses.SparseCategoricalCrossentropy(from_logits=True)``. The labels are never
    converted to the dtype of the loss, so that no label is rounded to another. A label that is no class has
    loss and gradient NaN in every mode of execution.

    Args:
        from_logits: must be True. It is there so that code written for Keras' loss runs unchanged.
        ignore_class: int or None; the label, in range or not, of the examples that do not count: neither in
            the sum nor, as with Keras, in the number that a mean divides by.
        reduction: as in ``keras.losses.Loss``.
        axis: int, the axis of the classes.
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
        from_logits=True,
        ignore_class=None,
        reduction="sum_over_batch_size",
        axis=-1,
        label_smoothing=0.0,
        name="sparse_softmax_cross_entropy",
        dtype=None,
    ):
        _require_logits(from_logits)
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.ignore_class = ignore_class
        self.axis = axis
        self.label_smoothing = check_label_smoothing(label_smoothing)

    def __call__(self, y_true, y_pred, sample_weight=None):
        # Keras' own __call__ would convert the labels to floating point before anyone saw them.
        labels = self._labels(y_true, y_pred)
        logits = keras.ops.convert_to_tensor(y_pred, dtype=self.dtype)
        losses = self.call(labels, logits)
        masks = [getattr(y_pred, "_keras_mask", None)]
        if self.ignore_class is not None:
            masks.append(tf.reshape(labels != self.ignore_class, tf.shape(losses)))
        masks = [tf.cast(mask, tf.bool) for mask in masks if mask is not None]
        if masks:
            losses._keras_mask = tf.reduce_all(tf.stack(masks), 0)
        reduce = _Reduction(name=self.name, reduction=self.reduction, dtype=self.dtype)
        return reduce(losses, losses, sample_weight)

    def call(self, y_true, y_pred):
        return nn.sparse_softmax_cross_entropy_with_logits(
            self._labels(y_true, y_pred),
            y_pred,
            axis=self.axis,
            ignore_class=self.ignore_class,
            label_smoothing=self.label_smoothing,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "ignore_class": self.ignore_class,
            "axis": self.axis,
            "label_smoothing": self.label_smoothing,
        }

    def _labels(self, y_true, y_pred):
        labels = tf.convert_to_tensor(y_true)
        labels = tf.cast(labels, tf.int64)
        if labels.shape.rank == tf.convert_to_tensor(y_pred).shape.rank and labels.shape[self.axis] == 1:
            labels = tf.squeeze(labels, self.axis)
        return labels


class _Reduction(keras.losses.Loss):
    """Keras' weights, mask and reduction for losses already computed."""

    def call(self, y_true, y_pred):
        return y_pred


def _require_logits(from_logits):
    if not from_logits:
        raise ValueError(
            "from_logits must be True: this loss takes logits, not probabilities. "
            f"Received: from_logits={from_logits!r}"
        )
