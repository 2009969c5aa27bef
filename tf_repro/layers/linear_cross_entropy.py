"""The last linear layer of a classifier and its loss as one Keras layer."""

import tensorflow as tf

from tf_repro import nn
from tf_repro.keras_backend import keras
from tf_repro.nn.cross_entropy import check_label_smoothing


@keras.saving.register_keras_serializable("tf_repro")
class LinearCrossEntropy(keras.layers.Layer):
    """Logits ``features @ kernel + bias``, or their softmax cross-entropy without ever holding them all.

    Called with features alone it is a ``Dense`` layer and returns logits. Called with features and labels it
    returns the loss, adds it to the losses of the model, and makes its gradients a few examples at a time
    (`tf_repro.nn.linear_softmax_cross_entropy`). Both calls share one kernel, so one model trains with the
    loss and another, made of the same layers, predicts.

    The kernel and bias stay in their own dtype under mixed precision, so that their gradients are accumulated
    in float32. A Keras mask of the features and ``ignore_class`` both leave examples out of the mean.

    Args:
        units: int, the number of classes.
        use_bias: bool.
        ignore_class: int or None; the integer label of examples that do not count.
        label_smoothing: float ε in [0, 1]; the labels become ``(1 - ε)·labels + ε / units``.
        reduction: ``"mean"`` or ``"sum"`` over the examples that count.
        chunk_size: int, examples whose logits are in memory together; chosen from the sizes if None.
        kernel_initializer, bias_initializer: as in ``keras.layers.Dense``.
        kernel_regularizer, bias_regularizer: as in ``keras.layers.Dense``.
        **kwargs: of ``keras.layers.Layer``.

    Call arguments:
        features: ``[..., width]``.
        labels: integer ``[...]`` or float ``[..., units]``; None for logits.
        sample_weight: broadcasts to ``[...]``, or None.
        training: with False only the loss is computed, without work for gradients until they are asked for.

    Returns:
        Logits ``[..., units]`` in the layer's compute dtype, or a scalar loss.

    Raises:
        ValueError: an option is out of range.

    References:
        `tf_repro.nn.linear_softmax_cross_entropy`, which computes it.

    Example:
        >>> tokens = keras.Input((5,), dtype="int32")
        >>> next_tokens = keras.Input((5,), dtype="int32")
        >>> features = keras.layers.Embedding(100, 8)(tokens)
        >>> head = LinearCrossEntropy(100, name="head")
        >>> trainer = keras.Model([tokens, next_tokens], head(features, next_tokens))
        >>> predictor = keras.Model(tokens, head(features))
        >>> trainer.compile("adam")  # the head has added its loss
        >>> text = tf.reshape(tf.range(24), (4, 6))
        >>> history = trainer.fit([text[:, :-1], text[:, 1:]], epochs=1, verbose=0)
        >>> predictor.predict(text[:, :-1], verbose=0).shape
        (4, 5, 100)

    Saving either model saves the head; ``predictor.save("predictor.keras")`` is what serving needs.
    """

    def __init__(
        self,
        units,
        use_bias=True,
        ignore_class=None,
        label_smoothing=0.0,
        reduction="mean",
        chunk_size=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(units, int) or units < 1:
            raise ValueError(f"units must be a positive int. Received: units={units!r}")
        if reduction not in ("mean", "sum"):
            raise ValueError(f"reduction must be 'mean' or 'sum'. Received: reduction={reduction!r}")
        self.units = units
        self.use_bias = use_bias
        self.ignore_class = ignore_class
        self.label_smoothing = check_label_smoothing(label_smoothing)
        self.reduction = reduction
        self.chunk_size = chunk_size
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.supports_masking = True

    def build(self, features_shape, labels_shape=None, sample_weight_shape=None):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(features_shape[-1], self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            autocast=False,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                autocast=False,
            )

    def call(self, features, labels=None, sample_weight=None, training=None, features_mask=None):
        if labels is None:
            logits = keras.ops.matmul(features, keras.ops.cast(self.kernel, features.dtype))
            return logits if self.bias is None else logits + keras.ops.cast(self.bias, features.dtype)
        labels = tf.convert_to_tensor(labels)
        loss = nn.linear_softmax_cross_entropy(
            features,
            self.kernel.value,
            labels,
            None if self.bias is None else self.bias.value,
            sample_weight=_masked(sample_weight, features_mask, labels, self.ignore_class, self.reduction),
            reduction=self.reduction,
            ignore_class=self.ignore_class,
            label_smoothing=self.label_smoothing,
            chunk_size=self.chunk_size,
            recompute=training is False,
        )
        self.add_loss(loss)
        return loss

    def compute_mask(self, features, mask=None):
        return mask[0] if isinstance(mask, (list, tuple)) else mask

    def compute_output_shape(self, features_shape, labels_shape=None, sample_weight_shape=None):
        return (*features_shape[:-1], self.units) if labels_shape is None else ()

    def compute_output_spec(self, features, labels=None, sample_weight=None, training=None, features_mask=None):
        shape = self.compute_output_shape(features.shape, None if labels is None else labels.shape)
        return keras.KerasTensor(shape, self.compute_dtype if labels is None else "float32")

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "use_bias": self.use_bias,
            "ignore_class": self.ignore_class,
            "label_smoothing": self.label_smoothing,
            "reduction": self.reduction,
            "chunk_size": self.chunk_size,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
        }


def _masked(sample_weight, mask, labels, ignore_class, reduction):
    """Weights that are 0 where ``mask`` is False, and make up for that in a mean."""
    if mask is None:
        return sample_weight
    counted = tf.ones_like(mask) if ignore_class is None else tf.not_equal(labels, ignore_class)
    mask = tf.cast(mask, tf.float32)
    counted = tf.cast(counted, tf.float32)
    weight = mask if sample_weight is None else mask * tf.cast(sample_weight, tf.float32)
    if reduction == "sum":
        return weight
    return weight * tf.math.divide_no_nan(tf.reduce_sum(counted), tf.reduce_sum(counted * mask))
