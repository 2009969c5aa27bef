"""Printing rules, ULP and verdicts: how a computed value is held against a printed figure.

A figure keeps its text. The rule says how the document's program turned a number into that text, so a value
reproduces the figure exactly when it prints as the same text. No tolerance is written down here: how far a value may be
off is a :class:`Bound`, computed by running the derivation on numbers that carry their rounding error.

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
    """

    printed: str
    rule: str

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

    def is_printed_by(self, value: Any, bound: Bound | None = None) -> bool:
        """Whether ``value`` prints as this figure.

        Args:
            value: a NumPy scalar or a number.
            bound: for the rule ``"rounding"``, what the derivation allows; the figure must be within it as well.

        Example:
            >>> import numpy as np
            >>> Figure("0.79999995", "float32 array").is_printed_by(np.float32(0.79999995))
            True
            >>> Figure("0.", "float32 array").is_printed_by(np.float32(-7.152558e-08))
            False
        """
        if self.rule == "rounding":
            return bound is not None and self.is_within(bound) and self.is_within(Bound(float(value), bound.error))
        return RULES[self.rule](self, value)

    def is_within(self, bound: Bound | None) -> bool:
        """Whether some number that prints as this figure is within the bound."""
        if bound is None or self.rule == "statement":
            return False
        return abs(float(self.printed) - bound.truth) <= bound.error + float(self._half_width()) < math.inf

    def ulp(self, value: Any) -> int | None:
        """Floating-point steps from ``value`` to the nearest one that prints as this figure; None from a nan.

        0 exactly when :meth:`is_printed_by` holds. Steps of float32 under the float32 rules, of float64 elsewhere.

        Example:
            >>> import numpy as np
            >>> Figure("0.32000008", "float32 array").ulp(np.float32(0.32))
            3
        """
        if RULES[self.rule](self, value):
            return 0
        if self.rule == "statement":
            return None
        import numpy as np

        from tf_repro.core.ulp import distance

        dtype = np.float32 if self.rule.startswith("float32") else np.float64
        number = Decimal(self.printed)
        half = self._half_width()
        nearest = number - half if float(value) < float(number) else number + half
        steps = distance(dtype(value), dtype(nearest))
        return None if steps is None else max(1, steps)

    def _half_width(self) -> Decimal:
        places = -int(Decimal(self.printed).as_tuple().exponent) if Decimal(self.printed).is_finite() else 0
        if self.rule == "decimals" or (self.rule == "rounding" and places > 0):
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


RULES: dict[str, Callable[[Figure, Any], bool]] = {
    "float32 array": _array_element,
    "float64 array": _array_element,
    "float32 scalar": _float32_scalar,
    "decimals": _decimals,
    "exact": _exact,
    "rounding": _exact,
    "statement": _statement,
}
"""The printing rules by name, each a function that says whether a value prints as the figure.

``"rounding"`` is for a number that no program printed: it may be missed by the rounding bound, and one with decimals by
half a unit of its last.
"""


@dataclass(frozen=True)
class Bound:
    """What any evaluation of the same formulas may give: ``truth`` to within ``error``, both float64.

    Example:
        >>> Bound(1.0, 1e-6).holds(1.0000005), Bound(1.0, 1e-6).holds(1.1), Bound(float("nan"), 0.0).holds(float("nan"))
        (True, False, True)
    """

    truth: float
    error: float

    def holds(self, value: Any) -> bool:
        """Whether the value is within the bound; a nan only where the truth is one; nothing within an infinite one."""
        number = float(value)
        if math.isnan(self.truth) or math.isnan(number):
            return math.isnan(self.truth) and math.isnan(number)
        return number == self.truth or abs(number - self.truth) <= self.error < math.inf


@dataclass(frozen=True)
class Declaration:
    """What a claim says one engine does with one figure.

    Attributes:
        ulp: how many steps a recording or an emulated kernel is away, exactly; 0 demands the figure itself.
        may_drift: whether the value may also be away as far as the rounding bound allows: a stock kernel's arithmetic
            is not ours, and differs by machine.
        reason: the name of the reason why a recording or an emulated kernel is away.
        correct: for an erratum, the figure that the document's own inputs give.
    """

    ulp: int = 0
    may_drift: bool = False
    reason: str = ""
    correct: Figure | None = None

    @property
    def text(self) -> str:
        """The declared verdict."""
        if self.correct is not None:
            return ERRATUM
        if self.may_drift:
            return f"{REPRODUCED} or {DRIFTED}"
        return DRIFTED if self.ulp else REPRODUCED

    @property
    def is_strict(self) -> bool:
        """Whether every other digit in the figure would break the declaration."""
        return not self.may_drift


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
    bound: float | None
    verdict: str
    declared: str
    explained_by: str
    as_declared: bool
    reason: str
    truth: float | None
    origin: str
    machine: str

    @property
    def name(self) -> str:
        """``document/claim[index]``, as error lines and tests call it."""
        return f"{self.document}/{self.claim}" + ("" if self.index is None else f"[{self.index}]")


def judge(
    figure: Figure,
    declaration: Declaration,
    value: Any,
    mistaken: Any = None,
    bound: Bound | None = None,
    mistaken_bound: Bound | None = None,
) -> tuple[str, bool]:
    """The verdict on ``value``, and whether it is the declared one.

    Args:
        figure: the printed scalar.
        declaration: what the claim says of this engine.
        value: the engine's value from the document's own inputs.
        mistaken: for an erratum, the engine's value from the mistake that is said to yield the printed figure.
        bound: what any evaluation of the formulas may give, or None where it was not computed.
        mistaken_bound: the same for the mistake.

    Example:
        >>> judge(Figure("0.0003", "decimals"), Declaration(), 0.0024)
        ('unexplained', False)
        >>> judge(Figure("0.0003", "decimals"), Declaration(correct=Figure("0.0024", "decimals")), 0.0024, 0.0003)
        ('erratum', True)
        >>> judge(Figure("0.", "float32 array"), Declaration(may_drift=True), -7e-8, bound=Bound(1e-9, 1e-7))
        ('drifted', True)
    """
    if figure.is_printed_by(value, bound):
        return REPRODUCED, declaration.correct is None and declaration.ulp == 0
    if declaration.correct is not None:
        is_mistake = mistaken is not None and figure.is_printed_by(mistaken, mistaken_bound)
        explained = is_mistake and declaration.correct.is_printed_by(value, bound)
        return (ERRATUM, True) if explained else (UNEXPLAINED, False)
    if declaration.ulp and figure.ulp(value) == declaration.ulp:
        return DRIFTED, True
    if declaration.may_drift and bound is not None and bound.holds(value) and figure.is_within(bound):
        return DRIFTED, True
    return UNEXPLAINED, False


def find(
    figure: Figure,
    declaration: Declaration,
    value: Any,
    *,
    mistaken: Any = None,
    bound: Bound | None = None,
    mistaken_bound: Bound | None = None,
    explained_by: str = "",
    origin: str = "printed",
    machine: str = "",
    **names: Any,
) -> Finding:
    """The :class:`Finding` for one scalar.

    Args:
        figure: what the document printed.
        declaration: the declared verdict.
        value: the engine's value, a NumPy scalar.
        mistaken: see :func:`judge`.
        bound: see :func:`judge`.
        mistaken_bound: see :func:`judge`.
        explained_by: the emulated kernel that gives the very bits, or "".
        origin: ``"printed"``, or ``"derived"`` from what the document states.
        machine: what the value was computed on, in one line.
        **names: ``document``, ``claim``, ``moment``, ``index`` and ``engine``.
    """
    verdict, as_declared = judge(figure, declaration, value, mistaken, bound, mistaken_bound)
    return Finding(
        printed=figure.printed,
        value=float(value),
        value_hex=float(value).hex(),
        ulp=figure.ulp(value),
        bound=None if bound is None else bound.error,
        verdict=verdict,
        declared=declaration.text,
        explained_by=explained_by,
        as_declared=as_declared,
        reason=declaration.reason,
        truth=None if bound is None else bound.truth,
        origin=origin,
        machine=machine,
        **names,
    )
