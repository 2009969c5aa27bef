"""A check's rungs as people read them: their names, and distances in the unit that says something."""

from __future__ import annotations

import math

from tf_repro.core.ulp import MAX_OWN_ULP, Difference
from tf_repro.migrate.checker.outcome import FAILED, CheckReport, Rung


def title(report: CheckReport, rung: Rung) -> str:
    """The rung's name; of "N steps" with their number.

    Example:
        >>> from tf_repro.core.record import Record
        >>> report = CheckReport([], {}, Record({f"step {n}": {} for n in (1, 2, 3)}), Record({}), 0)
        >>> title(report, Rung("N steps", FAILED)), title(report, Rung("slots", FAILED))
        ('3 steps', 'slots')
    """
    steps = sum(moment.startswith("step ") for moment in report.legacy)
    name: str = rung.name
    return name.replace("N steps", f"{steps} step{'s' * (steps != 1)}") if steps else name


def verdict(report: CheckReport) -> str:
    """The report's verdict, with the number of steps."""
    text: str = report.verdict
    return text if report.failed is None else text.replace(repr(report.failed.name), repr(title(report, report.failed)))


def format_distance(apart: Difference) -> str:
    """How far apart an element is, in the unit that says something: ULP of its tensor's largest element.

    Its own ULP are said as well where they are few: of an element that cancels they are millions.

    Example:
        >>> import numpy as np
        >>> from tf_repro.core.ulp import difference
        >>> format_distance(difference(np.float32([1, 1e-7]), np.float32([1, -1e-7]), scaled=True))
        "1.678 ULP of the tensor's largest element; relative error 2"
    """
    if apart.ulp is None or not math.isfinite(apart.scaled):
        return "not a number, or infinite, on one side"
    if isinstance(apart.expected, int):
        return f"{apart.ulp}"
    shown = [f"{apart.scaled:.4g} ULP of the tensor's largest element"]
    if apart.size > 1 and apart.ulp <= MAX_OWN_ULP:
        shown.append(f"{apart.ulp} of its own")
    if math.isfinite(apart.relative):
        shown.append(f"relative error {apart.relative:.2g}")
    return "; ".join(shown)


def of_rung(rung: Rung) -> str:
    """A rung's distance for a table: of one that fails, in ULP of the tensor's largest element.

    Example:
        >>> import numpy as np
        >>> from tf_repro.core.ulp import difference
        >>> apart = difference(np.float32([1, 1e-7]), np.float32([1, -1e-7]))
        >>> of_rung(Rung("forward", FAILED, tensor="w", difference=apart, ulp=apart.ulp))
        '1.68'
    """
    if rung.status == FAILED and rung.difference is not None:
        return f"{rung.difference.scaled:.3g}" if math.isfinite(rung.difference.scaled) else "nan"
    return str(rung.ulp) if rung.ulp is not None and rung.ulp <= MAX_OWN_ULP else ""
