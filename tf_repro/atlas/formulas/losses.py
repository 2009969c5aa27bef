"""Losses over all entries, as ``tf.losses`` and Keras reduce them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tf_repro.atlas.formulas.terms import Constants, Formula, Outputs, reshaped
from tf_repro.core.rounding import Rounded

LOG_EPSILON = 1e-7

Slopes = tuple[Rounded, Rounded, Rounded]
"""A loss of single entries, and its slopes by the prediction and by the label."""


def mean_of(entries: Callable[[Rounded, Rounded, Constants], Slopes]) -> Formula:
    """The mean of a loss of single entries, and its gradients."""

    def formula(predictions: Rounded, labels: Rounded, number: Constants) -> Outputs:
        loss, by_prediction, by_label = entries(predictions, labels, number)
        count = number(loss.size)
        return {
            "value": reshaped(loss, -1).sum() / count,
            "gradient of predictions": by_prediction * (number.cotangents() / count),
            "gradient of labels": by_label * (number.cotangents() / count),
        }

    return formula


def squared(p: Rounded, y: Rounded, number: Constants) -> Slopes:
    """``(p - y)²``."""
    difference = p - y
    return difference * difference, number(2) * difference, -(number(2) * difference)


def absolute(p: Rounded, y: Rounded, number: Constants) -> Slopes:
    """``|p - y|``."""
    difference = p - y
    sign = number(np.sign(difference.value))
    return abs(difference), sign, -sign


def huber(p: Rounded, y: Rounded, number: Constants) -> Slopes:
    """``(p - y)²/2``, no two of the probe being 1 apart.

    With ``q = min(|p - y|, 1)`` the loss is ``q²/2 + (|p - y| - q)``: its slope is ``1 + (q - 1)``, and rounds so.
    """
    difference = p - y
    slope = number(np.sign(difference.value)) * (1 + (abs(difference) - 1))
    return difference * difference * number(0.5), slope, -slope


def logarithmic(p: Rounded, y: Rounded, number: Constants) -> Slopes:
    """``-y·log(p + ε) - (1 - y)·log(1 - p + ε)``."""
    low, high = p + number(LOG_EPSILON), 1 - p + number(LOG_EPSILON)
    logs = np.log(low), np.log(high)
    return -(y * logs[0]) - (1 - y) * logs[1], (1 - y) / high - y / low, logs[1] - logs[0]


def hinge(p: Rounded, y: Rounded, number: Constants) -> Slopes:
    """``max(0, 1 - (2y - 1)·p)``: no entry of the probe reaches 0."""
    sides = number(2) * y - 1
    return 1 - sides * p, -sides, -(number(2) * p)


FORMULAS: dict[str, Formula] = {
    "loss_mean_squared_error": mean_of(squared),
    "loss_absolute_difference": mean_of(absolute),
    "loss_huber_loss": mean_of(huber),
    "loss_log_loss": mean_of(logarithmic),
    "loss_hinge_loss": mean_of(hinge),
    "keras_loss_MeanSquaredError": mean_of(squared),
    "keras_loss_Huber": mean_of(huber),
}
