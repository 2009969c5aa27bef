"""Step sizes from accumulated squares: Adagrad, RMSProp and Adadelta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tf_repro.keras_backend import keras
from tf_repro.optimizers.base import TF1Optimizer


@keras.saving.register_keras_serializable("tf_repro")
class Adagrad(TF1Optimizer):
    """``tf.train.AdagradOptimizer``: ``a ← a + g²``, then ``w ← w - learning_rate · g / √a``; there is no ε.

    Args:
        learning_rate: a number, a Keras schedule or a function without arguments.
        initial_accumulator_value: what fills the slot ``accumulator`` at the start; positive.
        **kwargs: those of every Keras optimizer.

    Raises:
        InputError: ``initial_accumulator_value`` is not positive.

    References:
        Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning" (2011).

    Example:
        >>> w = tf.Variable([1.0])
        >>> Adagrad(1.0, initial_accumulator_value=9.0).apply([tf.constant([4.0])], [w])
        >>> round(float(w.numpy()[0]), 6)
        0.2
    """

    hyperparameters = ("initial_accumulator_value",)
    packet_ulp = 2

    def __init__(
        self, learning_rate: Any, initial_accumulator_value: float = 0.1, name: str = "adagrad", **kwargs: Any
    ) -> None:
        self._require("positive", initial_accumulator_value=initial_accumulator_value)
        super().__init__(learning_rate, name=name, **kwargs)
        self.initial_accumulator_value = initial_accumulator_value

    def initial_slots(self) -> Any:
        return {"accumulator": self.initial_accumulator_value}

    def apply_dense(self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor) -> None:
        tf.raw_ops.ResourceApplyAdagrad(var=handle, accum=slots[0], lr=rate, grad=gradient)

    def apply_rows(
        self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor, rows: tf.Tensor
    ) -> None:
        tf.raw_ops.ResourceSparseApplyAdagrad(var=handle, accum=slots[0], lr=rate, grad=gradient, indices=rows)


@keras.saving.register_keras_serializable("tf_repro")
class RMSProp(TF1Optimizer):
    """``tf.train.RMSPropOptimizer``: the mean square starts at one, and ε (1e-10) sits inside the root.

    Formula, with the mean square starting at 1::

        ms ← decay · ms + (1 - decay) · g²
        mom ← momentum · mom + learning_rate · g / √(ms + epsilon)
        w ← w - mom

    With ``centered`` the root is ``√(ms - mg² + epsilon)``, where ``mg ← decay · mg + (1 - decay) · g``.

    Args:
        learning_rate: a number, a Keras schedule or a function without arguments.
        decay: how much of the mean square is kept.
        momentum: how much of the last update is kept.
        epsilon: added to the mean square.
        centered: subtract the squared mean of the gradients from the mean square.
        **kwargs: those of every Keras optimizer.

    References:
        Hinton, Srivastava and Swersky, "Neural networks for machine learning", lecture 6e (2012).
        Graves, "Generating sequences with recurrent neural networks" (2013): centered.

    Example:
        >>> w = tf.Variable([1.0])
        >>> RMSProp(0.5, decay=0.75).apply([tf.constant([1.0])], [w])
        >>> w.numpy()
        array([0.5], dtype=float32)
    """

    hyperparameters = ("decay", "momentum", "epsilon", "centered")
    packet_ulp = 6

    def __init__(
        self,
        learning_rate: Any,
        decay: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-10,
        centered: bool = False,
        name: str = "rmsprop",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, name=name, **kwargs)
        self.decay, self.momentum, self.epsilon, self.centered = decay, momentum, epsilon, centered

    def initial_slots(self) -> Any:
        return {"rms": 1.0} | ({"mg": 0.0} if self.centered else {}) | {"momentum": 0.0}

    def apply_dense(self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor) -> None:
        kernel = tf.raw_ops.ResourceApplyCenteredRMSProp if self.centered else tf.raw_ops.ResourceApplyRMSProp
        kernel(var=handle, grad=gradient, **self._arguments(slots, rate))

    def apply_rows(
        self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor, rows: tf.Tensor
    ) -> None:
        sparse, centered = tf.raw_ops.ResourceSparseApplyRMSProp, tf.raw_ops.ResourceSparseApplyCenteredRMSProp
        (centered if self.centered else sparse)(var=handle, grad=gradient, indices=rows, **self._arguments(slots, rate))

    def _arguments(self, slots: Sequence[tf.Tensor], rate: tf.Tensor) -> Any:
        numbers = self.cast(rate.dtype, "decay", "momentum", "epsilon")
        handles = {"ms": slots[0], "mom": slots[-1]} | ({"mg": slots[1]} if self.centered else {})
        return handles | {"lr": rate, "rho": numbers.pop("decay")} | numbers


@keras.saving.register_keras_serializable("tf_repro")
class Adadelta(TF1Optimizer):
    """``tf.train.AdadeltaOptimizer``: ε is 1e-8 (Keras' is 1e-7).

    Formula, with both mean squares starting at 0::

        accum ← rho · accum + (1 - rho) · g²
        update = √(accum_update + epsilon) / √(accum + epsilon) · g
        accum_update ← rho · accum_update + (1 - rho) · update²
        w ← w - learning_rate · update

    Args:
        learning_rate: a number, a Keras schedule or a function without arguments.
        rho: how much of the two mean squares is kept.
        epsilon: added to both mean squares, inside the roots.
        **kwargs: those of every Keras optimizer.

    References:
        Zeiler, "ADADELTA: an adaptive learning rate method" (2012).

    Example:
        >>> w = tf.Variable([1.0])
        >>> Adadelta(1.0, rho=0.75, epsilon=1.0).apply([tf.constant([0.0])], [w])
        >>> w.numpy()
        array([1.], dtype=float32)
    """

    hyperparameters = ("rho", "epsilon")
    packet_ulp = 8

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-8,
        name: str = "adadelta",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, name=name, **kwargs)
        self.rho, self.epsilon = rho, epsilon

    def initial_slots(self) -> Any:
        return {"accum": 0.0, "accum_update": 0.0}

    def apply_dense(self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor) -> None:
        tf.raw_ops.ResourceApplyAdadelta(var=handle, grad=gradient, **self._arguments(slots, rate))

    def apply_rows(
        self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor, rows: tf.Tensor
    ) -> None:
        tf.raw_ops.ResourceSparseApplyAdadelta(var=handle, grad=gradient, indices=rows, **self._arguments(slots, rate))

    def _arguments(self, slots: Sequence[tf.Tensor], rate: tf.Tensor) -> Any:
        return {"accum": slots[0], "accum_update": slots[1], "lr": rate} | self.cast(rate.dtype, *self.hyperparameters)
