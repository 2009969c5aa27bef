"""Changes whose reason was tested: an emulation in NumPy gives the bits on both sides of them."""

from __future__ import annotations

from typing import NamedTuple


class Attribution(NamedTuple):
    """Why bits moved between two releases."""

    probe: str
    dtype: str
    release: str
    kind: str
    reason: str


_LANES = "the wheel adds eight floats at a time (AVX) where those up to 1.4 added four (SSE)"

_BY_LANES = (
    "softmax_5",
    "softmax_wide",
    "reduce_mean_all",
    "reduce_mean_rows",
    "reduce_sum_all",
    "reduce_sum_rows",
    "document_softmax_backprop",
)

_TWO_CONSTANTS = "the graph multiplies its two constants first: x · (a · 1/b), where it was a · (x · 1/b)"

_BY_TWO_CONSTANTS = ("schedule_cosine_decay", "schedule_inverse_time_decay", "schedule_natural_exp_decay")

_ONE_LESS_DECAY = "the average moves by 1 - 0.99 as float32 subtracts it, where it moved by 0.01"

ATTRIBUTED = (
    *(Attribution(probe, "float32", "1.5.1", "order of summation", _LANES) for probe in _BY_LANES),
    *(Attribution(probe, "float32", "1.6.0", "other approximation", _TWO_CONSTANTS) for probe in _BY_TWO_CONSTANTS),
    Attribution("layer_batch_normalization", "float32", "1.8.0", "other approximation", _ONE_LESS_DECAY),
)
"""Each has its test in ``tests/atlas/test_attributions.py``, which holds every output that moved."""
