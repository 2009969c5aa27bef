"""The cross-entropy of a 784-1024-10 network in two ways, by hand in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record
from tf_repro.core.rounding import Rounded, exactly
from tf_repro.suite.derivations.network import cross_entropy, network
from tf_repro.suite.derivations.softmax import naive_softmax, softmax

LARGE = (1000.0, 2000.0, 3000.0, 4000.0, 5000.0)
METHODS = ("manual", "fused")


def document_data(samples: int = 8) -> Any:
    """Random images and one-hot labels, float32[samples, 784] and float32[samples, 10], from a frozen stream."""
    random = np.random.RandomState(0)
    features = random.rand(samples, 28 * 28).astype("float32")
    return features, np.eye(10, dtype="float32")[random.randint(10, size=samples)]


def initial_weights(pixels: int = 28 * 28, hidden: int = 1024, classes: int = 10) -> Any:
    """Kernels of a truncated normal with deviation 0.1 and biases of 0.1, by name.

    NumPy's draws, not TensorFlow's: the document's statements hold for any. For a truth to measure an engine by,
    hand its weights to :func:`run`.
    """
    random = np.random.RandomState(0)

    def truncated_normal(*shape: Any) -> Any:
        draws = random.standard_normal((2 * np.prod(shape),))  # 95.4 % are within two deviations
        return 0.1 * draws[np.abs(draws) < 2][: np.prod(shape)].reshape(shape)

    return {
        "W1": truncated_normal(pixels, hidden),
        "b1": np.full(hidden, 0.1),
        "W2": truncated_normal(hidden, classes),
        "b2": np.full(classes, 0.1),
    }


def run(
    *,
    features: Any = None,
    labels: Any = None,
    weights: Any = None,
    learning_rate: float = 1e-4,
    steps: int = 1,
    method: str = "manual",
) -> Record:
    """Descend the cost of one of the document's two programs.

    The manual program's cost is the cross-entropy ``-Σ p ln q``; the fused program's is minus that, so that its
    descent ascends the cross-entropy. The gradient by the output layer's input is ``±(q - p)``.

    Args:
        features: float64[samples, inputs]; :func:`document_data` by default, with labels.
        labels: float64[samples, classes].
        weights: the network's ``W1``, ``b1``, ``W2`` and ``b2``; :func:`initial_weights` by default.
        learning_rate: the step size.
        steps: how many steps of descent.
        method: ``"manual"`` or ``"fused"``.

    Returns:
        A Record with the moments ``before`` and ``after``, each with ``cost``, ``logits`` (what the program calls so),
        ``cross_entropy``, ``b2``, ``W1_corner`` and ``W2_row``.
    """
    if features is None:
        features, labels = document_data()
    features = as_array("features", features, dtype="float64", ndim=2)
    labels = as_array("labels", labels, dtype="float64", ndim=2)
    weights = {name: np.asarray(value, "float64") for name, value in (weights or initial_weights()).items()}
    sign, samples = (1 if method == "manual" else -1), len(features)

    def prints(weights: Any) -> Any:
        passed = network(features, labels, weights)
        linear = (features @ weights["W1"] + weights["b1"]) @ weights["W2"] + weights["b2"]
        return {
            "cost": sign * samples * passed["loss"],
            "logits": passed["probability"] if method == "manual" else linear,
            "cross_entropy": samples * passed["loss"],
            "b2": weights["b2"],
            "W1_corner": weights["W1"][:2, :5],
            "W2_row": weights["W2"][0],
        }

    before = prints(weights)
    for _ in range(as_count("steps", steps)):
        gradients = network(features, labels, weights)
        rate = sign * samples * learning_rate  # the gradients are the mean's, the cost is a sum
        weights = {name: value - rate * gradients[f"d{name}"] for name, value in weights.items()}
    return Record({"before": before, "after": prints(weights)})


def stability(logits: Any = LARGE, label: int = 0) -> Any:
    """Softmax and cross-entropy of large logits: naive, shifted, by hand and by ``ln Σ exp(z - max z)``."""
    z = np.asarray(logits, "float64")
    shifted = naive_softmax(z - z.max())
    target = np.eye(z.size)[label]
    with np.errstate(divide="ignore", invalid="ignore"):
        manual = -(target * np.log(shifted)).sum()
    fused = np.log(np.exp(z - z.max()).sum()) - (z - z.max())[label]
    return {
        "naive_softmax": naive_softmax(z),
        "shifted_softmax": shifted,
        "manual_cross_entropy": manual,
        "fused_cross_entropy": fused,
    }


def bounds(precision: str, data: str = "digits") -> dict[str, dict[str, Any]]:
    """How far any evaluation may be off; see :class:`tf_repro.core.rounding.Rounded`.

    Each cost is held against the cross-entropy of the program's own logits or probabilities, so that no rounding of
    the two linear layers enters. TensorFlow draws the weights, which are not at hand here: the logits are those of as
    many draws from the same distribution.
    """
    number = exactly(precision)
    images, labels = document_data()
    weights = initial_weights()
    logits = number(((images @ weights["W1"] + weights["b1"]) @ weights["W2"] + weights["b2"]).astype("float32"))
    fused, manual = cross_entropy(logits, labels), -(labels * np.log(softmax(logits))).sum()
    ratio = -fused / fused / (manual / manual)
    return {
        "examples": {"sums": _sums(number)},
        "network": {
            "sums": softmax(logits).sum(axis=1),
            "ratio_of_costs": ratio,
            "ratio_of_costs_without_minus": -ratio,
            "ratio_of_cross_entropy": fused / manual,
        },
    }


def _sums(number: Any) -> Any:
    """The bound of what the probabilities of the note's two small inputs sum to, as one array."""
    totals = [softmax(number(logits)).sum() for logits in ([3.0, 1.0, -3.0], [1.0, 2.0, 3.0, 4.0, 5.0])]
    return Rounded([t.value for t in totals], [t.error for t in totals], totals[0].precision)
