"""Softmax, its logarithm and the cross-entropies."""

from __future__ import annotations

import numpy as np

from legacy_tf1.atlas.kernels import CLASSES, LABELS
from tf_repro.atlas.formulas.terms import Constants, Formula, Outputs
from tf_repro.core.rounding import Rounded


def softmax(logits: Rounded, number: Constants) -> Outputs:
    """``y = exp(z) / Σ exp(z)``, and ``(dy - Σ dy·y)·y``."""
    y = logits.softmax()
    return {"value": y, "gradient of logits": _through_softmax(y, number.cotangents(*y.shape))}


def log_softmax(logits: Rounded, number: Constants) -> Outputs:
    """``z - max z - log Σ exp(z - max z)``, and ``dy - y·Σ dy``."""
    value = _log_softmax(logits)
    dy = number.cotangents(*value.shape)
    return {"value": value, "gradient of logits": dy - np.exp(value) * dy.sum(-1, keepdims=True)}


def cross_entropy(logits: Rounded, number: Constants) -> Outputs:
    """``-Σ p·log softmax(z)`` of rows of probabilities, and ``(softmax(z) - p)·dy``."""
    return _cross_entropy(logits, number(LABELS / LABELS.sum(1, keepdims=True)), number)


def sparse_cross_entropy(logits: Rounded, number: Constants) -> Outputs:
    """The same of classes."""
    return _cross_entropy(logits, number(np.eye(logits.shape[-1])[CLASSES]), number)


def by_hand(logits: Rounded, number: Constants) -> Outputs:
    """``-Σ p·log(softmax(z))`` as written, its gradient through the quotient."""
    p, y = number(LABELS / LABELS.sum(1, keepdims=True)), logits.softmax()
    value = -(p * np.log(y)).sum(1)
    dy = -number.cotangents(*value.shape)[:, None] * p * (1 / y)
    return {"value": value, "gradient of logits": _through_softmax(y, dy)}


def _through_softmax(y: Rounded, dy: Rounded) -> Rounded:
    return (dy - (dy * y).sum(-1, keepdims=True)) * y


def _log_softmax(z: Rounded) -> Rounded:
    shifted = z - z.max(-1, keepdims=True)
    logarithm: Rounded = np.log(np.exp(shifted).sum(-1, keepdims=True))
    return shifted - logarithm


def _cross_entropy(z: Rounded, p: Rounded, number: Constants) -> Outputs:
    value = -(p * _log_softmax(z)).sum(1)
    return {"value": value, "gradient of logits": (z.softmax() - p) * number.cotangents(*value.shape)[:, None]}


FORMULAS: dict[str, Formula] = {
    "softmax": softmax,
    "softmax_5": softmax,
    "softmax_wide": softmax,
    "log_softmax": log_softmax,
    "log_softmax_wide": log_softmax,
    "softmax_cross_entropy": cross_entropy,
    "sparse_softmax_cross_entropy": sparse_cross_entropy,
    "cross_entropy_by_hand": by_hand,
}
