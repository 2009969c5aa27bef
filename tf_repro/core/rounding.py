"""Numbers that carry a bound on their rounding error: the computed tolerance of the whole project.

A :class:`Rounded` array is a value and an error: whatever evaluates the same formula in the precision, in any order of
its sums, with or without fused multiply-add, is no further from the value than the error. The bounds are those of
running error analysis, kept whole, not to first order:

- an operation rounds its result once: ``|fl(a ∘ b) - a ∘ b| ≤ u |a ∘ b|``; a fused multiply-add rounds less often;
- k roundings compound to at most ``γ(k) = k u / (1 - k u)``: a sum of n terms, in any order, is off by at most
  ``γ(n-1) Σ|terms|``;
- a division may be a product with a rounded reciprocal, and functions have the accuracy of :data:`ACCURACY`;
- what is smaller than the smallest normal number may be flushed to zero, whether it is given or computed;
- what may exceed the largest number has no bound: its error is infinite.

Both kinds of arithmetic go through the same derivation: a Rounded array answers NumPy's ``exp``, ``log`` and ``abs``
and the operators, so that the formulas are written once.

References:
    Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition (2002), sections 2.2, 3.1 and 3.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_repro.core.errors import InputError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Precision:
    """A floating-point format.

    Attributes:
        name: its dtype.
        unit: the unit roundoff u, half the distance from 1 to the next number.
        tiny: the smallest normal number.
        largest: the largest finite number.
        carrier: the wider format that values and errors are computed in.
    """

    name: str
    unit: float
    tiny: float
    largest: float
    carrier: type[np.floating[Any]]


PRECISIONS = {
    "float32": Precision("float32", 2.0**-24, 2.0**-126, 2.0**128 - 2.0**104, np.float64),
    "float64": Precision("float64", 2.0**-53, 2.0**-1022, np.finfo(np.float64).max, np.longdouble),
}

ACCURACY = {"divide": 5, "exp": 4, "log": 6, "sqrt": 2}
"""Relative error of each operation in units of u, at most, on any kernel that the suite runs on.

A quotient may be a product with a reciprocal, which a tf.function computes to within 4 u, and rounds once more. The
exponentials of Eigen, XLA, oneDNN and glibc are within 2 ULP, 4 u; their logarithms within 3 ULP.
``tests/core/test_rounding.py`` holds those of the TensorFlow at hand to these figures.
"""

LARGEST_DIVISOR = 2.0**96
"""A tf.function computes ``1 / x`` as a reciprocal whose last correction underflows from about 2^105 on: it was seen to
be off by a factor of 1 + 3e-4 there. A quotient with a larger divisor has no bound."""


class Rounded:
    """An array of numbers, each with a bound on how far any evaluation may be from it.

    Args:
        value: the exact result, computed in the precision's carrier.
        error: how far an evaluation may be off, at most, not negative; 0 for what is given exactly.
        precision: ``"float32"`` or ``"float64"``.

    Raises:
        InputError: the precision is unknown.

    Example:
        >>> third = Rounded(1.0, precision="float32") / Rounded(3.0, precision="float32")
        >>> bool(third.contains(np.float32(1) / np.float32(3))), bool(third.contains(0.3334))
        (True, False)
    """

    __slots__ = ("error", "precision", "value")
    __array_priority__ = 100

    def __init__(self, value: Any, error: Any = 0.0, precision: str | Precision = "float32") -> None:
        if isinstance(precision, str) and precision not in PRECISIONS:
            raise InputError(f"precision must be one of {', '.join(PRECISIONS)}. Received: {precision!r}")
        self.precision = PRECISIONS[precision] if isinstance(precision, str) else precision
        self.value: Array = np.asarray(value, self.precision.carrier)
        self.error: Array = np.broadcast_to(np.asarray(error, self.precision.carrier), self.value.shape)

    def __repr__(self) -> str:
        return f"Rounded({self.value}, ±{self.error})"

    @property
    def shape(self) -> tuple[int, ...]:
        """As of a NumPy array."""
        return tuple(self.value.shape)

    @property
    def size(self) -> int:
        """As of a NumPy array."""
        return self.value.size

    @property
    def T(self) -> Rounded:
        """As of a NumPy array."""
        return self._like(self.value.T, self.error.T)

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: Any) -> Rounded:
        return self._like(self.value[index], self.error[index])

    def contains(self, computed: Any) -> Any:
        """Whether a computed value is within the bound, element by element."""
        return np.abs(np.asarray(computed, self.precision.carrier) - self.value) <= self.error

    def __add__(self, other: Any) -> Rounded:
        other = self._lifted(other)
        return self._rounded(self.value + other.value, self.error + other.error)

    def __sub__(self, other: Any) -> Rounded:
        return self + -self._lifted(other)

    def __mul__(self, other: Any) -> Rounded:
        other = self._lifted(other)
        carried = abs(self.value) * other.error + abs(other.value) * self.error + self.error * other.error
        return self._rounded(self.value * other.value, carried)

    def __truediv__(self, other: Any) -> Rounded:
        other = self._lifted(other)
        smallest = abs(other.value) - other.error
        value = self.value / other.value
        with np.errstate(divide="ignore", invalid="ignore"):
            carried = (self.error + abs(value) * other.error) / smallest
        bounded = (smallest >= self.precision.tiny) & (abs(other.value) + other.error <= LARGEST_DIVISOR)
        return self._rounded(value, np.where(bounded, carried, np.inf), ACCURACY["divide"])

    def __radd__(self, other: Any) -> Rounded:
        return self._lifted(other) + self

    def __rsub__(self, other: Any) -> Rounded:
        return self._lifted(other) - self

    def __rmul__(self, other: Any) -> Rounded:
        return self._lifted(other) * self

    def __rtruediv__(self, other: Any) -> Rounded:
        return self._lifted(other) / self

    def __neg__(self) -> Rounded:
        return self._like(-self.value, self.error)

    def __abs__(self) -> Rounded:
        return self._like(abs(self.value), self.error)

    def __pow__(self, exponent: int) -> Rounded:
        if exponent != 2:
            raise InputError(f"the exponent must be 2. Received: {exponent!r}")
        square = self * self
        return self._like(square.value, square.error + self._gamma(ACCURACY["exp"]) * (square.value + square.error))

    def __matmul__(self, other: Any) -> Rounded:
        other = self._lifted(other)
        largest = (abs(self.value) + self.error) @ (abs(other.value) + other.error)
        carried = largest - abs(self.value) @ abs(other.value)
        return self._summed(self.value @ other.value, np.maximum(carried, 0), largest, self.shape[-1] + 1)

    def __rmatmul__(self, other: Any) -> Rounded:
        return self._lifted(other) @ self

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Rounded:
        """The sum, in any order."""
        parts = (self.value, self.error, abs(self.value) + self.error)
        value, carried, largest = (np.sum(a, axis=axis, keepdims=keepdims) for a in parts)
        return self._summed(value, carried, largest, self.size // max(1, np.size(value)))

    def mean(self, axis: int | None = None, keepdims: bool = False) -> Rounded:
        """The sum over the number of terms, or times its rounded reciprocal."""
        total = self.sum(axis, keepdims)
        return total / (self.size // max(1, total.size))

    def max(self, axis: int | None = None, keepdims: bool = False) -> Rounded:
        """The largest; comparing rounds nothing."""
        parts = (self.value, self.value + self.error, self.value - self.error)
        value, above, below = (np.max(a, axis=axis, keepdims=keepdims) for a in parts)
        return self._like(value, np.maximum(above - value, value - below))

    def softmax(self) -> Rounded:
        """Softmax along the last axis, shifted by the maximum; tighter than step by step.

        With exponents off by ``δ``, entry i is ``y_i e^δ_i / Σ y_k e^δ_k``, largest and smallest where ``δ_i`` and the
        others have opposite signs. The shift's and the exponential's roundings count as errors of the exponents:
        ``|δ_i| ≤ e_i + u (|z_i - max z| + e_i + max e) - ln(1 - γ)`` with ``γ`` the exponential's. An exponential may
        be flushed to zero; the sum is 1 at least, but for its roundings.
        """
        shifted = self.value - self.value.max(-1, keepdims=True)
        powers = np.exp(shifted)
        value = powers / powers.sum(-1, keepdims=True)
        reach = abs(shifted) + self.error + self.error.max(-1, keepdims=True)
        off = self.error + self._gamma(1) * reach - np.log1p(-self._gamma(ACCURACY["exp"]))
        up, down = np.exp(off), np.exp(-off)
        most = value * up / (value * up + (value * down).sum(-1, keepdims=True) - value * down)
        least = value * down / (value * down + (value * up).sum(-1, keepdims=True) - value * up)
        flushed = 2 * (shifted.shape[-1] + 1) * self.precision.tiny
        carried = np.maximum(most - value, value - least) + flushed
        return self._rounded(value, carried, ACCURACY["divide"] + shifted.shape[-1] - 1)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options or ufunc.__name__ not in _UFUNCS:
            return NotImplemented
        return _UFUNCS[ufunc.__name__](*(self._lifted(each) for each in inputs))

    def _exp(self) -> Rounded:
        with np.errstate(over="ignore"):
            value = np.exp(self.value)
        return self._rounded(value, value * np.expm1(self.error) + self.precision.tiny, ACCURACY["exp"])

    def _log(self) -> Rounded:
        smallest = self.value - self.error
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.log(self.value)
            carried = np.where(smallest > 0, -np.log1p(-self.error / self.value), np.inf)
        return self._rounded(value, carried, ACCURACY["log"])

    def _sqrt(self) -> Rounded:
        value = np.sqrt(self.value)
        lowest = np.sqrt(np.maximum(self.value - self.error, 0))
        return self._rounded(
            value, np.maximum(value - lowest, np.sqrt(self.value + self.error) - value), ACCURACY["sqrt"]
        )

    def _lifted(self, other: Any) -> Rounded:
        """A constant as a number of this precision: off by its own rounding, where it is no such number."""
        if isinstance(other, Rounded):
            return other
        value = np.asarray(other, self.precision.carrier)
        with np.errstate(over="ignore", invalid="ignore"):
            off = abs(value.astype(self.precision.name).astype(self.precision.carrier) - value)
        return self._like(value, np.where(abs(value) < self.precision.tiny, abs(value), off))

    def _like(self, value: Any, error: Any) -> Rounded:
        return Rounded(value, error, self.precision)

    def _gamma(self, times: float) -> float:
        """What so many roundings compound to, relatively; the carrier's own on top, a few of them for each."""
        unit = times * (self.precision.unit + 8 * float(np.finfo(self.precision.carrier).eps))
        return unit / (1 - unit)

    def _rounded(self, value: Any, carried: Any, times: float = 1.0) -> Rounded:
        """A result that is rounded so many times, with what its operands carry."""
        with np.errstate(over="ignore", invalid="ignore"):
            error = carried + self._gamma(times) * (abs(value) + carried)
        error = np.where(error > 0, error + self.precision.tiny, error)  # an exact 0 rounds nothing
        return self._like(value, np.where(abs(value) + error > self.precision.largest, np.inf, error))

    def _summed(self, value: Any, carried: Any, largest: Any, terms: int) -> Rounded:
        """A sum of so many terms, each rounded at most once before, whose sizes add up to ``largest``."""
        flushed = 4 * terms * self.precision.tiny * (largest > 0)  # each product and each sum, and what they carry
        error = carried + self._gamma(max(0, terms - 1)) * largest + flushed
        return self._like(value, np.where(largest + error > self.precision.largest, np.inf, error))


_UFUNCS: dict[str, Callable[..., Rounded]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "true_divide": lambda a, b: a / b,
    "divide": lambda a, b: a / b,
    "matmul": lambda a, b: a @ b,
    "absolute": abs,
    "negative": lambda a: -a,
    "exp": lambda a: a._exp(),  # noqa: SLF001 - the class's own
    "log": lambda a: a._log(),  # noqa: SLF001
    "sqrt": lambda a: a._sqrt(),  # noqa: SLF001
}


def exactly(precision: str) -> Callable[[Any], Rounded]:
    """What turns the given numbers of a derivation into Rounded ones: each as near as the precision has it.

    Example:
        >>> bool(exactly("float32")(0.1).error > 0), bool(exactly("float32")(0.5).error > 0)
        (True, False)
    """
    return Rounded(0.0, precision=precision)._lifted  # noqa: SLF001
