"""Follow the regularised leader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tf_repro.keras_backend import keras
from tf_repro.optimizers.base import TF1Optimizer


@keras.saving.register_keras_serializable("tf_repro")
class Ftrl(TF1Optimizer):
    """``tf.train.FtrlOptimizer``: follow the regularised leader.

    Formula, with p = ``learning_rate_power`` and the three penalties l1, l2 and shrinkage::

        a' = a + g²
        linear ← linear + g + 2 · shrinkage · w - (a'⁻ᵖ - a⁻ᵖ) / learning_rate · w
        w ← (sign(linear) · l1 - linear) / (a'⁻ᵖ / learning_rate + 2 · l2) where |linear| > l1, else 0
        a ← a'

    Args:
        learning_rate: a number, a Keras schedule or a function without arguments.
        learning_rate_power: the exponent of the accumulator; negative or zero.
        initial_accumulator_value: what fills the slot ``accum`` at the start; positive or zero.
        l1_regularization_strength: positive or zero.
        l2_regularization_strength: positive or zero.
        l2_shrinkage_regularization_strength: positive or zero; a penalty on magnitude, added to the gradient.
        **kwargs: those of every Keras optimizer.

    Raises:
        InputError: a number is out of its bounds.

    References:
        McMahan et al., "Ad click prediction: a view from the trenches" (2013).

    Example:
        >>> w = tf.Variable([0.0])
        >>> Ftrl(1.0, l1_regularization_strength=2.0).apply([tf.constant([1.0])], [w])
        >>> w.numpy()
        array([0.], dtype=float32)
    """

    hyperparameters = (
        "learning_rate_power",
        "initial_accumulator_value",
        "l1_regularization_strength",
        "l2_regularization_strength",
        "l2_shrinkage_regularization_strength",
    )
    packet_ulp = 8192  # `linear` sums terms that nearly cancel

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: Any = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        l2_shrinkage_regularization_strength: Any = 0.0,
        name: str = "ftrl",
        **kwargs: Any,
    ) -> None:
        penalties = {
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }
        self._require("positive or zero", initial_accumulator_value=initial_accumulator_value, **penalties)
        self._require("negative or zero", learning_rate_power=learning_rate_power)
        super().__init__(learning_rate, name=name, **kwargs)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        for penalty, strength in penalties.items():
            setattr(self, penalty, strength)

    def initial_slots(self) -> Any:
        return {"accum": self.initial_accumulator_value, "linear": 0.0}

    def apply_dense(self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor) -> None:
        shrinks = self.l2_shrinkage_regularization_strength > 0
        kernel = tf.raw_ops.ResourceApplyFtrlV2 if shrinks else tf.raw_ops.ResourceApplyFtrl
        kernel(var=handle, grad=gradient, **self._arguments(slots, rate))

    def apply_rows(
        self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor, rows: tf.Tensor
    ) -> None:
        shrinks = self.l2_shrinkage_regularization_strength > 0
        kernel = tf.raw_ops.ResourceSparseApplyFtrlV2 if shrinks else tf.raw_ops.ResourceSparseApplyFtrl
        kernel(var=handle, grad=gradient, indices=rows, **self._arguments(slots, rate))

    def _arguments(self, slots: Sequence[tf.Tensor], rate: tf.Tensor) -> Any:
        power, _, l1, l2, shrinkage = self.cast(rate.dtype, *self.hyperparameters).values()
        shrinks = {"l2_shrinkage": shrinkage} if self.l2_shrinkage_regularization_strength > 0 else {}
        return {"accum": slots[0], "linear": slots[1], "lr": rate, "l1": l1, "l2": l2, "lr_power": power} | shrinks
