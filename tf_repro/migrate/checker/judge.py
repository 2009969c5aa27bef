"""The verdict on what a rung measured. Imports no TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_repro.core.ulp import difference
from tf_repro.migrate.checker.climb import Climb
from tf_repro.migrate.checker.outcome import FAILED, PASSED, Rung, counted, listed

OTHERWISE = "before, otherwise fed"


def gap(climb: Climb, measured: Any) -> Any:
    """The largest distance on the rung, in ULP of its tensor's largest element."""
    widest = 0.0
    for moment, quantities in measured.items():
        for name, received in quantities.items():
            expected = climb.legacy[moment][name]
            if _form(expected, received):
                return np.inf
            apart = difference(expected, received)
            if apart is not None:
                widest = max(widest, apart.scaled)
    return widest


def judge(climb: Climb, rung: Any, measured: Any) -> Any:
    """The rung's verdict: in the first moment that parts, the tensor that is computed first decides."""
    worst, count, nans, rounded = 0, 0, 0, False
    aware = climb.max_ulp is None
    counted_ulp = climb.scaled_ulp if aware else climb.ulp  # an element near zero is any number of its own ULP off
    for moment, quantities in measured.items():
        beyond = {}
        for name, received in quantities.items():
            expected = climb.legacy[moment][name]
            failure = _form(expected, received)
            if failure:
                return Rung(rung, FAILED, f"{name} {failure}" + _at(rung, moment), name)
            nans += _nans(expected, received) if moment != OTHERWISE else 0
            apart = climb.difference(moment, name, received)
            if apart is None:
                continue
            if climb.allows(apart, moment, name, received):
                rounded, worst = True, max(worst, counted_ulp(apart) or 0)
            else:
                beyond[name] = apart
        if beyond:
            return _parted(climb, rung, moment, beyond, len(quantities))
        count += len(quantities) if moment != OTHERWISE else 0  # the same tensors again
    of = " of its tensor's largest element" if aware or climb.scaled else ""
    distance = f"at most {worst} ULP{of} apart" if rounded else "bit-equal"
    if rounded and aware:
        distance = f"equal up to rounding, {distance}"
    also = f", {counted(nans, 'element')} nan on both sides" if nans else ""
    return Rung(rung, PASSED, f"{counted(count, 'tensor')}, {distance}{also}", ulp=worst)


def _parted(climb: Climb, rung: Any, moment: Any, beyond: Any, of: Any) -> Any:
    """The rung at a moment in which tensors are apart."""
    order = climb.description.get("order", ())
    if moment.startswith(("before", "after")) and set(beyond) <= set(order):
        name = min(beyond, key=order.index)
    else:
        name = max(beyond, key=lambda name: beyond[name].scaled)
    apart = beyond[name]
    detail = f"{len(beyond)} of {counted(of, 'tensor')} apart{_at(rung, moment)}: {listed(list(beyond))}"
    if apart.ulp is None:
        detail += "; look for log(0), 0/0 or an overflow before the nan"
    return Rung(rung, FAILED, detail, name, apart, climb.ulp(apart), moment=moment)


GROSS = 1 / 8
"""A difference of this share of the largest number in any tensor of the moment leaves no digit: it is not rounding.

It only spares the perturbed runs: none of the 25 correct ports of the test set has one, and what is less is measured.
"""


def is_gross(climb: Climb, rung: Any) -> Any:
    """Whether the rung's difference is so large that rounding need not be measured."""
    apart = abs(float(rung.difference.expected) - float(rung.difference.received))
    tensors = climb.legacy.get(rung.moment, {}).values()
    largest = max(
        (float(np.abs(value[np.isfinite(value)]).max(initial=0)) for value in tensors if value.size), default=0
    )
    return rung.difference.ulp is None or apart > GROSS * largest


def not_reproducible(what: str, names: Any) -> Any:
    """That a program does not compute the same twice, in words."""
    return (
        f"{what} computes another {listed(names)} each time it is run; seed its random numbers (NumPy's, samplers', "
        "dropout's), take them out, or align what TensorFlow draws with --deterministic-draws"
    )


def _nans(expected: Any, received: Any) -> Any:
    return int((np.isnan(expected) & np.isnan(received)).sum()) if expected.dtype.kind == "f" else 0


def _at(rung: Any, moment: Any) -> Any:
    if moment == OTHERWISE:
        return " with another number of examples, or in inference mode"
    if moment == "after":
        return " in the fetches after the last step"
    return f" at {moment}" if rung == "N steps" else ""


def _form(expected: Any, received: Any) -> str:
    if expected.shape != received.shape:
        return f"has shape {expected.shape} in the TF1 program and {received.shape} in the port"
    if expected.dtype != received.dtype:
        return f"has dtype {expected.dtype} in the TF1 program and {received.dtype} in the port"
    return ""
