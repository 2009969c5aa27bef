"""Softmax regression: gradient ascent on ``Σ p ln q / O``, by hand in float64, and the document's small sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_repro.core.data import random_logits, random_samples, two_class_probabilities
from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record
from tf_repro.core.rounding import exactly
from tf_repro.suite.derivations.softmax import log_softmax

EXAMPLE = (5.0, 1.0, -1.0)
EXAMPLE_AS_COMPUTED = (5.0, 1.0, -3.0)
STEP = 0.1
REPEAT = 5000


def ascend(features: Any, labels: Any, weights: Any, step: float) -> Any:
    """One step of ascent, ``W + η (P - Q)ᵀ X / O``, and the loss before it.

    Memory is O(samples × classes): the row sums of ``P ln Q`` stand in for the diagonal of ``P ln(Q)ᵀ``.
    """
    log_q = log_softmax(features @ weights.T)
    loss = (labels * log_q).sum() / len(features)
    return weights + step * ((labels - np.exp(log_q)).T @ features) / len(features), loss


def run(*, features: Any = None, labels: Any = None, step: float = STEP, steps: int = REPEAT) -> Record:
    """The document's training in NumPy.

    Args:
        features: float64[samples, features], the constant 1 included; random by default, with labels.
        labels: float64[samples, classes], each row a distribution.
        step: the step size.
        steps: how many steps.

    Returns:
        A Record with the moments ``before`` and ``after``, each with ``w`` and ``loss``, and ``trajectory`` with the
        loss of every step.

    Example:
        >>> print(f"{run(steps=1)['before']['loss']:.6f}")  # from zeros: -ln 20
        -2.995732
    """
    if features is None:
        features, labels = random_samples()
    features = as_array("features", features, dtype="float64", ndim=2)
    labels = as_array("labels", labels, dtype="float64", ndim=2)
    w = np.zeros((labels.shape[1], features.shape[1]))
    losses = []
    for _ in range(as_count("steps", steps)):
        w, loss = ascend(features, labels, w, step)
        losses.append(loss)
    before = {"w": np.zeros_like(w), "loss": losses[0], "gradient": ascend(features, labels, np.zeros_like(w), 1.0)[0]}
    after = {
        "w": w,
        "loss": ascend(features, labels, w, step)[1],
        "gradient": ascend(features, labels, w, 1.0)[0] - w,
    }
    return Record({"before": before, "after": after, "trajectory": {"loss": np.array(losses)}})


def two_classes(probabilities: Any = None) -> Any:
    """First experiment: ``Σ p ln q`` of two classes, label ``[1, 0]``, against ``q1``."""
    probabilities = two_class_probabilities() if probabilities is None else np.asarray(probabilities, "float64")
    return {"q": probabilities[:, 0], "loss": (np.array([1.0, 0.0]) @ np.log(probabilities).T)}


def label_probability(logits: Any = None, labels: Any = None) -> Any:
    """Second experiment: the label's probability against ``Σ p ln q``, 5000 samples of 20 classes."""
    if logits is None:
        logits, labels = random_logits()
    log_q = log_softmax(np.asarray(logits, "float64"))[np.arange(len(logits)), labels]
    return {"q": np.exp(log_q), "loss": log_q}


def example() -> dict[str, Any]:
    """The document's worked sums: softmax of three numbers, bits of 26 letters, three logarithms."""
    q, p = np.array([0.2, 0.6, 0.2]), np.array([0.0, 1.0, 0.0])
    exponents = np.array(EXAMPLE)
    return {
        "softmax": np.exp(log_softmax(exponents)),
        "softmax_of_5_1_-3": np.exp(log_softmax(np.array(EXAMPLE_AS_COMPUTED))),
        "shares_without_exp": exponents / exponents.sum(),
        "bits": np.log2(26.0),
        "ln": np.log([0.6, 0.8, 0.9]),
        "likelihood": (p * np.log(q)).sum(),
        "cross_entropy": (p * np.log(1 / q)).sum(),
    }


def bounds(precision: str, data: str = "digits") -> dict[str, dict[str, Any]]:
    """How far any evaluation may be off; see :class:`tf_repro.core.rounding.Rounded`."""
    number = exactly(precision)
    powers = np.exp(number(EXAMPLE) - max(EXAMPLE))
    q, p = number([0.2, 0.6, 0.2]), np.array([0.0, 1.0, 0.0])
    ratio = (p * np.log(q)).sum() / (p * np.log(1 / q)).sum()
    features, labels = random_samples()
    ones = np.exp(number(np.zeros_like(labels)))
    mean = (number(labels) - ones / ones.sum(axis=1, keepdims=True)).T @ features / len(features)
    summed = (number(labels) - 1 / labels.shape[1]).T @ features
    factor = abs(summed).sum() / abs(mean).sum()
    return {
        "example": {
            "sum": (powers / powers.sum()).sum(),
            "likelihood_over_cross_entropy": ratio,
            "likelihood_over_cross_entropy_with_minus": -ratio,
        },
        "before": {
            "gradient_difference": abs(mean * len(features) - summed).max() / abs(summed).max(),
            "summed_over_mean": factor,
            "summed_over_mean_times_samples": factor / len(features),
        },
    }
