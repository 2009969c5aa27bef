"""Whether two programs start alike: their initializers, told by what these made. Imports no TensorFlow.

The checker copies TF1's values into the port, so that what follows is compared from one start. The initializers are
compared before: a constant must be the same constant, and what is drawn must come from one distribution.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tf_repro.migrate.checker.outcome import counted, listed

SIGMAS = 6.0
"""How many deviations of its estimate a mean or a logarithm of a spread may be off: 2e-9 of correct pairs are."""
DISTANCE = math.sqrt(-math.log(1e-9 / 2) / 2)
"""The two-sample bound of Kolmogorov and Smirnov at a chance of 1e-9, before it is divided by the root of the size."""
FEWEST = 8
"""The asymptotic bounds above need some numbers; of fewer only the size is compared."""
TIMES = 100.0
"""Of fewer than eight drawn numbers the largest is hardly 100 times another eight's: for one normal number each, the
chance is 2 atan(1/100) 2/pi = 1.3 %, for two 1e-4."""


def differences(legacy: Mapping[str, np.ndarray], port: Mapping[str, np.ndarray]) -> dict[str, str]:
    """The variables whose initializers differ, and how, in words.

    Args:
        legacy: TF1's initial values by variable.
        port: what the port's variables held when they were built, under TF1's names.

    Example:
        >>> import numpy as np
        >>> drawn = np.random.RandomState(0).randn(2, 8, 8).astype(np.float32)
        >>> differences({"w": drawn[0], "v": drawn[1]}, {"w": drawn[1], "v": 0 * drawn[0]})
        {'v': 'is drawn in the TF1 program and 0 everywhere in the port'}
    """
    return {name: how for name in legacy if name in port and (how := difference(legacy[name], port[name]))}


def is_filled_later(legacy: Mapping[str, np.ndarray], port: Mapping[str, np.ndarray]) -> bool:
    """Whether the port has no initializers of its own: zeros, wherever TF1's program draws numbers.

    Such a port is a container that waits for a checkpoint's values, and nothing can be said about its initializers.
    """
    drawn = [name for name, value in legacy.items() if name in port and not _is_constant(value)]
    telling = drawn or [name for name, value in legacy.items() if name in port and value.any()]
    return bool(telling) and not any(port[name].any() for name in telling)


def difference(legacy: np.ndarray, port: np.ndarray) -> str:
    """How two initializers differ, in words; empty where nothing tells them apart."""
    if legacy.shape != port.shape or np.array_equal(legacy, port) or not legacy.size:
        return ""
    if legacy.dtype.kind not in "fiu" or not (np.isfinite(legacy).all() and np.isfinite(port).all()):
        return ""
    one, other = legacy.astype(np.float64).ravel(), port.astype(np.float64).ravel()
    if _is_constant(one) and _is_constant(other) and (one.size > 1 or not (one[0] and other[0])):
        return f"is {one[0]:g} in the TF1 program and {other[0]:g} in the port" + " everywhere" * (one.size > 1)
    if _is_constant(one) != _is_constant(other):
        words = [f"{each[0]:g} everywhere" if _is_constant(each) else "drawn" for each in (one, other)]
        return f"is {words[0]} in the TF1 program and {words[1]} in the port"
    if one.size < FEWEST:
        sizes = np.abs(one).max(), np.abs(other).max()
        if max(sizes) <= TIMES * min(sizes):
            return ""
    elif not _apart(one, other):
        return ""
    return f"is drawn from {_described(one)} in the TF1 program and from {_described(other)} in the port"


def _is_constant(value: np.ndarray) -> bool:
    return bool((value == value.flat[0]).all()) if value.size else True


def _apart(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether the spreads, the means or the distributions differ by more than chance makes."""
    count = one.size
    spreads = one.std(), other.std()
    if abs(math.log(spreads[0] / spreads[1])) > SIGMAS / math.sqrt(count):  # normal: each has variance 1 / 2n
        return True
    if abs(one.mean() - other.mean()) > SIGMAS * math.hypot(*spreads) / math.sqrt(count):
        return True
    points = np.concatenate([one, other])
    shares = [np.searchsorted(np.sort(each), points, side="right") / count for each in (one, other)]
    return bool(np.abs(shares[0] - shares[1]).max() > DISTANCE * math.sqrt(2 / count))


def _described(value: np.ndarray) -> str:
    return f"{value.min():.3g} … {value.max():.3g} (mean {value.mean():.3g}, deviation {value.std():.3g})"


def sentence(found: Mapping[str, str], mapping: Mapping[str, str]) -> str:
    """What differs, the first in full."""
    name, how = next(iter(found.items()))
    shown = name if mapping.get(name, name) == name else f"{name} ({mapping[name]} in the port)"
    more = "" if len(found) == 1 else f"; other initializers too: {listed(list(found)[1:])}"
    return (
        f"{counted(len(found), 'initializer')} of {len(mapping)} differ{'s' * (len(found) == 1)}: {shown} {how}{more}"
    )
