"""Why a rung fails: the port is changed in one way at a time and the rung run again."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from tf_repro.core.ulp import difference
from tf_repro.migrate.checker.climb import Climb
from tf_repro.migrate.checker.outcome import FAILED, Cause, NotTested, RuledOut
from tf_repro.migrate.checker.rungs import MEASUREMENTS, gap, judge, prepared
from tf_repro.migrate.diagnosis import faults, optimizer_faults, structural, substitutions
from tf_repro.programs.port import running_eagerly

GENERIC = {"operation", "constant"}
"""Names that say no more than what was exchanged; a cause with a name of its own is looked for beside them."""
CERTAIN = {"weight_decay"}
"""What TF1's optimizers lack: it comes before a whole optimizer in the port's place, also where rounding is left."""
RUNS = 120
"""How many changes are tested, each with one run of the port up to the rung: counted, so that no machine finds less."""
AS_FAR = 4.0
"""What two orders of summation may differ by, in units of what one ULP in each variable makes."""
ROUNDING = 64.0
"""With this many units in the last place left, of eight times as many or more before, only rounding is left."""


def of_shape(legacy: Any, port: Any) -> Any:
    """The cause of two shapes that differ, where there is one."""
    if legacy.ndim > 1 and legacy.T.shape == port.shape:
        return [Cause("transposed kernel", "with the port's kernel transposed", None, True)]
    return []


def of_dtype(legacy: Any, port: Any) -> Any:
    """The cause of two dtypes that differ, where there is one."""
    if port.dtype == np.float64 and legacy.dtype == np.float32:
        return [Cause("float64 leak", "with the port's variable created as float32", None, True)]
    return []


def diagnose(climb: Climb, name: str, measured: Any) -> Any:
    """The causes that mend a failed rung, those that do not, and those that there was no time for.

    Args:
        climb: the :class:`~tf_repro.migrate.checker.rungs.Climb`.
        name: the rung.
        measured: what the port gave on it.

    Returns:
        The fields ``causes`` (the one with which the rung passes first), ``ruled_out``, ``untested`` and
        ``not_tested`` of a :class:`~tf_repro.migrate.Rung`.
    """
    found: list[Cause] = []
    included: set[Any] = set()
    ruled_out, untested, failed = [], [], []
    climb = replace(climb, traced=judge(climb, name, measured).moment)
    remaining = candidates(climb, name)
    for runs, candidate in enumerate(remaining):
        if any((cause.passes or _is_exchange(cause)) and cause.name not in GENERIC for cause in found):
            break
        if runs >= RUNS:
            untested = [candidate.cause, *(each.cause for each in remaining)]
            break
        try:
            cause = attempt(climb, name, candidate, measured)
            if cause is not None and candidate.eager:  # was it the change, or that it was tested without tf.function?
                cause = attempt(climb, name, faults.EAGERLY, measured) or cause
        except CouldNotBeTested as reason:
            failed.append(NotTested(candidate.cause, candidate.change, str(reason)))
            continue
        if cause is None:
            ruled_out.append(RuledOut(candidate.cause, candidate.change))
        elif not (cause.name in GENERIC and any(each.name in GENERIC and each.passes for each in found)):
            found.append(cause)  # of what only says that something was exchanged, the smallest exchange is enough
            included |= candidate.includes
    if not found:
        candidate, cause = of_rounding(climb, name, measured)
        found, ruled_out = ([cause], ruled_out) if cause else ([], [*ruled_out, candidate])
    return {
        "causes": sorted(
            found, key=lambda cause: (cause.name in GENERIC, not cause.passes and cause.name not in CERTAIN)
        ),
        "ruled_out": [each for each in ruled_out if each.name not in included],
        "untested": untested,
        "not_tested": failed,
    }


def _is_exchange(cause: Any) -> Any:
    """Whether TF1's own operation was put in the port's place: then what is left is the two kernels' rounding."""
    return cause.where is not None and cause.where.legacy_line is not None


def of_rounding(climb: Climb, name: str, measured: Any) -> Any:
    """Whether the port itself moves as far when each of its variables is moved by one ULP."""
    tried = RuledOut("rounding", "with each variable moved by one ULP")
    try:
        moved = MEASUREMENTS[name](climb, prepared(climb, faults.nudge))
    except Exception:  # noqa: BLE001 - a rung that cannot be run so is not explained so
        return tried, None
    for moment, quantities in measured.items():
        for tensor, received in quantities.items():
            apart = difference(received, climb.legacy[moment][tensor], scaled=True)
            own = difference(received, moved[moment][tensor], scaled=True)
            if apart is not None and (own is None or apart.scaled > AS_FAR * own.scaled):
                return tried, None
    change = "since one ULP in each variable moves the port about as far as the two programs are apart"
    widest = gap(climb, measured)
    return tried, Cause("rounding", change, math.ceil(widest) if math.isfinite(widest) else None, False)


def attempt(climb: Climb, name: str, candidate: Any, before: Any) -> Any:
    """The :class:`Cause`, where the change mends the rung or leaves only rounding; else None.

    Raises:
        CouldNotBeTested: the port fails with the change.
    """
    try:
        changed = replace(climb, mapping=candidate.mapping or climb.mapping)
        if candidate.legacy is not None:
            changed = replace(changed, legacy=candidate.legacy())
        with candidate.context(), running_eagerly() if candidate.eager else contextlib.nullcontext():
            measured = MEASUREMENTS[name](changed, prepared(changed, candidate.alter))
        if _content(measured) != _content(before):
            return None
        if candidate.transform is not None:
            measured = {m: {n: candidate.transform(v) for n, v in q.items()} for m, q in measured.items()}
        verdict = judge(changed, name, measured)
        left = gap(changed, measured)
    except Exception as error:  # noqa: BLE001 - a changed port raises what it likes
        raise CouldNotBeTested(" ".join(str(error).split())[:200] or type(error).__name__) from None
    if verdict.status != FAILED:
        return Cause(candidate.cause, candidate.change, verdict.ulp, True, candidate.where)
    if left <= ROUNDING and left <= gap(climb, before) / 8:
        return Cause(candidate.cause, candidate.change, math.ceil(left), False, candidate.where)
    return None


class CouldNotBeTested(Exception):
    """A change makes the port fail, so nothing is known about it."""


def _content(measured: Any) -> Any:
    return {(moment, name) for moment, quantities in measured.items() for name in quantities}


def candidates(climb: Climb, name: str) -> Iterator[faults.Candidate]:
    """The changes to test on a rung, the most specific first."""
    if name == "initial values":
        return
    lines = faults.called_lines(climb, name)
    in_steps = name in ("one step", "N steps", "slots")
    if in_steps:  # the forward pass and the gradients are equal: what is left of the layer is its updates
        yield from _each_line(climb, substitutions.BATCH_NORMALIZATION, lines)
    with contextlib.suppress(Exception):  # a program whose values cannot be recorded still has the other candidates
        yield from structural.candidates(climb, name)
    yield from _each_line(climb, substitutions.NUMERICS, lines)
    if climb.legacy.provenance["tensorflow"] != tf.__version__:
        yield faults.Candidate(
            "kernels",
            f"with the TF1 program on TensorFlow {tf.__version__} (compat.v1) for "
            f"{climb.legacy.provenance['tensorflow']}, whose kernels round otherwise",
            legacy=lambda: faults.on_this_release(climb),
        )
    if in_steps:
        configured = list(optimizer_faults.configuration(climb))
        yield from configured
        yield from optimizer_faults.replacement(climb, frozenset(each.cause for each in configured))
    yield from faults.variables(climb)
    if name == "forward":
        yield faults.Candidate("sign changed", "with the sign of the fetches changed", transform=np.negative)
    else:
        yield faults.Candidate(
            "sign changed",
            "with the sign of the gradients changed",
            lambda: substitutions.changing_gradients(faults.negated),
        )
        yield from faults.clipping(climb, lines)
    yield from _each_line(climb, substitutions.FORWARD, lines)
    if not in_steps:
        yield from _each_line(climb, substitutions.BATCH_NORMALIZATION, lines)
    if name != "forward":
        yield from _each_line(climb, substitutions.BIAS_ADDITION, lines)
        yield from faults.scales(climb)
    yield faults.Candidate(
        substitutions.EVERY_FLOAT64.cause,
        f"with {substitutions.EVERY_FLOAT64.change}",
        lambda: substitutions.EVERY_FLOAT64.applied(climb.path),
        eager=True,
    )
    yield faults.Candidate(
        "graph optimiser",
        "with the port compiled by tf.function, where products are reordered as in a Session",
        alter=faults.compile_port,
    )


def _each_line(climb: Climb, known: Any, lines: Any) -> Iterator[faults.Candidate]:
    """Every substitution on every line of the port that calls one of its functions."""
    for substitution in known:
        yield from faults.by_line(climb, substitution, lines[substitution])
