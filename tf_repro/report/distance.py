"""Distances in the unit that says something: ULP of a tensor's largest element."""

from __future__ import annotations

import math

from tf_repro.core.ulp import Difference
from tf_repro.migrate.checker.outcome import FAILED, Rung

MAX_OWN_ULP = 9_999
"""Above it a distance in an element's own ULP only says that the element is small."""


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
