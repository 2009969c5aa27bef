"""What both programs are, how they are compared, and the verdict on what a rung measured. Imports no TensorFlow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.core.ulp import difference
from tf_repro.migrate.checker.outcome import FAILED, PASSED, Rung, counted, listed


@dataclass(frozen=True)
class Climb:
    """What both programs are and how they are compared.

    Attributes:
        legacy: what the TF1 program computed.
        description: of the TF1 program; see :func:`legacy_tf1.run.run`.
        legacy_path: the TF1 program's file.
        path: the port's file.
        names: the port's variables, as first built.
        mapping: TF1 variable to port variable.
        steps: how many training steps.
        max_ulp: the tolerance.
        scaled: whether ULP are those of the tensor's largest element.
        seed: of the port's random numbers.
        inputs: keyword arguments of both programs' ``build()``.
        time_limit: seconds that one run may take.
    """

    legacy: Record
    description: dict
    legacy_path: Path
    path: Path
    names: tuple
    mapping: dict
    steps: int
    max_ulp: int
    scaled: bool
    seed: int
    inputs: dict
    time_limit: float

    def build(self):
        """The port, built anew."""
        from tf_repro.programs.port import Port

        return Port(self.path, self.seed, self.names, self.inputs)

    def feeds(self, step):
        """What a step is fed, by placeholder; the first is 0."""
        return {name: values[step % len(values)] for name, values in self.legacy["feeds"].items()}

    def start(self, port):
        """Put TF1's initial values into the port."""
        port.assign({b: self.legacy["initial"][a] for a, b in self.mapping.items()})

    def renamed(self, values):
        """The port's values under TF1's names."""
        return {a: values[b] for a, b in self.mapping.items() if b in values}

    def difference(self, moment, name, received):
        """The worst difference from the TF1 program's tensor, or None."""
        return difference(self.legacy[moment][name], received, self.scaled)

    def ulp(self, apart):
        """How many ULP a difference counts, by the measure of this check."""
        return math.ceil(apart.scaled) if self.scaled and math.isfinite(apart.scaled) else apart.ulp


class Skipped(Exception):
    """A rung has nothing to compare; the message says why."""


def gap(this, measured):
    """The largest distance on the rung, in ULP of its tensor's largest element."""
    widest = 0.0
    for moment, quantities in measured.items():
        for name, received in quantities.items():
            expected = this.legacy[moment][name]
            if _form(expected, received):
                return np.inf
            apart = difference(expected, received)
            if apart is not None:
                widest = max(widest, apart.scaled)
    return widest


def judge(this, rung, measured):
    """The rung's verdict: the first moment, and in it the tensor that is furthest off, decide."""
    worst, count = 0, 0
    for moment, quantities in measured.items():
        apart = {}
        for name, received in quantities.items():
            expected = this.legacy[moment][name]
            failure = _form(expected, received)
            if failure:
                return Rung(rung, FAILED, f"{name} {failure}" + _at(rung, moment), name)
            require_numbers(f"the port's {moment} {name}", received, expected)
            found = this.difference(moment, name, received)
            if found is not None:
                apart[name] = found
        beyond = {name: found for name, found in apart.items() if this.ulp(found) > this.max_ulp}
        if beyond:
            name = max(beyond, key=lambda name: beyond[name].scaled)
            detail = f"{len(beyond)} of {counted(len(quantities), 'tensor')} apart{_at(rung, moment)}: "
            detail += listed(list(beyond))
            return Rung(rung, FAILED, detail, name, beyond[name], this.ulp(beyond[name]), moment=moment)
        worst = max(worst, *map(this.ulp, apart.values()), 0)
        count += len(quantities)
    distance = f"at most {worst} ULP apart" if worst else "bit-equal"
    return Rung(rung, PASSED, f"{counted(count, 'tensor')}, {distance}", ulp=worst)


def _at(rung, moment):
    if moment == "after":
        return " in the fetches after the last step"
    return f" at {moment}" if rung == "N steps" else ""


def _form(expected, received):
    if expected.shape != received.shape:
        return f"has shape {expected.shape} in the TF1 program and {received.shape} in the port"
    if expected.dtype != received.dtype:
        return f"has dtype {expected.dtype} in the TF1 program and {received.dtype} in the port"
    return ""


def require_numbers(what, value, other=None):
    if value.dtype.kind != "f" or not np.isnan(value).any():
        return
    index = tuple(int(i) for i in np.argwhere(np.isnan(value))[0])
    beside = "" if other is None else f", where the TF1 program has {other[index]:.9g}"
    raise InputError(
        f"values to compare must be numbers. Received: nan in {what}, index {list(index)}{beside}; "
        f"look for log(0), 0/0 or an overflow before it"
    )
