"""What the losses share: logits behind a softmax, checked weights, Keras' masks and reductions."""

import warnings
from typing import Any

import tensorflow as tf

from tf_repro.keras_backend import keras
from tf_repro.nn.arguments import checked_axis


class LogitsLoss(keras.losses.Loss):
    """A loss of logits, one for each example, before Keras weighs and reduces them."""

    def __init__(self, from_logits: bool, axis: int | tuple[int, ...], **kwargs: Any) -> None:
        if from_logits is not True:
            raise ValueError(
                "from_logits must be True: this loss takes logits, not probabilities. "
                f"Received: from_logits={from_logits!r}"
            )
        super().__init__(**kwargs)
        self.axis = checked_axis(axis)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tf.Tensor:
        # Keras' own __call__ would convert the labels to floating point, and lose the logits, before anyone saw them.
        with tf.name_scope(self.name):
            if isinstance(y_pred, tf.RaggedTensor):
                return self._of_ragged(y_true, y_pred, sample_weight)
            logits = tf.cast(self.logits_of(y_pred), self.dtype)
            losses = self.call(y_true, logits)
            masks = [getattr(y_pred, "_keras_mask", None), self.counted(y_true, losses)]
            masks = [tf.cast(mask, tf.bool) for mask in masks if mask is not None]
            if masks:
                losses._keras_mask = tf.reduce_all(tf.stack(masks), 0)
            reduce = _GivenLosses(name=self.name, reduction=self.reduction, dtype=self.dtype)
            return reduce(losses, losses, sample_weight)

    def _of_ragged(self, y_true: Any, y_pred: tf.RaggedTensor, sample_weight: Any) -> Any:
        """The loss of the rows of ``y_pred``, which stand for themselves however they are grouped."""
        if self.axis != -1 or y_pred.flat_values.shape.rank < 2:
            raise ValueError(
                "ragged logits must have their classes in a last dimension of one size, and axis=-1. "
                f"Received: axis={self.axis!r}, y_pred of {y_pred.shape} with flat values {y_pred.flat_values.shape}"
            )
        flat = [v.flat_values if isinstance(v, tf.RaggedTensor) else v for v in (y_true, y_pred, sample_weight)]
        losses = self(*flat)
        return y_pred.with_flat_values(losses) if self.reduction in (None, "none") else losses

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "from_logits": True, "axis": self.axis, "dtype": self.dtype}

    def logits_of(self, values: Any, name: str = "y_pred") -> tf.Tensor:
        """``values``, or the logits that they are the softmax of."""
        logits = getattr(values, "_keras_logits", None)
        if logits is None:
            return tf.convert_to_tensor(values)
        warnings.warn(
            f"{type(self).__name__} takes logits, and {name} is the output of a softmax, whose logits are used "
            "instead. Remove the softmax from the model where this is not intended.",
            stacklevel=3,
        )
        return logits

    def counted(self, y_true: Any, losses: tf.Tensor) -> tf.Tensor | None:
        """Which examples count, or None for all."""
        return None


class _GivenLosses(keras.losses.Loss):
    """Keras' weights, mask and reduction for losses that are there already."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tf.Tensor:
        _check_sample_weight(sample_weight, y_pred)
        return super().__call__(y_pred, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: tf.Tensor) -> tf.Tensor:
        return y_pred


@keras.saving.register_keras_serializable("tf_repro")
class LossesAsOutput(_GivenLosses):
    """Weights, mask and reduction for the losses that a model puts out, one for each label.

    For a model whose output is that of `tf_repro.layers.LinearCrossEntropy` with ``reduction="none"``. ``fit`` is
    given the labels as ``y``, from which Keras takes the weights of ``class_weight``; the loss itself reads none.

    Args:
        reduction: as in ``keras.losses.Loss``.
        name: str.
        dtype: the losses' dtype; ``keras.config.floatx()`` if None.

    Call arguments:
        y_true: anything.
        y_pred: losses ``[...]``.
        sample_weight: broadcasts to the losses, or None.

    Returns:
        Scalar, or the weighted losses with ``reduction="none"``.

    Example:
        >>> float(LossesAsOutput()([3, 1], [1.0, 2.0], sample_weight=[1.0, 0.5]))
        1.0
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "losses_as_output", dtype: Any = None
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tf.Tensor:
        y_pred = y_pred if tf.is_tensor(y_pred) else tf.convert_to_tensor(y_pred)
        if y_pred.shape.rank == 0:
            raise ValueError(
                "losses must be one for each example: give the head reduction='none', whose loss is otherwise counted "
                f"twice. Received: y_pred of {y_pred.shape}"
            )
        return super().__call__(y_true, y_pred, sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dtype": self.dtype}


def _check_sample_weight(sample_weight: Any, losses: Any) -> None:
    """Refuse weights that would spread the losses over further dimensions, or that TensorFlow cannot multiply."""
    if sample_weight is None:
        return
    shape = tf.convert_to_tensor(sample_weight).shape
    weight, values = shape, tf.convert_to_tensor(losses).shape
    if weight.rank is not None and values.rank is not None and weight.rank == values.rank + 1 and weight[-1] == 1:
        weight = weight[:-1]  # as Keras does
    try:
        fits = tf.broadcast_static_shape(weight, values).is_compatible_with(values)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"sample_weight must broadcast to the losses. Received: sample_weight of {shape}, losses of {values}"
        )
