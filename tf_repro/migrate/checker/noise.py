"""Whether two tensors are equal up to rounding: by how far rounding moves them. Imports no TensorFlow.

The measure is the program's own. Each operation's result is moved by up to a last place, at random, several times
(Monte Carlo arithmetic, as Verificarlo and CADNA do); the spread of a tensor over these runs is what rounding makes of
it, whatever cancels on the way.

References:
    Parker, "Monte Carlo Arithmetic", 1997; Denis, de Oliveira Castro, Petit, "Verificarlo", 2016.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_repro.core.ulp import spacing

RUNS = 3
"""The chance that three draws all move an element by less than a tenth of its deviation is 5e-4."""

MOST, TYPICAL = 16.0, 6.0
"""How many spreads the furthest element, and the root of the mean square, may be off.

Measured on the test set over the tensors that are not bit-equal. 25 correct ports, oneDNN on and off, 579 tensors: the
furthest element is off 0.2 spreads in the median, 2 in 99 % and 3 at most; the root of the mean square 0.03, 0.6 and 1
at most. 35 planted faults: the tensor that tells is off 2500 spreads at the least (an epsilon of 1e-5 for 1e-3). The
limits stand five times above the one and a hundred times below the other.
"""

SHARE = 1 / 8
"""An element that no draw has moved counts as moved by this share of the largest spread of its tensor."""


def is_rounding(expected: Any, received: Any, spread: Any) -> bool:
    """Whether the difference of two tensors is what rounding makes.

    Args:
        expected: float[...], or any other dtype that can be compared.
        received: the same dtype and shape.
        spread: float64[...], how far rounding moves each element.

    Example:
        >>> one = np.float32([1.0, 100.0])
        >>> is_rounding(one, np.nextafter(one, np.float32(200)), np.array([1e-7, 1e-5]))
        True
        >>> is_rounding(one, one * np.float32(1.001), np.array([1e-7, 1e-5]))
        False
    """
    expected, received, spread = np.asarray(expected), np.asarray(received), np.asarray(spread)
    if expected.dtype.kind in "biu":
        return bool((np.abs(expected.astype(float) - received.astype(float)) <= spread).all())
    agree = (expected == received) | (np.isnan(expected) & np.isnan(received))
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.where(agree, 0.0, np.abs(expected.astype(np.float64) - received.astype(np.float64)))
    if not (np.isfinite(apart).all() and np.isfinite(spread[~agree]).all()):
        return False
    spread = np.where(np.isfinite(spread), spread, 0.0)
    floor = np.nan_to_num(spacing(expected))
    local = np.maximum(np.maximum(spread, floor), SHARE * spread.max(initial=0.0))
    return bool((apart <= MOST * local).all() and _norm(apart) <= TYPICAL * _norm(np.maximum(spread, floor)))


def _norm(array: Any) -> float:
    return float(np.sqrt(np.mean(np.square(array)))) if array.size else 0.0


def spread_of(base: Any, runs: Any) -> dict[str, dict[str, Any]]:
    """How far each tensor of a run is moved in others.

    Args:
        base: a Record.
        runs: Records of the same program.
    """
    return {
        moment: {
            name: np.max([_apart(value, run[moment][name]) for run in runs], axis=0)
            for name, value in quantities.items()
            if all(name in run.get(moment, {}) and run[moment][name].shape == value.shape for run in runs)
        }
        for moment, quantities in base.items()
    }


def _apart(a: Any, b: Any) -> Any:
    if a.dtype.kind not in "biuf":
        return np.zeros(a.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(a.astype(np.float64) - b.astype(np.float64))
    return np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, apart)
