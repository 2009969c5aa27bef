"""Checks that every function of a linear head makes of its arguments."""

from typing import Any

import tensorflow as tf

from tf_repro.nn.arguments import checked_real

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


def checked_logits(logit_scale: Any, soft_cap: Any, z_loss: Any) -> dict[str, Any]:
    """The options of a `Head` that say what becomes of its logits and adds to their loss, each in its range."""
    if soft_cap is not None:
        soft_cap = checked_real(soft_cap, "soft_cap", "above 0, or None", 0.0, exclusive=True)
    return {
        "logit_scale": checked_real(logit_scale, "logit_scale", "a number above 0", 0.0, exclusive=True),
        "soft_cap": soft_cap,
        "z_loss": checked_real(z_loss, "z_loss", "a number, at least 0", 0.0),
    }
