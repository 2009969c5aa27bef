"""An embedding whose matrix is the classifier's as well, and gives the loss without the logits."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tf_repro.keras_backend import keras
from tf_repro.layers.linear_loss import LinearLoss, checked_soft_cap
from tf_repro.nn.arguments import checked_bool


@keras.saving.register_keras_serializable("tf_repro")
class ReversibleEmbedding(LinearLoss, keras.layers.ReversibleEmbedding):
    """``keras.layers.ReversibleEmbedding`` that, given labels, returns the loss of its logits.

    Called with tokens it embeds them, called with ``reverse=True`` it returns logits, both as Keras' layer does.
    Called with features and labels it returns their softmax cross-entropy as `LinearCrossEntropy` does: the matrix
    is used as it is, never transposed or copied, and its two gradients add up. A model trains, saves and predicts by
    changing this one layer.

    The matrix stays in its own dtype under mixed precision. ``quantize`` is that of Keras' layer alone.

    Args:
        input_dim: int, the size of the vocabulary: the number of classes.
        output_dim: int, the width of the features.
        tie_weights: bool; False for a matrix of its own in reverse, as with Keras.
        logit_soft_cap: float above 0 or None; logits become ``logit_soft_cap·tanh(logits / logit_soft_cap)``.
        ignore_class, label_smoothing, reduction, chunk_size: as in `LinearCrossEntropy`.
        class_weight, z_loss, metrics: as in `LinearCrossEntropy`.
        **kwargs: of ``keras.layers.ReversibleEmbedding``.

    Call arguments:
        inputs: integer tokens ``[...]``, or float features ``[..., output_dim]`` with ``reverse=True`` or labels.
        labels: integer ``[...]`` or float ``[..., input_dim]``; None for embeddings or logits.
        sample_weight: broadcasts to ``[...]``, or None.
        reverse: bool; True for logits.
        training: with False only the loss is computed, without work for gradients until they are asked for.

    Returns:
        Features, logits, or the loss.

    Raises:
        ValueError: an option is out of range.

    References:
        Press and Wolf, "Using the output embedding to improve language models" (2017).

    Example:
        >>> tokens, labels = keras.Input((5,), dtype="int32"), keras.Input((5,), dtype="int32")
        >>> embedding = ReversibleEmbedding(100, 8, logit_soft_cap=30.0)
        >>> features = keras.layers.Dense(8)(embedding(tokens))
        >>> trainer = keras.Model([tokens, labels], embedding(features, labels))
        >>> predictor = keras.Model(tokens, embedding(features, reverse=True))
        >>> trainer.compile("adam")
        >>> text = tf.reshape(tf.range(24), (4, 6))
        >>> history = trainer.fit([text[:, :-1], text[:, 1:]], epochs=1, verbose=0)
        >>> predictor.predict(text[:, :-1], verbose=0).shape
        (4, 5, 100)
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        *,
        logit_soft_cap: float | None = None,
        ignore_class: int | None = None,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
        chunk_size: int | None = None,
        class_weight: Sequence[float] | None = None,
        z_loss: float = 0.0,
        metrics: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(
            input_dim,
            output_dim,
            tie_weights=checked_bool(tie_weights, "tie_weights"),
            logit_soft_cap=checked_soft_cap(logit_soft_cap, "logit_soft_cap"),
            **kwargs,
        )
        self._set_loss_options(ignore_class, label_smoothing, reduction, chunk_size, class_weight, z_loss, metrics)

    def build(self, inputs_shape: Any = None, labels_shape: Any = None, sample_weight_shape: Any = None) -> None:
        super().build(inputs_shape)

    def add_weight(self, *args: Any, **kwargs: Any) -> Any:
        # Cast where it is used, and not where it is read: its gradient is then accumulated in its own dtype.
        return super().add_weight(*args, **{"autocast": False, **kwargs})

    def call(
        self,
        inputs: tf.Tensor,
        labels: Any = None,
        sample_weight: Any = None,
        reverse: bool = False,
        training: bool | None = None,
        inputs_mask: Any = None,
    ) -> tf.Tensor:
        if labels is not None:
            kernel = self.embeddings if self.tie_weights else self.reverse_embeddings
            options = {"soft_cap": self.logit_soft_cap, "transpose_kernel": self.tie_weights}
            return self._loss(
                inputs, tf.convert_to_tensor(kernel), None, labels, sample_weight, inputs_mask, training, **options
            )
        if not reverse:
            return super().call(inputs)
        logits = tf.matmul(
            inputs,
            tf.cast(self.embeddings if self.tie_weights else self.reverse_embeddings, inputs.dtype),
            transpose_b=self.tie_weights,
        )
        cap = self.logit_soft_cap
        return logits if cap is None else cap * tf.tanh(logits / cap)

    def compute_output_shape(
        self, inputs_shape: Any, labels_shape: Any = None, sample_weight_shape: Any = None, reverse: bool = False
    ) -> Any:
        if labels_shape is not None:
            return tuple(inputs_shape[:-1]) if self.reduction == "none" else ()
        return tuple(super().compute_output_shape(inputs_shape, reverse))

    def compute_output_spec(
        self,
        inputs: Any,
        labels: Any = None,
        sample_weight: Any = None,
        reverse: bool = False,
        training: bool | None = None,
        inputs_mask: Any = None,
    ) -> Any:
        shape = self.compute_output_shape(inputs.shape, None if labels is None else labels.shape, None, reverse)
        return keras.KerasTensor(shape, self.compute_dtype if labels is None else "float32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._loss_config()}
