"""Softmax as a Keras layer."""

from typing import Any

import tensorflow as tf

from tf_repro import nn
from tf_repro.keras_backend import keras
from tf_repro.nn.arguments import checked_axis


@keras.saving.register_keras_serializable(package="tf_repro")
class Softmax(keras.layers.Layer):
    """``keras.layers.Softmax`` with the accurate gradient of ``tf_repro.nn.softmax``.

    Formula: ``y = exp(z - max z) / Σ exp(z - max z)`` over the entries that `mask` keeps, 0 elsewhere.

    As with Keras, the output carries the logits it was made from, so that Keras' probability losses
    (`keras.losses.CategoricalCrossentropy()` and its sparse form) compute from logits. It does so only where
    the logits stand for the probabilities, one axis and no mask: with a mask, or over several axes, the
    losses read the probabilities, and label smoothing, binary cross-entropy and labels on masked classes
    come out as with Keras' own layer. Keras drops the logits where a later layer or a cast makes a new
    tensor of the output: in a mixed-precision model, give the last layer `dtype="float32"`.

    A mask that comes with the inputs and lacks their last dimension marks whole rows, time steps say; it is
    passed on. A mask of the inputs' own rank is used up here, since the losses could not read it.

    Args:
        axis: The dimension, or the tuple of dimensions, whose probabilities sum to 1.
        numerics: `"accurate"`, or `"tf1"` for the rounding of TensorFlow 1.4 and earlier.
        **kwargs: As for every Keras layer: `name`, `dtype`, ...

    Call arguments:
        inputs: Logits, of any rank and floating dtype. Half precisions are computed in float32.
        mask: Boolean tensor that broadcasts to `inputs`, True for the entries to keep; numbers keep above
            0.5. The probability and the gradient of every other entry are exactly 0. A row of which nothing
            is left, because all is masked or -inf, is all 0 with gradient 0; Keras' loss of such a row is
            that of equal probabilities.

    Returns:
        Probabilities, with the shape of `inputs` and the layer's compute dtype.

    Raises:
        ValueError: If `mask` does not broadcast to `inputs`, `axis` does not fit, or `numerics` is unknown.

    References:
        `tf_repro.nn.softmax`, which computes it.

    Example:
    >>> logits, mask = tf.constant([[0.0, 2.0, 2.0, -1e30]]), tf.constant([True, True, False, True])
    >>> Softmax()(logits, mask=mask).numpy().round(4)
    array([[0.1192, 0.8808, 0.    , 0.    ]], dtype=float32)

    As the softmax of attention, which Keras calls when scores are returned or dropped out:

    >>> class Attention(keras.layers.MultiHeadAttention):
    ...     def _build_attention(self, rank):
    ...         super()._build_attention(rank)
    ...         self._softmax = Softmax(self._softmax.axis, dtype=self.dtype_policy)
    >>> x = tf.ones([1, 3, 4])
    >>> Attention(num_heads=2, key_dim=4)(x, x, return_attention_scores=True)[1].shape
    TensorShape([1, 2, 3, 3])
    """

    def __init__(self, axis: int | tuple[int, ...] = -1, numerics: str = "accurate", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        nn.softmax([0.0], numerics=numerics)  # refuses what it does not know
        self.axis = checked_axis(axis)
        self.numerics = numerics
        self.supports_masking = True
        if hasattr(self, "_build_at_init"):  # there are no weights; older versions of Keras build on first call
            self._build_at_init()

    def call(self, inputs: tf.Tensor, mask: Any = None) -> tf.Tensor:
        if isinstance(inputs, tf.RaggedTensor):
            return self._of_ragged(inputs, mask)
        if mask is None or _marks_rows(mask, inputs):
            outputs = nn.softmax(inputs, self.axis, self.numerics)
            if isinstance(self.axis, int) or len(self.axis) == 1:
                outputs._keras_logits = inputs
            return outputs
        mask = _checked_mask(mask, inputs)
        logits = tf.cast(inputs, tf.float32) if inputs.dtype.size < 4 else inputs
        outputs = nn.softmax(tf.where(mask, logits, logits.dtype.min), self.axis, self.numerics)
        return tf.cast(tf.where(mask, outputs, tf.zeros_like(outputs)), inputs.dtype)

    def _of_ragged(self, inputs: tf.RaggedTensor, mask: Any) -> tf.RaggedTensor:
        if mask is not None or self.axis != -1 or inputs.flat_values.shape.rank < 2:
            raise ValueError(
                "ragged inputs must have a last dimension of one size, axis=-1 and no mask. Received: "
                f"axis={self.axis!r}, inputs of {inputs.shape}{'' if mask is None else ' with a mask'}"
            )
        return inputs.with_flat_values(nn.softmax(inputs.flat_values, numerics=self.numerics))

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        attached = getattr(inputs, "_keras_mask", None)
        return attached if attached is not None and _marks_rows(attached, inputs) else None

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "numerics": self.numerics}


def _marks_rows(mask: Any, inputs: Any) -> bool:
    """Whether Keras handed on `mask` with the inputs, and it has a value for each row instead of each entry."""
    handed_on = mask is not None and mask is getattr(inputs, "_keras_mask", None)
    return handed_on and len(mask.shape) < len(inputs.shape)


def _checked_mask(mask: Any, inputs: tf.Tensor) -> tf.Tensor:
    """`mask` as booleans, once it is known to broadcast to `inputs`."""
    mask = tf.convert_to_tensor(mask)
    received = f"Received: inputs.shape={inputs.shape}, mask.shape={mask.shape}"
    if len(mask.shape) > len(inputs.shape):
        raise ValueError(f"mask must be broadcastable to inputs and must not have more dimensions. {received}")
    for mask_size, size in zip(reversed(mask.shape), reversed(inputs.shape), strict=False):
        if None not in (mask_size, size) and mask_size not in (1, size):
            raise ValueError(f"mask must be broadcastable to inputs. {received}")
    return mask if mask.dtype == tf.bool else tf.cast(mask, tf.float32) > 0.5
