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

_SOFTMAXES = ("softmax", "softmax_5", "softmax_wide")

ATTRIBUTED = tuple(Attribution(probe, "float32", "1.5.1", "order of summation", _LANES) for probe in _SOFTMAXES)
"""Each has its test in ``tests/atlas/test_attributions.py``."""
