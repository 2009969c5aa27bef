"""Softmax's Jacobian and the three-layer network's backward pass, by hand in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_repro.core.data import initial_weights, load_digits
from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record
from tf_repro.core.rounding import exactly
from tf_repro.suite.derivations.network import network
from tf_repro.suite.derivations.softmax import jacobian, naive_softmax, softmax

LOGITS = (0.5, -1.0, 2.0, 0.0, 1.5, -0.5, 3.0, -2.0, 1.0, 0.25)
LARGE = (1000.0, 2000.0, 3000.0, 4000.0, 5000.0)


def at_logits(logits: Any = LOGITS) -> Any:
    """Softmax and its Jacobian at ``logits``, float64[n]."""
    z = as_array("logits", logits, dtype="float64", ndim=1)
    y = softmax(z)
    return {"logits": z, "y": y, "jacobian": jacobian(y)}


def overflow(large: Any = LARGE) -> Any:
    """The naive and the shifted softmax of ``large``, float64[m], where the naive one overflows."""
    z = as_array("large", large, dtype="float64", ndim=1)
    return {"naive": naive_softmax(z), "shifted": softmax(z)}


def run(
    *,
    features: Any = None,
    labels: Any = None,
    weights: Any = None,
    learning_rate: float = 1.0,
    steps: int = 40,
    data: str = "digits",
) -> Record:
    """Train the document's network in float64.

    Args:
        features: float64[samples, inputs]; real digits by default, with their labels.
        labels: float64[samples, classes].
        weights: the network's ``W1``, ``b1``, ``W2`` and ``b2``; ``core.data.initial_weights`` by default.
        learning_rate: the step size of the network's descent.
        steps: how many steps.
        data: which digits; see ``tf_repro.core.data.load_digits``.

    Returns:
        A Record with the moments ``before``, ``after`` (with the trained weights) and ``trajectory`` (``loss`` and
        ``accuracy`` before every step).
    """
    if features is None:
        digits = load_digits(data)
        features, labels = digits.features, digits.labels
    if weights is None:
        weights = initial_weights(features.shape[1], classes=labels.shape[1])
    weights = {name: np.asarray(value, "float64") for name, value in weights.items()}
    passes = []
    for _ in range(as_count("steps", steps)):
        passes.append(_pass(features, labels, weights))
        weights = {name: value - learning_rate * passes[-1][f"d{name}"] for name, value in weights.items()}
    return Record(
        {
            "before": passes[0],
            "after": _pass(features, labels, weights) | weights,
            "trajectory": {name: np.array([each[name] for each in passes]) for name in ("loss", "accuracy")},
        }
    )


def _pass(features: Any, labels: Any, weights: Any) -> Any:
    """A pass through the network, with its accuracy."""
    passed = network(features, labels, weights)
    return passed | {"accuracy": (passed["output"].argmax(axis=1) == labels.argmax(axis=1)).mean()}


def bounds(precision: str, data: str = "digits") -> dict[str, dict[str, Any]]:
    """How far any evaluation may be off; see :class:`tf_repro.core.rounding.Rounded`.

    Two evaluations of one gradient, by hand and by the tape, are apart by twice its bound at most.
    """
    number = exactly(precision)
    y = softmax(number(LOGITS))
    jac = jacobian(y)
    digits = load_digits(data)
    weights = initial_weights(digits.features.shape[1], classes=digits.labels.shape[1])
    lifted = {name: number(value) for name, value in weights.items()}
    passed = network(number(digits.features), number(digits.labels), lifted)
    return {
        "jacobian": {"y_sum": y.sum(), "row_sums": jac.sum(axis=1), "asymmetry": abs(jac - jac.T).max()},
        "before": {
            f"{name}_difference": abs(passed[name] - passed[name]).max() / abs(passed[name]).max()
            for name in ("delta3", "delta2", "dW1", "db1", "dW2", "db2")
        },
    }
