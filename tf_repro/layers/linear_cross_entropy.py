"""The last linear layer of a classifier and its loss as one Keras layer."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tf_repro.keras_backend import keras
from tf_repro.layers.linear_loss import LinearLoss, checked_soft_cap
from tf_repro.nn.arguments import checked_bool, checked_positive, checked_real


@keras.saving.register_keras_serializable("tf_repro")
class LinearCrossEntropy(LinearLoss, keras.layers.Layer):
    """Logits ``features @ kernel + bias``, or their softmax cross-entropy without ever holding them all.

    Called with features alone it is a ``Dense`` layer and returns logits. Called with features and labels it
    returns the loss, adds it to the losses of the model, and makes its gradients a few examples at a time
    (`tf_repro.nn.linear_softmax_cross_entropy`). Both calls share one kernel, so one model trains with the
    loss and another, made of the same layers, predicts.

    With ``reduction="none"`` it returns the losses one by one and adds nothing to the model. Then they are the
    model's output, `tf_repro.losses.LossesAsOutput` takes them, and ``fit`` is given the labels as ``y`` too:
    ``sample_weight`` and ``class_weight`` of ``fit`` work as with any Keras loss. They never reach a loss that a layer
    adds, so there ``fit`` and ``evaluate`` refuse them; as they refuse Keras' own metrics of predictions, which would
    be given losses. The log-probability of each label is the negative of its loss.

    The kernel and bias stay in their own dtype under mixed precision, so that their gradients are accumulated
    in float32. A Keras mask of the features and ``ignore_class`` both leave examples out of the mean.

    Args:
        units: int, the number of classes.
        use_bias: bool.
        ignore_class: int or None; the integer label of examples that do not count.
        label_smoothing: float ε in [0, 1]; the labels become ``(1 - ε)·labels + ε / units``.
        reduction: ``"mean"`` or ``"sum"`` over the examples that count, or ``"none"``.
        chunk_size: int, examples in memory together; chosen from the sizes if None.
        logit_scale: float above 0, what the logits are multiplied by: an inverse temperature.
        soft_cap: float above 0 or None; logits become ``soft_cap·tanh(logits / soft_cap)``.
        class_weight: a float for each class, or None.
        z_loss: float λ, at least 0; adds ``λ·(log Σ exp logits)²`` to each loss.
        metrics: what ``fit`` and ``evaluate`` shall show beside the loss, made in the same pass, unweighted, over
            the examples that count: ``"accuracy"``, ``"top_5_accuracy"`` (any number), ``"log_probability"``,
            ``"log_sum_exp"``, ``"entropy"``.
        kernel_initializer, bias_initializer: as in ``keras.layers.Dense``.
        kernel_regularizer, bias_regularizer: as in ``keras.layers.Dense``.
        **kwargs: of ``keras.layers.Layer``.

    Call arguments:
        features: ``[..., width]``.
        labels: integer ``[...]`` or float ``[..., units]``; None for logits.
        sample_weight: broadcasts to ``[...]``, or None.
        training: with False only the loss is computed, without work for gradients until they are asked for.

    Returns:
        Logits ``[..., units]`` in the layer's compute dtype, or a scalar loss, or losses ``[...]``.

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
        units: int,
        use_bias: bool = True,
        ignore_class: int | None = None,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
        chunk_size: int | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        *,
        logit_scale: float = 1.0,
        soft_cap: float | None = None,
        class_weight: Sequence[float] | None = None,
        z_loss: float = 0.0,
        metrics: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = checked_positive(units, "units")
        self.use_bias = checked_bool(use_bias, "use_bias")
        self.logit_scale = checked_real(logit_scale, "logit_scale", "a number above 0", 0.0, exclusive=True)
        self.soft_cap = checked_soft_cap(soft_cap)
        self._set_loss_options(ignore_class, label_smoothing, reduction, chunk_size, class_weight, z_loss, metrics)
        if self.class_weight is not None and len(self.class_weight) != self.units:
            raise ValueError(
                f"class_weight must have a weight for each of the {self.units} classes. "
                f"Received: class_weight of length {len(self.class_weight)}"
            )
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.supports_masking = True

    def build(self, features_shape: Any, labels_shape: Any = None, sample_weight_shape: Any = None) -> None:
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

    def call(
        self,
        features: tf.Tensor,
        labels: Any = None,
        sample_weight: Any = None,
        training: bool | None = None,
        features_mask: Any = None,
    ) -> tf.Tensor:
        if labels is None:
            logits = keras.ops.matmul(features, keras.ops.cast(self.kernel, features.dtype))
            logits = logits if self.bias is None else logits + keras.ops.cast(self.bias, features.dtype)
            logits = logits if self.logit_scale == 1 else logits * self.logit_scale
            return logits if self.soft_cap is None else self.soft_cap * keras.ops.tanh(logits / self.soft_cap)
        bias = None if self.bias is None else self.bias.value
        options = {"logit_scale": self.logit_scale, "soft_cap": self.soft_cap}
        return self._loss(features, self.kernel.value, bias, labels, sample_weight, features_mask, training, **options)

    def compute_mask(self, features: Any, mask: Any = None) -> Any:
        return mask[0] if isinstance(mask, (list, tuple)) else mask

    def compute_output_shape(
        self, features_shape: Any, labels_shape: Any = None, sample_weight_shape: Any = None
    ) -> Any:
        if labels_shape is None:
            return (*features_shape[:-1], self.units)
        return tuple(features_shape[:-1]) if self.reduction == "none" else ()

    def compute_output_spec(
        self,
        features: Any,
        labels: Any = None,
        sample_weight: Any = None,
        training: bool | None = None,
        features_mask: Any = None,
    ) -> Any:
        shape = self.compute_output_shape(features.shape, None if labels is None else labels.shape)
        return keras.KerasTensor(shape, self.compute_dtype if labels is None else "float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **self._loss_config(),
            "units": self.units,
            "use_bias": self.use_bias,
            "logit_scale": self.logit_scale,
            "soft_cap": self.soft_cap,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
        }
