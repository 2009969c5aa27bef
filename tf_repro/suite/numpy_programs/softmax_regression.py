"""The tutorial's training and experiments in NumPy: matrices, and a softmax without a shift.

The tutorial reads the loss off the diagonal of ``P ln(Q)ᵀ``, a matrix of samples × samples. Here that is done where the
training begins and ends; in between the sum of ``P`` times ``ln Q``, entry by entry, stands for it.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from tf_repro.core.data import random_logits, random_samples, two_class_probabilities
from tf_repro.core.record import Record
from tf_repro.suite.derivations import softmax_regression as derivation
from tf_repro.suite.derivations.softmax_regression import REPEAT, STEP

Matrix = np.ndarray[Any, Any]


@contextlib.contextmanager
def matrices() -> Iterator[None]:
    """While it lasts, NumPy does not warn of ``np.matrix``, which it discourages."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        yield


def matrix(array: Any) -> Matrix:
    """An ``np.matrix``, whose product is the matrix product."""
    return np.asmatrix(np.asarray(array, "float64"))


def softmax(features: Matrix, weights: Matrix) -> Matrix:
    """``e^(XWᵀ) / (e^(XWᵀ) E)``, E all ones; no row is shifted, so large features overflow."""
    powers = np.exp(features * weights.T)
    return matrix(powers / (powers * matrix(np.ones((weights.shape[0], 1)))))


def diagonal_loss(labels: Matrix, q: Matrix) -> float:
    """The mean of the diagonal of ``P ln(Q)ᵀ``."""
    return float(np.mean(np.diagonal(labels * np.log(q).T)))


def run(*, features: Any = None, labels: Any = None, step: float = STEP, steps: int = REPEAT, flag: int = 1) -> Record:
    """Train from zeros; see the module.

    Args:
        features: float64[samples, features], the constant 1 included; random by default, with labels.
        labels: float64[samples, classes].
        step: the step size.
        steps: how many steps.
        flag: 1 ascends ``Σ p ln q``; -1 descends its negative.

    Returns:
        A Record with the moments ``before``, ``after`` and ``trajectory``, as the port's.
    """
    if features is None:
        features, labels = random_samples()
    losses = np.empty(steps)
    with matrices(), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        x, p = matrix(features), matrix(labels)
        w = matrix(np.zeros((p.shape[1], x.shape[1])))
        before = _moment(x, p, w)
        for index in range(steps):
            q = softmax(x, w)
            losses[index] = flag * np.multiply(p, np.log(q)).sum() / len(p)
            gradient = flag * (p - q).T * x / len(p)
            w = w + flag * step * gradient
        return Record({"before": before, "after": _moment(x, p, w), "trajectory": {"loss": losses}})


def _moment(x: Matrix, p: Matrix, w: Matrix) -> dict[str, Any]:
    q = softmax(x, w)
    return {"w": np.asarray(w), "loss": diagonal_loss(p, q), "gradient": np.asarray((p - q).T * x / len(p))}


def example() -> dict[str, Any]:
    """The worked sums, by the definitions."""
    exponents = np.exp([5.0, 1.0, -1.0])
    as_computed = np.exp([5.0, 1.0, -3.0])
    by_hand = derivation.example()
    return by_hand | {
        "softmax": exponents / exponents.sum(),
        "softmax_of_5_1_-3": as_computed / as_computed.sum(),
        "bits": np.log2(26),
    }


def two_classes() -> dict[str, Any]:
    """First experiment: the loss of 100 random distributions over two classes, the diagonal of a 100 × 100 matrix."""
    q = two_class_probabilities()
    with matrices():
        labels = matrix(np.tile([1.0, 0.0], (len(q), 1)))
        return {"q": q[:, 0], "loss": np.asarray(np.diagonal(labels * np.log(matrix(q)).T)).ravel()}


def label_probability() -> dict[str, Any]:
    """Second experiment: the label's share of e^z, and its logarithm."""
    logits, labels = random_logits()
    powers = np.exp(logits)
    q = (powers / powers.sum(axis=1, keepdims=True))[np.arange(len(logits)), labels]
    return {"q": q, "loss": np.log(q)}
