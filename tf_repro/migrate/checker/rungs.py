"""The rungs that run the port: what each measures, and how it is held against TF1."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.core.ulp import difference
from tf_repro.migrate.checker.outcome import FAILED, PASSED, Rung, counted, listed
from tf_repro.programs.port import Port


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

    def build(self):
        """The port, built anew."""
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


def prepared(this, alter=None):
    """The port, built anew and started from TF1's values."""
    port = this.build()
    this.start(port)
    if alter is not None:
        alter(port)
    return port


def measure_initial(this, port):
    """The values that the port holds once TF1's are put into it."""
    return {"initial": this.renamed(port.values())}


def measure_forward(this, port):
    """The fetches before training."""
    with _variables_made(port) as made:
        fetches = port.forward(this.feeds(0))
        if made:
            made.clear()
            fetches = port.forward(this.feeds(0))
            if made:
                raise InputError(
                    f"a variable must be created once, in build(). Received: forward() created {made[0]} twice"
                )
    missing = [name for name in this.legacy["before"] if name not in fetches]
    if missing:
        raise InputError(
            f"forward() must return every fetch of the TF1 program. Received: {', '.join(fetches)} without "
            f"{', '.join(missing)}; return it, or take it out of the fetches"
        )
    return {"before": {name: fetches[name] for name in this.legacy["before"]}}


def measure_gradients(this, port):
    """The gradients that the first step applies."""
    _require_steps(this, port)
    if not this.legacy.get("gradients"):
        raise Skipped(
            "no tf.train optimizer applies gradients in the TF1 program; add 'gradients' to what build() returns"
        )
    gradients = port.gradients(this.feeds(0))
    if gradients is None:
        raise Skipped(
            "the port does not tell its gradients; add 'optimizer' to what build() returns, or return them from step()"
        )
    gradients = this.renamed(gradients)
    for name, expected in this.legacy["gradients"].items():  # what a step does not train, it moves by nothing
        gradients.setdefault(name, np.zeros_like(expected))
    return {"gradients": {name: gradients[name] for name in this.legacy["gradients"]}}


def measure_one_step(this, port):
    """The variables after one step."""
    _require_steps(this, port)
    port.step(this.feeds(0))
    return {"step 1": this.renamed(port.values())}


def measure_steps(this, port):
    """The variables after every step, and the fetches after the last."""
    _require_steps(this, port)
    moments = {}
    with _variables_made(port) as made:
        for step in range(this.steps):
            port.step(this.feeds(step))
            moments[f"step {step + 1}"] = this.renamed(port.values())
            if step == 0:
                made.clear()
            elif made:
                raise InputError(f"a variable must be created once. Received: step() created {made[0]} again")
    moments["after"] = {
        name: value for name, value in port.forward(this.feeds(0)).items() if name in this.legacy["after"]
    }
    return moments


def measure_slots(this, port):
    """The optimizer's slots after the last step, under TF1's names."""
    _require_steps(this, port)
    if not this.legacy.get("slots"):
        raise Skipped("the TF1 optimizer keeps no slots")
    for step in range(this.steps):
        port.step(this.feeds(step))
    back = {b: a for a, b in this.mapping.items()}
    slots = {
        f"{back[name]}/{slot}": np.array(tf.convert_to_tensor(variable).numpy())
        for (name, slot), variable in port.slots().items()
        if name in back
    }
    shared = {name: slots[name] for name in this.legacy["slots"] if name in slots}
    if not shared:
        raise Skipped("the port's optimizer keeps no slots of TF1's kind; add 'slots' to what build() returns")
    return {"slots": shared}


MEASURES = {
    "initial values": measure_initial,
    "forward": measure_forward,
    "gradients": measure_gradients,
    "one step": measure_one_step,
    "N steps": measure_steps,
    "slots": measure_slots,
}


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


def _require_steps(this, port):
    if not any(moment.startswith("step ") for moment in this.legacy):
        raise Skipped("the TF1 program has no train op")
    if not port.has_step:
        raise Skipped("the port has no step()")


@contextlib.contextmanager
def _variables_made(port):
    """The names of the variables that are created while it lasts."""
    made: list[str] = []

    def creator(create, **arguments: Any):
        variable = create(**arguments)
        made.append(arguments.get("name") or variable.name)
        return variable

    with tf.variable_creator_scope(creator):
        yield made
