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

ATTRIBUTED = tuple(Attribution(probe, "float32", "1.5.1", "order of summation", _LANES) for probe in _BY_LANES)
"""Each has its test in ``tests/atlas/test_attributions.py``, which holds every output that moved."""
