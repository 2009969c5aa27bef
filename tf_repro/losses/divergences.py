"""Divergences of a model's probabilities from a teacher's, and their entropy, as Keras losses of logits."""

from typing import Any

import tensorflow as tf

from tf_repro import nn
from tf_repro.keras_backend import keras
from tf_repro.losses.base import LogitsLoss
from tf_repro.nn.arguments import checked_real
from tf_repro.nn.divergences import DIRECTIONS


class _TemperedLoss(LogitsLoss):
    """What the losses below share."""

    def __init__(self, from_logits: bool, axis: int | tuple[int, ...], temperature: float, **kwargs: Any) -> None:
        super().__init__(from_logits, axis, **kwargs)
        self.temperature = checked_real(temperature, "temperature", "a number above 0", 0.0, exclusive=True)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "temperature": self.temperature}

    def target_logits(self, y_true: Any, y_pred: tf.Tensor) -> tf.Tensor:
        """The teacher's logits in the dtype of the loss, or those behind its softmax; it is not trained."""
        target = tf.stop_gradient(tf.cast(self.logits_of(y_true, "y_true"), self.dtype))
        if not target.shape.is_compatible_with(y_pred.shape):
            raise ValueError(
                f"y_true and y_pred must have the same shape. Received: y_true of {target.shape}, "
                f"y_pred of {y_pred.shape}"
            )
        return target


@keras.saving.register_keras_serializable("tf_repro")
class KLDivergence(_TemperedLoss):
    """Kullback-Leibler divergence of the model's probabilities from a teacher's, both given as logits.

    Formula: ``Σ p·log(p/q)`` with ``p = softmax(y_true / temperature)`` and ``q = softmax(y_pred / temperature)``.

    ``keras.losses.KLDivergence`` takes probabilities, clips them at 1e-7, and loses the digits of a small divergence.
    This takes logits on both sides, and its value and gradient are right to 1e-6 whatever they are. Where the
    temperature is high the gradient is as small as its square; multiply the loss by that square to weigh it against
    one of labels, by ``loss_weights`` of ``compile`` say.

    Args:
        from_logits: must be True. It is there so that the losses of this package have the same options.
        temperature: float above 0, which both sides' logits are divided by.
        direction: ``"forward"`` for KL(teacher‖model), ``"reverse"`` for KL(model‖teacher).
        axis: int, the axis of the classes, or a tuple of several, whose entries together are the classes.
        reduction: as in ``keras.losses.Loss``.
        name: str.
        dtype: the losses' dtype; ``keras.config.floatx()`` if None. Logits are converted to it.

    Call arguments:
        y_true: the teacher's logits, in the shape of ``y_pred``; it has no gradient.
        y_pred: logits, floating-point ``[..., classes, ...]``.
        sample_weight: broadcasts to the losses, or None.

    Returns:
        Scalar, or with ``reduction="none"`` the losses in the shape of the logits without ``axis``, in ``dtype``.

    Raises:
        ValueError: an option is out of range, or the shapes do not fit.

    References:
        `tf_repro.nn.kl_divergence_with_logits`, which computes it and says what becomes of -inf and nan.

    Example:
        >>> loss = KLDivergence(temperature=2.0)
        >>> print(f"{loss([[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.001]]):.4e}")
        3.1240e-08
    """

    def __init__(
        self,
        from_logits: bool = True,
        temperature: float = 1.0,
        direction: str = "forward",
        axis: int | tuple[int, ...] = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "kl_divergence",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, axis, temperature, reduction=reduction, name=name, dtype=dtype)
        if direction not in DIRECTIONS:
            raise ValueError(f"direction must be one of {DIRECTIONS}. Received: direction={direction!r}")
        self.direction = direction

    def call(self, y_true: Any, y_pred: tf.Tensor) -> tf.Tensor:
        target = self.target_logits(y_true, y_pred)
        return nn.kl_divergence_with_logits(target, y_pred, self.axis, self.temperature, self.direction)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "direction": self.direction}


@keras.saving.register_keras_serializable("tf_repro")
class JSDivergence(_TemperedLoss):
    """Jensen-Shannon divergence between the model's probabilities and a teacher's, both given as logits.

    Formula: ``½·KL(p‖m) + ½·KL(q‖m)`` with ``m = ½·(p + q)``; at most log 2, also where a class is ruled out.

    Args:
        from_logits: must be True. It is there so that the losses of this package have the same options.
        temperature: float above 0, which both sides' logits are divided by.
        axis: int, the axis of the classes, or a tuple of several, whose entries together are the classes.
        reduction: as in ``keras.losses.Loss``.
        name: str.
        dtype: the losses' dtype; ``keras.config.floatx()`` if None. Logits are converted to it.

    Call arguments:
        y_true: the teacher's logits, in the shape of ``y_pred``; it has no gradient.
        y_pred: logits, floating-point ``[..., classes, ...]``.
        sample_weight: broadcasts to the losses, or None.

    Returns:
        Scalar, or with ``reduction="none"`` the losses in the shape of the logits without ``axis``, in ``dtype``.

    Raises:
        ValueError: an option is out of range, or the shapes do not fit.

    References:
        `tf_repro.nn.js_divergence_with_logits`, which computes it.

    Example:
        >>> print(f"{JSDivergence()([[0.0, 200.0]], [[200.0, 0.0]]):.4f}")
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = True,
        temperature: float = 1.0,
        axis: int | tuple[int, ...] = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "js_divergence",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, axis, temperature, reduction=reduction, name=name, dtype=dtype)

    def call(self, y_true: Any, y_pred: tf.Tensor) -> tf.Tensor:
        return nn.js_divergence_with_logits(self.target_logits(y_true, y_pred), y_pred, self.axis, self.temperature)


@keras.saving.register_keras_serializable("tf_repro")
class Entropy(_TemperedLoss):
    """Entropy of the model's probabilities, which training makes small; its negative is a confidence penalty.

    Formula: ``-Σ q·log q`` with ``q = softmax(y_pred / temperature)``, in nats. ``y_true`` is not read: examples
    without labels are what it is for.

    Args:
        from_logits: must be True. It is there so that the losses of this package have the same options.
        temperature: float above 0, which the logits are divided by.
        axis: int, the axis of the classes, or a tuple of several, whose entries together are the classes.
        reduction: as in ``keras.losses.Loss``.
        name: str.
        dtype: the losses' dtype; ``keras.config.floatx()`` if None. Logits are converted to it.

    Call arguments:
        y_true: anything.
        y_pred: logits, floating-point ``[..., classes, ...]``.
        sample_weight: broadcasts to the losses, or None.

    Returns:
        Scalar, or with ``reduction="none"`` the losses in the shape of the logits without ``axis``, in ``dtype``.

    Raises:
        ValueError: an option is out of range.

    References:
        `tf_repro.nn.entropy_with_logits`, which computes it.
        Grandvalet and Bengio, "Semi-supervised learning by entropy minimization" (2004).
        Pereyra et al., "Regularizing neural networks by penalizing confident output distributions" (2017).

    Example:
        >>> print(f"{Entropy()([0], [[0.0, 30.0]]):.4e}")
        2.9009e-12
    """

    def __init__(
        self,
        from_logits: bool = True,
        temperature: float = 1.0,
        axis: int | tuple[int, ...] = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, axis, temperature, reduction=reduction, name=name, dtype=dtype)

    def call(self, y_true: Any, y_pred: tf.Tensor) -> tf.Tensor:
        return nn.entropy_with_logits(y_pred, self.axis, self.temperature)
