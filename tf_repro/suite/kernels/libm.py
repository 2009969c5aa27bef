"""The C library's ``exp`` of a float: what Eigen calls for entries that fill no packet."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

# glibc since 2.27, and the others that took Arm's optimised routines: exp(x) = 2^(k/32) · 2^(r/32) with whole k and
# |r| ≤ 1/2, a table of 2^(i/32) and a cubic for the rest, in float64. Its last bits never reach the float's: with
# fused multiply-add or without, the results are equal for one float in seven of all from -104 to 0. They are the
# correctly rounded exp but for 97 052 of 315 million.
INTERVALS = 32
CUBIC = [
    float.fromhex(coefficient) / INTERVALS**power
    for power, coefficient in ((3, "0x1.c6af84b912394p-5"), (2, "0x1.ebfce50fac4f3p-3"), (1, "0x1.62e42ff0c52d6p-1"))
]
INTERVALS_PER_UNIT = INTERVALS * float.fromhex("0x1.71547652b82fep+0")  # log2(e)
UNDERFLOW = -104.0  # below log(2^-150), half the smallest float, the result is 0


def _power_of_two(i: int, digits: int = 80) -> float:
    """``2^(i/32)``, correctly rounded: the thirty-second root of an integer, by five integer square roots."""
    root = 1 << (i + INTERVALS * digits)
    for _ in range(5):
        root = math.isqrt(root)
    return float(root / 2**digits)


POWERS = np.array([_power_of_two(i) for i in range(INTERVALS)])


def expf(x: Array) -> Array:
    """``exp(x)`` as glibc rounds it.

    Args:
        x: float32[...], at most 0, or nan.

    Returns:
        float32[...], in [0, 1]; nan where `x` is.

    Example:
        >>> expf(np.float32([0, -0.75, -200, -np.inf]))
        array([1.        , 0.47236654, 0.        , 0.        ], dtype=float32)
    """
    exponent = np.where(x >= UNDERFLOW, x, 0).astype(np.float64) * INTERVALS_PER_UNIT
    whole = np.rint(exponent)
    r = exponent - whole
    k = whole.astype(np.int64)
    power = np.ldexp(POWERS[k % INTERVALS], k // INTERVALS)
    value = ((CUBIC[0] * r + CUBIC[1]) * (r * r) + (CUBIC[2] * r + 1)) * power
    return np.where(np.isnan(x), x, np.where(x >= UNDERFLOW, value, 0).astype(np.float32))
