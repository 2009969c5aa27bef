"""The rungs that run the port: what each measures."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.core.ulp import difference
from tf_repro.migrate.checker import initializers
from tf_repro.migrate.checker.climb import Climb, Skipped
from tf_repro.migrate.checker.judge import OTHERWISE, gap, judge, not_reproducible
from tf_repro.migrate.checker.noise import RUNS, spread_of
from tf_repro.migrate.checker.outcome import FAILED, PASSED, SKIPPED, Cause, Rung, counted, listed

__all__ = ["MEASUREMENTS", "Climb", "Skipped", "climbed", "facts", "gap", "judge", "prepared"]


def facts(path: Path, seed: int, inputs: Mapping[str, Any] | None) -> Any:
    """The port as built: its variables' values by name, in its own order, and the provenance of what it computes."""
    from tf_repro.programs.port import Port

    provenance = {"tensorflow": tf.__version__, "python": platform.python_version(), "program": path.name}
    return Port(path, seed, inputs=inputs).values(), provenance


def is_onednn_on() -> Any:
    """Whether TensorFlow computes with oneDNN's kernels in this process."""
    from tf_repro.programs.machine import machine

    return machine()["onednn"].startswith("on")


def climbed(climb: Climb, keep_going: Any) -> Any:
    """The rungs that run the port, judged, up to the first that fails unless told otherwise.

    Returns:
        (the rungs, each with what it measured, or None where there is nothing to look for a cause in; every moment)
    """
    rungs, moments, trained = [], {}, None
    for name, measure in MEASUREMENTS.items():
        try:
            port = prepared(climb) if trained is None else trained
            measured = (measure if trained is None else slots_of)(climb, port)
            trained = port if measure is measure_steps else None  # whose slots need no second run of the steps
        except Skipped as reason:
            rungs.append((Rung(name, SKIPPED, str(reason)), None))
            continue
        except Lacking as reason:
            rungs.append((Rung(name, FAILED, str(reason)), None))
            if not keep_going:
                break
            continue
        moments.update(measured)
        rung = judge(climb, name, measured)
        if name == "initial values" and rung.status != FAILED:
            rungs.append((initial_values(climb), None))  # they are copied, so the climb goes on
            continue
        if rung.difference is not None and (unsteady := _unsteady(climb, measure)):
            rung, measured = replace(rung, detail=not_reproducible("the port", unsteady)), None
        rungs.append((rung, measured))
        if rung.status == FAILED and not keep_going:
            break
    return rungs, moments


def initial_values(climb: Climb) -> Any:
    """The rung "initial values": whether the port's initializers make what TF1's make."""
    legacy, port = climb.legacy["initial"], climb.renamed(climb.build().values())
    if initializers.is_filled_later(legacy, port):
        detail = "zeros in the port until TF1's values are put into it, so its initializers were not compared"
        return Rung("initial values", PASSED, detail, ulp=0)
    found = initializers.differences(legacy, port)
    if not found:
        return Rung("initial values", PASSED, f"{counted(len(port), 'initializer')} alike", ulp=0)
    cause = Cause("initializer", f"with TF1's values put into {listed([climb.mapping[n] for n in found])}", 0, True)
    detail = initializers.sentence(found, climb.mapping)
    return Rung("initial values", FAILED, detail, tensor=next(iter(found)), causes=[cause])


def _unsteady(climb: Climb, measure: Any) -> Any:
    """The names of what is not the same when it is measured twice, with no seed but the port's own."""
    seedless = replace(climb, seed=None)
    measured, again = (measure(seedless, prepared(seedless)) for _ in range(2))
    names = (
        name for moment, quantities in measured.items() for name, value in quantities.items()
        if difference(value, again[moment][name]) is not None
    )  # fmt: skip
    return list(dict.fromkeys(names))


def noise(climb: Climb) -> Any:
    """How far one ULP in each variable moves what the port computes, where the TF1 program itself cannot be moved."""
    runs = []
    for seed in range(-1, RUNS):
        moments = {}
        for measure in MEASUREMENTS.values():
            with contextlib.suppress(Skipped, Lacking):
                moments.update(measure(climb, prepared(climb, None if seed < 0 else partial(nudge, seed=seed))))
        runs.append(moments)
    return spread_of(runs[0], runs[1:])


def nudge(port: Any, seed: int) -> None:
    """Move every variable by one ULP, up or down."""
    random = np.random.RandomState(seed)
    for name, value in port.values().items():
        if value.dtype in (np.float32, np.float64):
            towards = np.where(random.rand(*value.shape) < 0.5, -np.inf, np.inf).astype(value.dtype)
            port.assign({name: np.nextafter(value, towards)})


class Lacking(Exception):
    """The port lacks what the rung compares; the message says what."""


def prepared(climb: Climb, alter: Any = None) -> Any:
    """The port, built anew and started from TF1's values."""
    port = climb.build()
    climb.start(port)
    if alter is not None:
        alter(port)
    return port


def measure_initial(climb: Climb, port: Any) -> Any:
    """The values that the port holds once TF1's are put into it."""
    return {"initial": climb.renamed(port.values())}


@contextlib.contextmanager
def _of_any_length() -> Iterator[None]:
    """A port that fails on other inputs than the first step's lacks what TF1's program can do: the rung fails."""
    try:
        yield
    except InputError as reason:
        text = f"the port takes the first step's inputs, and not another number of examples or mode ({reason})"
        raise Lacking(text) from None


def measure_forward(climb: Climb, port: Any) -> Any:
    """The fetches before training, and again with other examples where they were drawn."""
    with _variables_made() as made:
        fetches = port.forward(climb.feeds(0))
        if made:
            made.clear()
            fetches = port.forward(climb.feeds(0))
            if made:
                raise InputError(
                    f"a variable must be created once, in build(). Received: forward() created {made[0]} twice"
                )
    missing = [name for name in climb.legacy["before"] if name not in fetches]
    if missing:
        raise InputError(
            f"forward() must return every fetch of the TF1 program. Received: {', '.join(fetches)} without "
            f"{', '.join(missing)}; return it, or take it out of the fetches"
        )
    moments = {"before": {name: fetches[name] for name in climb.legacy["before"]}}
    if OTHERWISE in climb.legacy:
        with _of_any_length():
            fetches = port.forward(climb.otherwise_fed())
        moments[OTHERWISE] = {name: fetches[name] for name in climb.legacy["before"]}
    return moments


def measure_gradients(climb: Climb, port: Any) -> Any:
    """The gradients that the first step applies."""
    _require_steps(climb, port)
    if not climb.legacy.get("gradients"):
        raise Skipped(
            "no tf.train optimizer applies gradients in the TF1 program; add 'gradients' to what build() returns"
        )
    gradients = port.gradients(climb.feeds(0))
    if gradients is None:
        raise Skipped(
            "the port does not tell its gradients; add 'optimizer' to what build() returns, or return them from step()"
        )
    gradients = climb.renamed(gradients)
    for name, expected in climb.legacy["gradients"].items():  # what a step does not train, it moves by nothing
        gradients.setdefault(name, np.zeros_like(expected))
    return {"gradients": {name: gradients[name] for name in climb.legacy["gradients"]}}


def measure_one_step(climb: Climb, port: Any) -> Any:
    """The variables after one step."""
    _require_steps(climb, port)
    port.step(climb.feeds(0))
    return {"step 1": climb.renamed(port.values())}


def measure_steps(climb: Climb, port: Any) -> Any:
    """The variables after every step, and the fetches after the last."""
    _require_steps(climb, port)
    moments = {}
    with _variables_made() as made:
        for step in range(climb.steps):
            with _of_any_length() if climb.is_varied(step) else contextlib.nullcontext():
                port.step(climb.feeds(step))
            moments[f"step {step + 1}"] = climb.renamed(port.values())
            if step == 0:
                made.clear()
            elif made:
                raise InputError(f"a variable must be created once. Received: step() created {made[0]} again")
    moments["after"] = {
        name: value for name, value in port.forward(climb.feeds(0)).items() if name in climb.legacy["after"]
    }
    return moments


def measure_slots(climb: Climb, port: Any) -> Any:
    """The optimizer's slots after the last step, under TF1's names."""
    _require_steps(climb, port)
    if not climb.legacy.get("slots"):
        raise Skipped("the TF1 optimizer keeps no slots")
    for step in range(climb.steps):
        port.step(climb.feeds(step))
    return slots_of(climb, port)


def slots_of(climb: Climb, port: Any) -> Any:
    """The slots of a port that has been trained."""
    if not climb.legacy.get("slots"):
        raise Skipped("the TF1 optimizer keeps no slots")
    back = {b: a for a, b in climb.mapping.items()}
    slots = {
        f"{back[name]}/{slot}": np.array(tf.convert_to_tensor(variable).numpy())
        for (name, slot), variable in port.slots().items()
        if name in back
    }
    shared = {name: slots[name] for name in climb.legacy["slots"] if name in slots}
    if not shared:
        raise Skipped("the port's optimizer keeps no slots of TF1's kind; add 'slots' to what build() returns")
    kept = {name.rsplit("/", 1)[1] for name in slots} if not port.gives_slots else None
    missing = [a for a in climb.legacy["slots"] if a not in slots and (kept is None or a.rsplit("/", 1)[1] in kept)]
    if missing:
        raise Lacking(f"the port lacks slots of the TF1 program: {listed(missing)}")
    return {"slots": shared}


MEASUREMENTS = {
    "initial values": measure_initial,
    "forward": measure_forward,
    "gradients": measure_gradients,
    "one step": measure_one_step,
    "N steps": measure_steps,
    "slots": measure_slots,
}


def _require_steps(climb: Climb, port: Any) -> None:
    if not any(moment.startswith("step ") for moment in climb.legacy):
        raise Skipped("the TF1 program has no train op")
    if not port.has_step:
        raise Skipped("the port has no step()")


@contextlib.contextmanager
def _variables_made() -> Iterator[Any]:
    """The names of the variables that are created while it lasts."""
    made: list[str] = []

    def creator(create: Callable[..., Any], **arguments: Any) -> Any:
        variable = create(**arguments)
        made.append(arguments.get("name") or variable.name)
        return variable

    with tf.variable_creator_scope(creator):
        yield made
