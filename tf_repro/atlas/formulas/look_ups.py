"""Rows taken and rows added: products with a matrix of zeros and ones."""

from __future__ import annotations

from functools import partial

import numpy as np

from legacy_tf1.atlas.kernels import INDICES
from tf_repro.atlas.formulas.terms import Constants, Formula, Outputs
from tf_repro.core.rounding import Rounded


def segments(x: Rounded, number: Constants, indices: np.ndarray, mean: bool = False) -> Outputs:
    """``Σ x`` of the rows of one index; each row's gradient is its segment's."""
    chosen = np.arange(5)[:, None] == indices
    counts = number(chosen.sum(1, keepdims=True)) if mean else number(np.ones((5, 1)))
    value = number(chosen) @ x
    shares = number.cotangents(*value.shape) / counts if mean else number.cotangents(*value.shape)
    return {"value": value / counts if mean else value, "gradient of x": shares[indices]}


def look_up(x: Rounded, number: Constants) -> Outputs:
    """Rows of a table; the gradient adds where a row was taken more than once."""
    value = x[INDICES]
    chosen = number(np.arange(len(x))[:, None] == INDICES)
    return {"value": value, "gradient of x": chosen @ number.cotangents(*value.shape)}


FORMULAS: dict[str, Formula] = {
    "embedding_lookup": look_up,
    "scatter_nd": partial(segments, indices=INDICES),
    "unsorted_segment_sum": partial(segments, indices=INDICES),
    "segment_sum": partial(segments, indices=np.sort(INDICES)),
    "segment_mean": partial(segments, indices=np.sort(INDICES), mean=True),
}
