"""Softmax as a Keras layer."""

import keras
import tensorflow as tf

from tf_repro import nn


@keras.saving.register_keras_serializable(package="tf_repro")
class Softmax(keras.layers.Layer):
    """``keras.layers.Softmax`` with the accurate gradient of ``tf_repro.nn.softmax``.

    Formula: ``y = exp(z - max z) / Σ exp(z - max z)`` over the entries that `mask` keeps, 0 elsewhere.

    The output carries the logits it was made from, masked or not, so that Keras' probability losses
    (`keras.losses.CategoricalCrossentropy()` and its sparse form) compute from logits. Keras drops them
    where a later layer or a cast makes a new tensor of the output: in a mixed-precision model, give the last
    layer `dtype="float32"`.

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

    def __init__(self, axis=-1, numerics="accurate", **kwargs):
        super().__init__(**kwargs)
        nn.softmax([0.0], numerics=numerics)  # refuses what it does not know
        self.axis = axis
        self.numerics = numerics
        self.supports_masking = True
        if hasattr(self, "_build_at_init"):  # there are no weights; older versions of Keras build on first call
            self._build_at_init()

    def call(self, inputs, mask=None):
        logits = inputs
        if mask is not None:
            mask = _checked_mask(mask, inputs)
            logits = tf.cast(inputs, tf.float32) if inputs.dtype.size < 4 else inputs
            logits = tf.where(mask, logits, logits.dtype.min)
        outputs = nn.softmax(logits, self.axis, self.numerics)
        if mask is not None:
            outputs = tf.cast(tf.where(mask, outputs, tf.zeros_like(outputs)), inputs.dtype)
        outputs._keras_logits = logits
        return outputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "axis": self.axis, "numerics": self.numerics}


def _checked_mask(mask, inputs):
    """`mask` as booleans, once it is known to broadcast to `inputs`."""
    mask = tf.convert_to_tensor(mask)
    received = f"Received: inputs.shape={inputs.shape}, mask.shape={mask.shape}"
    if len(mask.shape) > len(inputs.shape):
        raise ValueError(f"mask must be broadcastable to inputs and must not have more dimensions. {received}")
    for mask_size, size in zip(reversed(mask.shape), reversed(inputs.shape), strict=False):
        if None not in (mask_size, size) and mask_size not in (1, size):
            raise ValueError(f"mask must be broadcastable to inputs. {received}")
    return mask if mask.dtype == tf.bool else tf.cast(mask, tf.float32) > 0.5
