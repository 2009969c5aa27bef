"""Printing rules, ULP and verdicts: how a computed value is held against a printed figure.

A figure keeps its text. The rule says how the document's program turned a number into that text, so a value
reproduces the figure exactly when it prints as the same text. This module is the only home of tolerances, and there
is one: a figure under the rule ``"rounding"`` may be missed by the rounding of the terms that are summed for it.

NumPy is imported where it computes, so that commands which only read figures start at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from tf_repro.core.errors import InputError

REPRODUCED, DRIFTED, ERRATUM, UNEXPLAINED = "reproduced", "drifted", "erratum", "unexplained"

_DIGITS_OF_NUMPY_ARRAY = 8  # numpy.get_printoptions()["precision"]


@dataclass(frozen=True)
class Figure:
    """One printed scalar.

    Attributes:
        printed: its text, as in the document.
        rule: a key of :data:`RULES`.
        terms: for the rule ``"rounding"``, how many terms the quantity sums.
    """

    printed: str
    rule: str
    terms: int = 1

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise InputError(f"rule must be one of {', '.join(RULES)}. Received: {self.rule!r}")
        if self.rule == "statement":
            if self.printed not in ("true", "false"):
                raise InputError(f"a statement is 'true' or 'false'. Received: {self.printed!r}")
            return
        try:
            Decimal(self.printed)
        except InvalidOperation:
            raise InputError(f"a figure must be a number. Received: {self.printed!r}") from None

    def is_printed_by(self, value: Any) -> bool:
        """Whether ``value`` prints as this figure.

        Example:
            >>> import numpy as np
            >>> Figure("0.79999995", "float32 array").is_printed_by(np.float32(0.79999995))
            True
            >>> Figure("0.", "float32 array").is_printed_by(np.float32(-7.152558e-08))
            False
        """
        return RULES[self.rule](self, value)

    def ulp(self, value: Any) -> int | None:
        """Floating-point steps from ``value`` to the nearest one that prints as this figure; None from a nan.

        0 exactly when :meth:`is_printed_by` holds. Steps of float32 under the float32 rules, of float64 elsewhere.

        Example:
            >>> import numpy as np
            >>> Figure("0.32000008", "float32 array").ulp(np.float32(0.32))
            3
        """
        if self.is_printed_by(value):
            return 0
        if self.rule == "statement":
            return None
        import numpy as np

        dtype = np.float32 if self.rule.startswith("float32") else np.float64
        number = Decimal(self.printed)
        half = self._half_width()
        nearest = number - half if float(value) < float(number) else number + half
        distance = ulp_distance(dtype(value), dtype(nearest))
        return None if distance is None else max(1, distance)

    def _half_width(self) -> Decimal:
        places = -int(Decimal(self.printed).as_tuple().exponent) if Decimal(self.printed).is_finite() else 0
        if self.rule == "decimals":
            return Decimal(5).scaleb(-places - 1)
        is_cut = places >= _DIGITS_OF_NUMPY_ARRAY or Decimal(self.printed) == 0
        return Decimal(5).scaleb(-_DIGITS_OF_NUMPY_ARRAY - 1) if self.rule.endswith("array") and is_cut else Decimal(0)


def _prints_as(text: str, figure: Figure) -> bool:
    return ("0" if text == "-0" else text) == figure.printed.removesuffix(".")


def _array_element(figure: Figure, value: Any) -> bool:
    import numpy as np

    number = np.float32(value) if figure.rule.startswith("float32") else np.float64(value)
    return _prints_as(np.format_float_positional(number, _DIGITS_OF_NUMPY_ARRAY, trim="-"), figure)


def _float32_scalar(figure: Figure, value: Any) -> bool:
    import numpy as np

    return _prints_as(np.format_float_positional(np.float32(value), trim="-"), figure)


def _decimals(figure: Figure, value: Any) -> bool:
    number, printed = Decimal(float(value)), Decimal(figure.printed)
    return number.is_finite() and number.quantize(printed, ROUND_HALF_EVEN) == printed


def _exact(figure: Figure, value: Any) -> bool:
    number, printed = float(value), float(figure.printed)
    return number == printed or (math.isnan(number) and math.isnan(printed))


def _statement(figure: Figure, value: Any) -> bool:
    return bool(value) is (figure.printed == "true")


def _rounding(figure: Figure, value: Any) -> bool:
    import numpy as np

    printed, dtype = float(figure.printed), np.asarray(value).dtype
    eps = float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0
    return abs(float(value) - printed) <= figure.terms * eps * max(1.0, abs(printed))


RULES: dict[str, Callable[[Figure, Any], bool]] = {
    "float32 array": _array_element,
    "float64 array": _array_element,
    "float32 scalar": _float32_scalar,
    "decimals": _decimals,
    "exact": _exact,
    "rounding": _rounding,
    "statement": _statement,
}
"""The printing rules by name, each a function that says whether a value prints as the figure."""


def ulp_distance(a: Any, b: Any) -> int | None:
    """Steps between two floating-point numbers of one dtype (of float64 for anything else); None if one is nan.

    Example:
        >>> import numpy as np
        >>> ulp_distance(np.float32(1), np.float32(1.0000002))
        2
    """
    import numpy as np

    dtype = np.result_type(a, b) if np.result_type(a, b) in (np.float32, np.float64) else np.dtype(float)
    if np.isnan(a) or np.isnan(b):
        return 0 if np.isnan(a) and np.isnan(b) else None
    return abs(_ordinal(dtype.type(a)) - _ordinal(dtype.type(b)))


def _ordinal(number: Any) -> int:
    """The number's place among all of its dtype, 0 at zero."""
    bits = int(number.view(f"i{number.itemsize}"))
    return bits if bits >= 0 else -(bits & (2 ** (8 * number.itemsize - 1) - 1))


@dataclass(frozen=True)
class Declaration:
    """What a claim says one engine does with one figure.

    Attributes:
        ulp: least and greatest number of steps that the value may be away; ``(0, 0)`` demands the figure itself.
        reason: the name of the reason where the value may be away.
        correct: for an erratum, the figure that the document's own inputs give.
    """

    ulp: tuple[int, int] = (0, 0)
    reason: str = ""
    correct: Figure | None = None

    @property
    def text(self) -> str:
        if self.correct is not None:
            return ERRATUM
        if self.ulp == (0, 0):
            return REPRODUCED
        return DRIFTED if self.ulp[0] > 0 else f"{REPRODUCED} or {DRIFTED}"

    @property
    def is_strict(self) -> bool:
        """Whether every other digit in the figure would break the declaration."""
        return self.correct is not None or self.ulp[0] == self.ulp[1]


@dataclass(frozen=True)
class Finding:
    """One printed scalar held against one engine's value; see :func:`find`."""

    document: str
    claim: str
    moment: str
    index: int | None
    printed: str
    engine: str
    value: float
    value_hex: str
    ulp: int | None
    verdict: str
    declared: str
    as_declared: bool
    reason: str
    truth_ulp: int | None

    @property
    def name(self) -> str:
        """``document/claim[index]``, as error lines and tests call it."""
        return f"{self.document}/{self.claim}" + ("" if self.index is None else f"[{self.index}]")


def judge(figure: Figure, declaration: Declaration, value: Any, mistaken: Any = None) -> tuple[str, bool]:
    """The verdict on ``value``, and whether it is the declared one.

    Args:
        figure: the printed scalar.
        declaration: what the claim says of this engine.
        value: the engine's value from the document's own inputs.
        mistaken: for an erratum, the engine's value from the mistake that is said to yield the printed figure.

    Example:
        >>> judge(Figure("0.0003", "decimals"), Declaration(), 0.0024)
        ('unexplained', False)
        >>> judge(Figure("0.0003", "decimals"), Declaration(correct=Figure("0.0024", "decimals")), 0.0024, 0.0003)
        ('erratum', True)
    """
    if figure.is_printed_by(value):
        return REPRODUCED, declaration.correct is None and declaration.ulp[0] == 0
    if declaration.correct is not None:
        explained = declaration.correct.is_printed_by(value) and figure.is_printed_by(mistaken)
        return (ERRATUM, True) if explained else (UNEXPLAINED, False)
    steps = figure.ulp(value)
    low, high = declaration.ulp
    if steps is not None and max(1, low) <= steps <= high:
        return DRIFTED, True
    return UNEXPLAINED, False


def find(
    figure: Figure, declaration: Declaration, value: Any, *, mistaken: Any = None, truth: Any = None, **names: Any
) -> Finding:
    """The :class:`Finding` for one scalar.

    Args:
        figure: what the document printed.
        declaration: the declared verdict.
        value: the engine's value, a NumPy scalar.
        mistaken: see :func:`judge`.
        truth: the float64 derivation's value, or None where there is none.
        **names: ``document``, ``claim``, ``moment``, ``index`` and ``engine``.
    """
    verdict, as_declared = judge(figure, declaration, value, mistaken)
    return Finding(
        printed=figure.printed,
        value=float(value),
        value_hex=float(value).hex(),
        ulp=figure.ulp(value),
        verdict=verdict,
        declared=declaration.text,
        as_declared=as_declared,
        reason=declaration.reason,
        truth_ulp=None if truth is None else ulp_distance(value, value.dtype.type(truth)),
        **names,
    )


@dataclass(frozen=True)
class Difference:
    """The element in which two arrays are furthest apart.

    Attributes:
        index: where it is.
        expected: the first array's element.
        received: the second array's element.
        ulp: how many floating-point steps apart they are.
        relative: their distance over the expected element's magnitude.
        scaled: the largest distance of all, in ULP of the expected array's largest element. Where terms cancel, this
            measures the rounding that ``ulp`` counts in ever smaller steps.
        count: how many elements differ.
        size: of how many.
    """

    index: tuple[int, ...]
    expected: float
    received: float
    ulp: int
    relative: float
    scaled: float
    count: int
    size: int

    def __str__(self) -> str:
        place = f"[{', '.join(map(str, self.index))}]" if self.index else "scalar"
        counted = "" if self.size == 1 else f"; {self.count} of {self.size} elements differ"
        return (
            f"{place} TF1 program {self.expected:.9g}, port {self.received:.9g}: {self.ulp} ULP "
            f"({self.scaled:.2g} of the largest element's), relative error {self.relative:.2g}{counted}"
        )


def difference(expected: Any, received: Any, scaled: bool = False) -> Difference | None:
    """The worst :class:`Difference` of two arrays without nan and of one shape; None where all are equal.

    Args:
        expected: an array of numbers.
        received: an array of the same shape and dtype.
        scaled: whether the worst element is the one at the largest distance, not the one most ULP away.

    Example:
        >>> import numpy as np
        >>> difference(np.float32([1, 2]), np.float32([1, 2.0000005])).ulp
        2
    """
    import numpy as np

    expected, received = np.asarray(expected), np.asarray(received)
    differs = np.asarray(expected != received)
    if not differs.any():
        return None
    if expected.dtype not in (np.float32, np.float64):
        expected, received = expected.astype(np.float64), received.astype(np.float64)
    steps = np.where(differs, ulp_distances(expected, received), -1.0)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        distance = np.where(differs, np.abs(expected.astype(np.float64) - received.astype(np.float64)), 0.0)
        worst = int(np.argmax(distance if scaled else steps))
        index = tuple(int(i) for i in np.unravel_index(worst, steps.shape))
        a, b = expected[index], received[index]
        relative = float(distance[index] / np.abs(np.float64(a)))
        largest = np.abs(expected[np.isfinite(expected)]).max(initial=0)
        of_largest = float(distance.max() / np.spacing(largest))
    steps_apart = ulp_distance(a, b)
    if steps_apart is None:
        raise InputError(f"arrays to compare must not hold a nan. Received: {a} and {b} at index {list(index)}")
    return Difference(
        index, float(a), float(b), steps_apart, relative, of_largest, int(differs.sum()), int(differs.size)
    )


def ulp_distances(a: Any, b: Any) -> Any:
    """How many floating-point steps apart the elements of two arrays are, as float64, to its precision.

    Args:
        a: a float32 or float64 array without nan; numbers of other types count as float64.
        b: an array of the same shape and dtype.

    Example:
        >>> import numpy as np
        >>> ulp_distances(np.float32([1, 2]), np.float32([1, 2.0000005]))
        array([0., 2.])
    """
    import numpy as np

    return np.abs(_ordinals(np.asarray(a)) - _ordinals(np.asarray(b)))


def _ordinals(array: Any) -> Any:
    import numpy as np

    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    bits = array.view(f"i{array.dtype.itemsize}").astype(np.float64)
    return np.where(bits >= 0, bits, -(bits + 2.0 ** (8 * array.dtype.itemsize - 1)))
