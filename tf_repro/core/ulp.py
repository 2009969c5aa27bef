"""Distances between numbers in exact integers: units in the last place (ULP), for scalars and arrays alike.

A floating-point format's values, in order, are numbered by their bit patterns: neighbours are one apart, at every
magnitude and across zero. The numbers of a format of w bits fit ``uint64`` for every w up to 64, so no distance is
rounded. An integer's distance is the difference of the values.

Three questions are kept apart:

- :func:`same_bits`: equal dtype, shape and bits. ``0.0`` and ``-0.0`` are different, and so are two kinds of nan.
- :func:`distance`: steps between two numbers of one dtype. ``0.0`` and ``-0.0`` are the same number, 0 steps apart.
- :func:`difference`: where two arrays are furthest apart. Two nan in one place agree, whatever their bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_repro.core.errors import InputError

Array = np.ndarray[Any, Any]

MAX_OWN_ULP = 9_999
"""Up to how many ULP of its own an element's distance is told; of one that cancels they are millions, of no use."""

UNORDERED = 2**64 - 1
"""What :func:`distances` holds where one side alone is nan: more than any two numbers of a format are apart."""

_FRACTION_BITS = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}
_SMALLEST_EXPONENT = {"float16": -14, "bfloat16": -126, "float32": -126, "float64": -1022}
"""The exponent of the smallest normal number; numbers below it have that number's spacing."""


def same_bits(a: Any, b: Any) -> bool:
    """Whether two arrays are the same bit for bit: equal dtype, equal shape and equal bits.

    Args:
        a: an array or a scalar of a floating-point or integer type, or bool.
        b: another.

    Example:
        >>> same_bits(np.float32([1, 0]), np.float32([1, -0.0])), same_bits(np.int32(1), np.int64(1))
        (False, False)
    """
    a, b = _checked(a), _checked(b)
    return a.dtype == b.dtype and a.shape == b.shape and bool((_bits(a) == _bits(b)).all())


def distance(a: Any, b: Any) -> int | None:
    """Steps between two numbers of one dtype; 0 between two nan, None between a nan and a number.

    Args:
        a: a scalar of a floating-point or integer type, or bool.
        b: another of the same dtype.

    Raises:
        InputError: the dtypes differ, or have no ULP.

    Example:
        >>> distance(np.float32(1), np.float32(1.0000002)), distance(np.int64(2**53), np.int64(2**53 + 1))
        (2, 1)
    """
    steps = int(distances(a, b))
    return None if steps == UNORDERED and np.asarray(a).dtype.name in _FRACTION_BITS else steps


def distances(a: Any, b: Any) -> Array:
    """Steps between the elements of two arrays; 0 between two nan, :data:`UNORDERED` between a nan and a number.

    Args:
        a: an array of a floating-point or integer type, or bool.
        b: another of the same dtype, and of a shape that broadcasts with it.

    Returns:
        uint64[...], exact.

    Raises:
        InputError: the dtypes differ, or have no ULP.

    Example:
        >>> distances(np.float32([1, -1e-45]), np.float32([1, 1e-45]))
        array([0, 2], dtype=uint64)
    """
    a, b = _of_one_dtype(a, b)
    below, above = _ordinals(a), _ordinals(b)
    steps = np.asarray(np.maximum(below, above) - np.minimum(below, above))
    nan = _is_nan(a).astype(np.int8) + _is_nan(b)
    return np.where(nan == 2, np.uint64(0), np.where(nan == 1, np.uint64(UNORDERED), steps))


def spacing(value: Any) -> Any:
    """The distance from ``|value|`` to the next larger number of its dtype: one ULP, as float64.

    Args:
        value: a scalar or an array of a floating-point or integer type, or bool.

    Returns:
        float64 of the value's shape; nan for infinities and nan, and 1 for integers.

    Example:
        >>> float(spacing(np.float32(0.2))) == 2.0**-26
        True
    """
    value = _checked(value)
    if value.dtype.name not in _FRACTION_BITS:
        return np.ones(value.shape)[()]
    fraction, smallest = _FRACTION_BITS[value.dtype.name], _SMALLEST_EXPONENT[value.dtype.name]
    biased = (_magnitudes(value) >> np.uint64(fraction)).astype(np.int64)
    step = np.ldexp(1.0, np.maximum(biased, 1) - 1 + smallest - fraction)
    return np.where(_magnitudes(value) >= _infinity(value.dtype), np.nan, step)[()]


@dataclass(frozen=True)
class Difference:
    """The element in which two arrays are furthest apart.

    Attributes:
        index: where it is.
        expected: the first array's element.
        received: the second array's element.
        ulp: how many steps apart they are; None if one is not a number.
        relative: their distance over the expected element's magnitude; infinite where that is 0 or one is nan.
        scaled: the largest distance of all, in ULP of the largest element. Where terms cancel, this measures the
            rounding that ``ulp`` counts in ever smaller steps.
        count: how many elements differ.
        size: of how many.
        nan_agreements: how many of the others are nan on both sides.
    """

    index: tuple[int, ...]
    expected: float
    received: float
    ulp: int | None
    relative: float
    scaled: float
    count: int
    size: int
    nan_agreements: int = 0

    def __str__(self) -> str:
        return self.text("expected", "received")

    def text(self, expected: str, received: str) -> str:
        """The difference in words, with names for the two sides."""
        place = f"[{', '.join(map(str, self.index))}]" if self.index else "scalar"
        values = f"{expected} {_shown(self.expected)}, {received} {_shown(self.received)}"
        counted = "" if self.size == 1 else f"; {self.count} of {self.size} elements differ"
        agreeing = f", {self.nan_agreements} are nan on both sides" if self.nan_agreements else ""
        return f"{place} {values}: {self._distance()}{counted}{agreeing}"

    def _distance(self) -> str:
        if self.ulp is None:
            return "not a number on one side"
        if isinstance(self.expected, int):
            return f"{self.ulp} apart"
        if self.ulp == 0:
            return "0 ULP, zeros of different sign"
        if not np.isfinite([float(self.expected), float(self.received)]).all():
            return "infinitely far apart"
        if self.expected * self.received <= 0:
            return f"{self.scaled:.2g} ULP of the largest element, one being zero or of the other sign"
        if self.ulp > MAX_OWN_ULP:
            return f"{self.scaled:.2g} ULP of the largest element, relative error {self.relative:.2g}"
        return f"{self.ulp} ULP ({self.scaled:.2g} of the largest element's), relative error {self.relative:.2g}"


def difference(expected: Any, received: Any, scaled: bool = False) -> Difference | None:
    """The worst :class:`Difference` of two arrays; None where every element has the same bits or is nan on both sides.

    A nan on one side is worse than any distance.

    Args:
        expected: an array of a floating-point or integer type, or bool.
        received: another of the same dtype and shape.
        scaled: whether the worst element is the one at the largest distance, not the one most ULP away.

    Raises:
        InputError: the dtypes or shapes differ, or the dtype has no ULP.

    Example:
        >>> print(difference(np.float32(2), np.float32(2.0000005)))
        scalar expected 2, received 2.00000048: 2 ULP (2 of the largest element's), relative error 2.4e-07
    """
    expected, received = _of_one_dtype(expected, received)
    if expected.shape != received.shape:
        raise InputError(f"arrays to compare must be of one shape. Received: {expected.shape} and {received.shape}")
    both_nan = _is_nan(expected) & _is_nan(received)
    differs = (_bits(expected) != _bits(received)) & ~both_nan
    if not differs.any():
        return None
    places = np.flatnonzero(differs)
    a, b = expected.ravel()[places], received.ravel()[places]
    steps, gaps = distances(a, b), _gaps(a, b)
    worst = int(np.argmax(gaps if scaled else steps))
    magnitude = abs(float(a[worst]))
    return Difference(
        index=tuple(int(i) for i in np.unravel_index(places[worst], expected.shape)),
        expected=a[worst].item(),
        received=b[worst].item(),
        ulp=distance(a[worst], b[worst]),
        relative=float(gaps[worst] / magnitude) if 0 < magnitude < np.inf else float("inf"),
        scaled=float(gaps.max() / _largest_spacing(expected, received)),
        count=places.size,
        size=expected.size,
        nan_agreements=int(both_nan.sum()),
    )


def _gaps(a: Array, b: Array) -> Array:
    """The distances of the values, infinite where one side is nan."""
    if a.dtype.name not in _FRACTION_BITS:
        return distances(a, b).astype(np.float64)
    with np.errstate(invalid="ignore"):  # wider, since the largest numbers of both signs are twice as far apart
        gaps = np.abs(a.astype(np.longdouble) - b.astype(np.longdouble))
    return np.where(np.isnan(gaps), np.inf, gaps)


def _largest_spacing(expected: Array, received: Array) -> float:
    """One ULP of the largest finite element that is expected; of the received ones, where only zeros are expected."""
    for array in (expected, received):
        steps = np.asarray(spacing(array[np.asarray(_magnitudes(array)) > 0]))
        if np.isfinite(steps).any():
            return float(np.nanmax(steps))
    return float(spacing(expected.dtype.type(0)))


def _shown(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.9g}"


def _checked(value: Any) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "biu" and array.dtype.name not in _FRACTION_BITS:
        known = ", ".join(_FRACTION_BITS)
        raise InputError(f"dtype must be {known}, an integer type or bool. Received: {array.dtype}")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _of_one_dtype(a: Any, b: Any) -> tuple[Array, Array]:
    a, b = _checked(a), _checked(b)
    if a.dtype != b.dtype:
        raise InputError(f"numbers to compare must be of one dtype. Received: {a.dtype} and {b.dtype}")
    return a, b


def _bits(array: Array) -> Array:
    return array.view(f"u{array.dtype.itemsize}").astype(np.uint64)


def _magnitudes(array: Array) -> Array:
    """The bits without the sign, or an integer's own."""
    sign = np.uint64(1 << (8 * array.dtype.itemsize - 1)) if array.dtype.name in _FRACTION_BITS else np.uint64(0)
    return np.asarray(_bits(array) & ~sign)


def _infinity(dtype: Any) -> np.uint64:
    """The bits of an infinity: a full exponent and no fraction. Those above it are nan."""
    fraction = _FRACTION_BITS[dtype.name]
    return np.uint64((1 << (8 * dtype.itemsize - 1)) - (1 << fraction))


def _is_nan(array: Array) -> Array:
    if array.dtype.name not in _FRACTION_BITS:
        return np.zeros(array.shape, bool)
    return np.asarray(_magnitudes(array) > _infinity(array.dtype))


def _ordinals(array: Array) -> Array:
    """Each number's place among all of its dtype, with the smallest ones first; both zeros share one."""
    middle = np.uint64(1 << 63)
    if array.dtype.name in _FRACTION_BITS:
        magnitudes = _magnitudes(array)
        negative = _bits(array) != magnitudes
        return np.where(negative, middle - magnitudes, middle + magnitudes)
    if array.dtype.kind == "i":
        return array.astype(np.int64).view(np.uint64) ^ middle
    return array.astype(np.uint64)
