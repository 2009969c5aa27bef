"""Which value of one program is which of the other: by the numbers, up to rounding."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

import numpy as np

from tf_repro.migrate.bisection.trace import SOURCES, Ref, Trace

CLOSE = (2.0**-19, 2.0**-16, 2.0**-13)
"""Tolerances that are tried in turn, relative to the largest element: 16, 128 and 1024 ULP of float32."""
CONSTANT = SOURCES | {"Fill", "ZerosLike", "OnesLike", "Zeros", "Ones"}


class Matches:
    """The values that both programs have.

    Args:
        legacy: the TF1 program's trace.
        port: the port's.
        close: how far apart, relative to the largest element, two values may be.
        variables: TF1 variable to port variable.
    """

    def __init__(self, legacy: Trace, port: Trace, close: float, variables: Mapping[str, str]) -> None:
        self.legacy, self.port, self.close, self.variables = legacy, port, close, variables
        self.of_legacy: dict[Ref, list[Ref]] = {}
        self.of_port: dict[Ref, list[Ref]] = {}
        index: dict[tuple[object, ...], list[tuple[float, Ref]]] = {}
        for ref in port.refs():
            value = port.value(ref)
            if value is not None and value.dtype.kind in "fiub" and _tells(port, ref, value):
                index.setdefault(form(value), []).append((_size(value), ref))
        for entries in index.values():
            entries.sort()
        for ref in legacy.refs():
            value = legacy.value(ref)
            if value is not None and value.dtype.kind in "fiub" and _tells(legacy, ref, value):
                for other in self._near(value, index.get(form(value), [])):
                    self.of_legacy.setdefault(ref, []).append(other)
                    self.of_port.setdefault(other, []).append(ref)

    def _near(self, value: np.ndarray, entries: list[tuple[float, Ref]]) -> list[Ref]:
        size = _size(value)
        slack = size * self.close + 1e-30
        found = []
        for n in range(bisect_left(entries, (size - slack, Ref(-1))), len(entries)):
            other_size, ref = entries[n]
            if other_size > size + slack:
                break
            other = self.port.value(ref)
            if other is not None and are_close(value, other, self.close):
                found.append(ref)
        return sorted(found)


def are_close(a: np.ndarray, b: np.ndarray, close: float) -> bool:
    """Whether two arrays of one form are equal up to rounding; axes of length one do not count.

    Example:
        >>> import numpy as np
        >>> are_close(np.float32([1.0, 0.0]), np.float32([1.0000001, 0.0]), 2.0**-19)
        True
    """
    if a.size != b.size:
        return False
    left, right = np.asarray(a, np.float64).ravel(), np.asarray(b, np.float64).ravel()
    largest = np.max(np.abs(left), initial=0.0)
    with np.errstate(invalid="ignore"):
        apart = np.abs(left - right)
        return bool(np.all((apart <= close * largest) | (left == right) | (np.isnan(left) & np.isnan(right))))


def _tells(trace: Trace, ref: Ref, value: np.ndarray) -> bool:
    """Whether equality says anything: many numbers that are all one match whatever is zero at the first time step."""
    constant = value.dtype.kind == "f" and value.size > 1 and bool(np.all(value == value.flat[0]))
    return not constant or trace.nodes[ref.node].type in CONSTANT


def form(value: np.ndarray) -> tuple[object, ...]:
    """What two values must share to be compared: the kind of number and the axes longer than one."""
    return (value.dtype.kind, *(length for length in value.shape if length != 1))


def _size(value: np.ndarray) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        size = float(np.max(np.abs(np.asarray(value, np.float64)), initial=0.0))
    return size if np.isfinite(size) else 0.0
