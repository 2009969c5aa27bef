"""What the formulas share: reshaping of bounded numbers, and the probes' cotangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from legacy_tf1.atlas.inputs import normal
from tf_repro.core.rounding import Rounded

Outputs = dict[str, Rounded]
Formula = Callable[..., Outputs]


class Constants(NamedTuple):
    """Makes constants of a precision: ``number(0.5)``."""

    precision: str

    def __call__(self, values: Any) -> Rounded:
        """The values, each rounded to the precision, and then exact."""
        return Rounded(np.asarray(values, self.precision), precision=self.precision)

    def cotangents(self, *shape: int) -> Rounded:
        """The upstream gradient that every probe is given."""
        return self(normal(99, *shape))


def reshaped(x: Rounded, *shape: int) -> Rounded:
    """As ``numpy.reshape``."""
    return Rounded(x.value.reshape(shape), x.error.reshape(shape), x.precision)


def transposed(x: Rounded, *axes: int) -> Rounded:
    """As ``numpy.transpose``."""
    return Rounded(x.value.transpose(axes), x.error.transpose(axes), x.precision)


def stacked(parts: Sequence[Rounded], axis: int = 0) -> Rounded:
    """As ``numpy.stack``."""
    return Rounded(
        np.stack([part.value for part in parts], axis),
        np.stack([part.error for part in parts], axis),
        parts[0].precision,
    )


def padded(x: Rounded, *widths: tuple[int, int]) -> Rounded:
    """As ``numpy.pad`` with zeros."""
    return Rounded(np.pad(x.value, widths), np.pad(x.error, widths), x.precision)


def product(x: Rounded, axis: int) -> Rounded:
    """The product along an axis, in any order."""
    parts = [x[(slice(None),) * axis + (index,)] for index in range(x.shape[axis])]
    found = parts[0]
    for part in parts[1:]:
        found = found * part
    return found


def root(x: Rounded) -> Rounded:
    """The square root."""
    found: Rounded = np.sqrt(x)
    return found
