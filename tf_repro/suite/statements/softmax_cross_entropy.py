"""What decides the statements on the two cross-entropies."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_repro.core.rounding import exactly
from tf_repro.suite.derivations.network import cross_entropy
from tf_repro.suite.derivations.softmax import jacobian, softmax
from tf_repro.suite.derivations.softmax_cross_entropy import document_data


def decide(record: Any) -> dict[str, dict[str, Any]]:
    """The statements of the document that a number decides, from any engine's Record."""
    manual, fused, after = record["before, manual"], record["before, fused"], record["after, fused"]
    labels = document_data(len(fused["logits"]))[1]
    probabilities = manual["logits"]
    twice = cross_entropy(exactly(str(probabilities.dtype))(probabilities), labels)
    own = {"manual": -(labels * np.log(probabilities)).sum(), "fused": cross_entropy(fused["logits"], labels)}
    ratio = fused["cost"] / own["fused"] / (manual["cost"] / own["manual"])
    return {
        "examples": examples(record["stability"]),
        "network": {
            "sums": probabilities.sum(axis=1),
            "in_unit_interval": bool((probabilities > 0).all() and (probabilities < 1).all()),
            "ratio_of_costs": ratio,
            "ratio_of_costs_without_minus": -ratio,
            "manual_descent_lowers": _cross_entropy_falls(manual["logits"], record["after, manual"]["logits"], labels),
            "fused_descent_lowers_without_minus": _cross_entropy_falls(
                manual["logits"], record["after, manual"]["logits"], labels
            ),
            "fused_descent_lowers": bool(
                cross_entropy(after["logits"], labels) < cross_entropy(fused["logits"], labels)
            ),
            "softmax_fits_as_logits": bool(twice.contains(manual["cost"])),
            "ratio_of_cross_entropy": fused["cost"] / (labels * np.log(softmax(fused["logits"]))).sum(),
        },
    }


def _cross_entropy_falls(before: Any, after: Any, labels: Any) -> Any:
    return bool(-(labels * np.log(after)).sum() < -(labels * np.log(before)).sum())


def examples(stability: Any) -> Any:
    """Softmax of the note's three inputs, its derivative, and what the distance of distributions says."""
    small, up_to_5 = softmax(np.array([3.0, 1.0, -3.0])), softmax(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    step = 1e-6
    eye = np.eye(3)
    slopes = np.array(
        [(softmax(np.log(small) + step * e) - softmax(np.log(small) - step * e)) / (2 * step) for e in eye]
    )
    target = np.array([0.7, 0.2, 0.1])
    toward = [-(target * np.log((1 - t) * small + t * target)).sum() for t in np.linspace(0, 1, 11)]
    large = stability["shifted_softmax"]
    with np.errstate(divide="ignore"):
        manual = -np.log(up_to_5)
    return {
        "sums": np.array([small.sum(), up_to_5.sum()]),
        "within_0_and_1": bool(((small > 0) & (small < 1)).all() and ((up_to_5 > 0) & (up_to_5 < 1)).all()),
        "prediction_is_the_largest": int(small.argmax()) == 0 and int(up_to_5.argmax()) == 4,
        "derivative_has_two_cases": bool(np.abs(slopes - jacobian(small)).max() < step),
        "closer_is_smaller": bool((np.diff(toward) < 0).all()),
        "large_within_0_and_1": bool(((large > 0) & (large < 1)).all()),
        "large_within_0_and_1_of_small_inputs": bool(((up_to_5 > 0) & (up_to_5 < 1)).all()),
        "shift_saves_the_manual_way": bool(np.isfinite(stability["manual_cross_entropy"])),
        "shift_saves_the_manual_way_of_small_inputs": bool(np.isfinite(manual).all()),
    }
