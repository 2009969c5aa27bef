"""Metrics over the probes' three batches."""

from __future__ import annotations

import numpy as np

from legacy_tf1.atlas.composed import BATCHES, Metric
from tf_repro.atlas.formulas.terms import Constants, Formula, Outputs
from tf_repro.atlas.recordings import Array
from tf_repro.core.rounding import Rounded

THRESHOLDS = 200
BEYOND = 1e-7
"""The first threshold is so far below 0, and the last so far above 1."""

EPSILON = 1e-6
"""Added to the number of positives, and to that of the true ones."""


def auc(number: Constants) -> Outputs:
    """The area under the curve of true against false positives, by trapezoids."""
    batches = [Metric("auc", False).batch(each) for each in range(BATCHES)]
    labels, predictions = (np.concatenate(each) for each in zip(*batches, strict=True))
    inner = np.arange(1, THRESHOLDS - 1) / (THRESHOLDS - 1)
    thresholds = np.array([-BEYOND, *inner, 1 + BEYOND], np.float32)
    above = predictions > thresholds[:, None]
    y, x = _rate(above[:, labels > 0.5], EPSILON, number), _rate(above[:, labels <= 0.5], 0.0, number)
    return {"value": ((x[:-1] - x[1:]) * (y[:-1] + y[1:]) / 2).sum()}


def _rate(above: Array, shift: float, number: Constants) -> Rounded:
    """The share above each threshold; both terms of the quotient may be shifted, so that neither is 0."""
    return (number(above.sum(1)) + number(shift)) / (number(above.shape[1]) + number(EPSILON))


FORMULAS: dict[str, Formula] = {"metric_auc": auc}
