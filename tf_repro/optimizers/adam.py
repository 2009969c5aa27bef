"""Adam with the powers of β that TF1 accumulates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tf_repro.keras_backend import keras
from tf_repro.optimizers.base import TF1Optimizer


@keras.saving.register_keras_serializable("tf_repro")
class Adam(TF1Optimizer):
    """``tf.train.AdamOptimizer``: powers of β accumulate in float32 and ε is 1e-8 (Keras' is 1e-7).

    Formula, at step t::

        m ← beta1 · m + (1 - beta1) · g
        v ← beta2 · v + (1 - beta2) · g²
        w ← w - learning_rate · √(1 - beta2ᵗ) / (1 - beta1ᵗ) · m / (√v + epsilon)

    Args:
        learning_rate: a number, a Keras schedule or a function without arguments.
        beta1: the decay of the first moment.
        beta2: the decay of the second moment.
        epsilon: added to the root of the second moment.
        **kwargs: those of every Keras optimizer.

    References:
        Kingma and Ba, "Adam: a method for stochastic optimization" (2015): the form before its section 2.1.

    Example:
        >>> w = tf.Variable([1.0])
        >>> Adam(0.5).apply([tf.constant([4.0])], [w])
        >>> round(float(w.numpy()[0]), 6)
        0.5
    """

    hyperparameters = ("beta1", "beta2", "epsilon")
    packet_ulp = 4

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        name: str = "adam",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, name=name, **kwargs)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def initial_slots(self) -> Any:
        return {"m": 0.0, "v": 0.0}

    def build(self, variables: Any) -> None:
        """Create the slots of ``variables`` and the powers of β, which all share."""
        if self.built:
            return
        super().build(variables)
        self.powers = {
            name: self.add_variable(
                (),
                keras.initializers.Constant(getattr(self, name)),
                dtype="float32",
                aggregation="only_first_replica",
                name=f"{name}_power",
            )
            for name in ("beta1", "beta2")
        }

    def apply_dense(self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor) -> None:
        tf.raw_ops.ResourceApplyAdam(
            var=handle,
            m=slots[0],
            v=slots[1],
            beta1_power=tf.cast(self.powers["beta1"].value, rate.dtype),
            beta2_power=tf.cast(self.powers["beta2"].value, rate.dtype),
            lr=rate,
            grad=gradient,
            **self.cast(rate.dtype, "beta1", "beta2", "epsilon"),
        )

    def apply_rows(
        self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor, rows: tf.Tensor
    ) -> None:
        """TF1's composition: both moments decay in every row, and every row of the variable moves."""
        dtype = rate.dtype
        beta1, beta2, epsilon = self.cast(dtype, "beta1", "beta2", "epsilon").values()
        powers = {name: tf.cast(power.value, dtype) for name, power in self.powers.items()}
        scale = rate * tf.sqrt(1 - powers["beta2"]) / (1 - powers["beta1"])
        moments = []
        added = gradient * (1 - beta1), gradient * (gradient * (1 - beta2))  # in the order that TF1's graphs multiply
        for slot, beta, updates in zip(slots, (beta1, beta2), added, strict=True):
            decayed = tf.raw_ops.ReadVariableOp(resource=slot, dtype=dtype) * beta
            tf.raw_ops.AssignVariableOp(resource=slot, value=decayed)
            tf.raw_ops.ResourceScatterAdd(resource=slot, indices=rows, updates=updates)
            moments.append(tf.raw_ops.ReadVariableOp(resource=slot, dtype=dtype))
        first, second = moments
        update = scale * first / (tf.sqrt(second) + epsilon)
        tf.raw_ops.AssignSubVariableOp(resource=handle, value=update)

    def _backend_update_step(self, grads: Any, trainable_variables: Any, learning_rate: Any) -> None:
        super()._backend_update_step(grads, trainable_variables, learning_rate)
        for name, power in self.powers.items():
            power.assign(power.value * tf.constant(getattr(self, name), tf.float32))
