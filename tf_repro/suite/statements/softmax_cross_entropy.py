"""What decides the statements on the two cross-entropies."""

import numpy as np

from tf_repro.suite.derivations.softmax_cross_entropy import document_data
from tf_repro.suite.statements import agree


def decide(record):
    """The statements of the document that a number decides, from any engine's Record."""
    manual, fused, after = record["before, manual"], record["before, fused"], record["after, fused"]
    labels = document_data(len(fused["logits"]))[1]
    probabilities = manual["logits"]
    twice = cross_entropy_of(probabilities, labels)
    return {
        "network": {
            "sums": probabilities.sum(axis=1),
            "in_unit_interval": bool((probabilities > 0).all() and (probabilities < 1).all()),
            "ratio_of_costs": fused["cost"] / manual["cost"],
            "ratio_of_costs_without_minus": -fused["cost"] / manual["cost"],
            "manual_descent_lowers": _cross_entropy_falls(manual["logits"], record["after, manual"]["logits"], labels),
            "fused_descent_lowers_without_minus": _cross_entropy_falls(
                manual["logits"], record["after, manual"]["logits"], labels
            ),
            "fused_descent_lowers": bool(
                cross_entropy_of(after["logits"], labels) < cross_entropy_of(fused["logits"], labels)
            ),
            "softmax_fits_as_logits": agree(twice / manual["cost"], np.ones_like(twice), 4 * probabilities.size),
            "ratio_of_cross_entropy": cross_entropy_of(fused["logits"], labels) / manual["cost"],
        }
    }


def _cross_entropy_falls(before, after, labels):
    return bool(-(labels * np.log(after)).sum() < -(labels * np.log(before)).sum())


def cross_entropy_of(logits, labels):
    """``-Σ p ln softmax(logits)``, in the logits' dtype."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return -(labels * (shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))).sum()
