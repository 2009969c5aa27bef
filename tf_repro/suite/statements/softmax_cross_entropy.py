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
    manual, fused = record["before, manual"], record["before, fused"]
    labels = document_data(len(fused["logits"]))[1]
    probabilities = manual["logits"]
    twice = cross_entropy(exactly(str(probabilities.dtype))(probabilities), labels)
    own = {"manual": -(labels * np.log(probabilities)).sum(), "fused": cross_entropy(fused["logits"], labels)}
    ratio = fused["cost"] / own["fused"] / (manual["cost"] / own["manual"])
    steps = {method: record[f"after, {method}"]["b2"] - record[f"before, {method}"]["b2"] for method in own}
    ratio_of_steps = (steps["fused"] * steps["manual"]).sum() / np.square(steps["manual"]).sum()
    return {
        "examples": examples(record["stability"]),
        "network": {
            "sums": probabilities.sum(axis=1),
            "in_unit_interval": bool((probabilities > 0).all() and (probabilities < 1).all()),
            "ratio_of_costs": ratio,
            "ratio_of_costs_without_minus": -ratio,
            "manual_descent_lowers": _cross_entropy_falls(manual["logits"], record["after, manual"]["logits"], labels),
            "ratio_of_steps": ratio_of_steps,
            "ratio_of_steps_without_minus": -ratio_of_steps,
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
    return {
        "sums": np.array([small.sum(), up_to_5.sum()]),
        "within_0_and_1": bool(_between_0_and_1(small) == 3 and _between_0_and_1(up_to_5) == 5),
        "prediction_is_the_largest": int(small.argmax()) == 0 and int(up_to_5.argmax()) == 4,
        "derivative_has_two_cases": bool(np.abs(slopes - jacobian(small)).max() < step),
        "closer_is_smaller": bool((np.diff(toward) < 0).all()),
        "strictly_inside": _between_0_and_1(stability["shifted_softmax"]),
        "strictly_inside_of_small_inputs": _between_0_and_1(up_to_5),
        "manual_loss": stability["manual_cross_entropy"],
        "manual_loss_if_fused": stability["fused_cross_entropy"],
    }


def _between_0_and_1(y: Any) -> Any:
    """How many entries are above 0 and below 1."""
    return np.count_nonzero((y > 0) & (y < 1))
