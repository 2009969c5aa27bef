"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tf_repro.keras_backend import keras
from tf_repro.optimizers.base import TF1Optimizer


@keras.saving.register_keras_serializable("tf_repro")
class GradientDescent(TF1Optimizer):
    """``tf.train.GradientDescentOptimizer``: ``w ← w - learning_rate · g``.

    Args:
        learning_rate: a number, a Keras schedule or a function without arguments.
        **kwargs: those of every Keras optimizer.

    Example:
        >>> w = tf.Variable([1.0, 2.0])
        >>> GradientDescent(0.5).apply([tf.constant([1.0, -1.0])], [w])
        >>> w.numpy()
        array([0.5, 2.5], dtype=float32)
    """

    def __init__(self, learning_rate: Any, name: str = "gradient_descent", **kwargs: Any) -> None:
        super().__init__(learning_rate, name=name, **kwargs)

    def apply_dense(self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor) -> None:
        tf.raw_ops.ResourceApplyGradientDescent(var=handle, alpha=rate, delta=gradient)

    def apply_sparse(self, variable: Any, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor) -> None:
        variable.scatter_add(tf.IndexedSlices(-gradient.values * rate, gradient.indices))


@keras.saving.register_keras_serializable("tf_repro")
class Momentum(TF1Optimizer):
    """``tf.train.MomentumOptimizer``: ``a ← momentum · a + g``, then ``w ← w - learning_rate · a``.

    With ``use_nesterov`` the step is ``w ← w - learning_rate · (g + momentum · a)``. Keras' ``SGD`` keeps
    ``-learning_rate · a`` instead of ``a``, so the two part as soon as the learning rate changes.

    Args:
        learning_rate: a number, a Keras schedule or a function without arguments.
        momentum: how much of the accumulation is kept.
        use_nesterov: step by ``g + momentum · a`` instead of ``a``.
        **kwargs: those of every Keras optimizer.

    References:
        Polyak, "Some methods of speeding up the convergence of iteration methods" (1964).
        Sutskever et al., "On the importance of initialization and momentum in deep learning" (2013): Nesterov's.

    Example:
        >>> w = tf.Variable([1.0])
        >>> optimizer = Momentum(0.5, momentum=0.5)
        >>> for _ in range(2):
        ...     optimizer.apply([tf.constant([1.0])], [w])
        >>> w.numpy()
        array([-0.25], dtype=float32)
    """

    hyperparameters = ("momentum", "use_nesterov")

    def __init__(
        self, learning_rate: Any, momentum: float, use_nesterov: bool = False, name: str = "momentum", **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, name=name, **kwargs)
        self.momentum, self.use_nesterov = momentum, use_nesterov

    def initial_slots(self) -> Any:
        return {"momentum": 0.0}

    def apply_dense(self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor) -> None:
        tf.raw_ops.ResourceApplyMomentum(
            var=handle,
            accum=slots[0],
            lr=rate,
            grad=gradient,
            use_nesterov=self.use_nesterov,
            **self.cast(rate.dtype, "momentum"),
        )

    def apply_rows(
        self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor, rows: tf.Tensor
    ) -> None:
        tf.raw_ops.ResourceSparseApplyMomentum(
            var=handle,
            accum=slots[0],
            lr=rate,
            grad=gradient,
            indices=rows,
            use_nesterov=self.use_nesterov,
            **self.cast(rate.dtype, "momentum"),
        )
