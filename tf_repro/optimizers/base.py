"""What the optimizers share: hyperparameters, named slots, dense and sparse updates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.keras_backend import keras

_BOUNDS = {
    "positive": lambda number: number > 0,
    "positive or zero": lambda number: number >= 0,
    "negative or zero": lambda number: number <= 0,
}


class TF1Optimizer(keras.optimizers.Optimizer):
    """What the seven have in common: hyperparameters, named slots, dense and sparse updates.

    Variables may have any shape and any floating dtype; only `RMSProp` has no sparse kernel in bfloat16. A gradient has
    its variable's shape, or is a ``tf.IndexedSlices`` of some of its rows. A hyperparameter that breaks its bound
    raises :class:`.InputError`.

    Args:
        learning_rate: a number, a Keras schedule or a function without arguments.
        **kwargs: what every Keras optimizer takes: ``name``, ``clipnorm``, ``gradient_accumulation_steps``, …

    Attributes:
        hyperparameters: what the constructor takes besides ``learning_rate``.
        packet_ulp: how far one hundred float32 steps may be from TF 1.15.5; see the package.
    """

    hyperparameters: tuple[str, ...] = ()
    packet_ulp = 0

    def __init__(self, learning_rate: Any, **kwargs: Any) -> None:
        plain = isinstance(learning_rate, int) and not isinstance(learning_rate, bool)
        super().__init__(learning_rate=float(learning_rate) if plain else learning_rate, **kwargs)

    def initial_slots(self) -> Any:
        """The slots of a variable: name and the value that fills it at the start."""
        return {}

    def build(self, variables: Any) -> None:
        """Create the slots of ``variables``."""
        if self.built:
            return
        super().build(variables)
        self._slots = {
            slot: self.add_optimizer_variables(variables, slot, initializer=_Full(value))
            for slot, value in self.initial_slots().items()
        }

    def slot(self, variable: Any, name: str) -> Any:
        """The slot of a variable, as ``tf.train.Optimizer.get_slot``.

        Args:
            variable: one of those the optimizer was built with.
            name: TF1's name of the slot, such as ``"rms"``.

        Raises:
            InputError: the optimizer has no such slot, or has not been built.

        Example:
            >>> from tf_repro.optimizers import RMSProp
            >>> w = tf.Variable([1.0, 2.0])
            >>> optimizer = RMSProp(0.1)
            >>> optimizer.build([w])
            >>> optimizer.slot(w, "rms").numpy()
            array([1., 1.], dtype=float32)
        """
        if not self.built:
            raise InputError(f"slots exist once the optimizer is built. Received: {self.name}; call build(variables)")
        if name not in self._slots:
            raise InputError(f"slot must be one of {', '.join(self._slots) or 'none'}. Received: {name!r}")
        return self._slots[name][self._get_variable_index(variable)]

    def update_step(self, gradient: tf.Tensor, variable: Any, learning_rate: Any) -> None:
        """Apply ``gradient`` to ``variable`` with TF1's kernel, the sparse one for ``tf.IndexedSlices``."""
        if isinstance(variable, keras.Variable):
            variable = variable.value
        dtype = variable.dtype.base_dtype
        rate = tf.cast(learning_rate, dtype)
        slots = [self.slot(variable, name).value.handle for name in self._slots]
        if isinstance(gradient, tf.IndexedSlices):
            self.apply_sparse(variable, slots, rate, tf.cast(gradient, dtype))
        else:
            self.apply_dense(variable.handle, slots, rate, tf.cast(gradient, dtype))

    def apply_dense(self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor) -> None:
        """Call the dense training kernel."""
        raise NotImplementedError

    def apply_sparse(self, variable: Any, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor) -> None:
        """Sum the slices of one row, as TF1 does, and call the sparse training kernel."""
        rows, places = tf.unique(gradient.indices)
        summed = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(rows))
        self.apply_rows(variable.handle, slots, rate, summed, rows)

    def apply_rows(
        self, handle: tf.Tensor, slots: Sequence[tf.Tensor], rate: tf.Tensor, gradient: tf.Tensor, rows: tf.Tensor
    ) -> None:
        """Call the sparse training kernel on rows of which each occurs once."""
        raise NotImplementedError

    def cast(self, dtype: Any, *names: Any) -> Any:
        """Hyperparameters as scalars of ``dtype``, by way of float32 as in TF1."""
        return {name: tf.cast(tf.constant(getattr(self, name), tf.float32), dtype) for name in names}

    def get_config(self) -> Any:
        """Everything the constructor takes."""
        config = super().get_config()
        if not self.weight_decay:
            config.pop("weight_decay", None)
        return config | {name: getattr(self, name) for name in self.hyperparameters}

    def _require(self, bound: Any, **numbers: Any) -> None:
        for name, number in numbers.items():
            if not _BOUNDS[bound](number):
                raise InputError(f"{name} must be {bound}. Received: {name}={number}")


class _Full(keras.initializers.Initializer):
    """One number everywhere, rounded once, to the slot's own dtype (Keras' ``Constant`` goes by way of float32)."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return tf.fill(shape, tf.constant(self.value, dtype or tf.float32))
