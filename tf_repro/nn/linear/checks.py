"""Checks that every function of a linear head makes of its arguments."""

from typing import Any

import tensorflow as tf

REDUCTIONS = ("mean", "sum", "none")


def check_sample_weight(sample_weight: tf.Tensor, features: tf.Tensor) -> None:
    """Refuse weights that do not broadcast to the examples of ``features``."""
    examples = features.shape[:-1]
    try:
        fits = tf.broadcast_static_shape(sample_weight.shape, examples).is_compatible_with(examples)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"sample_weight must broadcast to the examples {examples}. "
            f"Received: sample_weight of {sample_weight.shape}, features of {features.shape}"
        )


def check_reduction(reduction: Any) -> None:
    """Refuse what is no reduction."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {REDUCTIONS}. Received: reduction={reduction!r}")


def flat_values(values: Any) -> Any:
    """The rows of a ragged tensor; anything else as it is."""
    return values.flat_values if isinstance(values, tf.RaggedTensor) else values
