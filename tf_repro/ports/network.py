"""What two of the documents share: a network of two linear layers, and softmax written out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.core.inputs import Array, as_array

PARAMETERS = ("W1", "b1", "W2", "b2")


def naive_softmax(z: tf.Tensor) -> tf.Tensor:
    """``exp z / Σ exp z``, without the shift that keeps it from overflowing."""
    powers = tf.exp(z)
    return powers / tf.reduce_sum(powers)


def shifted_softmax(z: tf.Tensor) -> tf.Tensor:
    """``exp(z - max z) / Σ exp(z - max z)``."""
    return naive_softmax(z - tf.reduce_max(z))


def network_variables(weights: Any, features: Array, labels: Array) -> dict[str, tf.Variable]:
    """The network's variables, from arrays whose shapes fit each other, the features and the labels.

    Raises:
        InputError: a weight is missing or one too many, or a shape does not fit.
    """
    if not isinstance(weights, Mapping) or set(weights) != set(PARAMETERS):
        received = sorted(weights) if isinstance(weights, Mapping) else type(weights).__name__
        raise InputError(f"weights must be a dict of {', '.join(PARAMETERS)}. Received: {received}")
    arrays = {name: as_array(name, weights[name]) for name in PARAMETERS}
    hidden = arrays["b1"].shape[-1] if arrays["b1"].ndim else 0
    fitting = {
        "W1": (features.shape[1], hidden),
        "b1": (hidden,),
        "W2": (hidden, labels.shape[1]),
        "b2": (labels.shape[1],),
    }
    for name, shape in fitting.items():
        if arrays[name].shape != shape:
            raise InputError(f"{name} must have shape {shape}. Received: {arrays[name].shape}")
    if len(features) != len(labels):
        raise InputError(f"features and labels must have as many rows. Received: {len(features)} and {len(labels)}")
    return {name: tf.Variable(array) for name, array in arrays.items()}
