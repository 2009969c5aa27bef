"""Faults that a port may have in its optimizer: hyperparameters, initial slots, the count of steps, the kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_repro import optimizers
from tf_repro.migrate.checker.climb import Climb
from tf_repro.migrate.diagnosis.faults import Candidate
from tf_repro.programs.port import patched

KERAS_NAMES = {
    "beta1": ("beta1", "beta_1"),
    "beta2": ("beta2", "beta_2"),
    "decay": ("decay", "rho"),
    "use_nesterov": ("use_nesterov", "nesterov"),
}


def configuration(climb: Climb) -> Iterator[Any]:
    """Hyperparameters, initial slots and the count of steps."""
    built = climb.build()
    if built.optimizer is not None:
        yield from _hyperparameters(climb, built.optimizer)
        if built.optimizer.weight_decay:
            yield Candidate(
                "weight_decay",
                f"without the port's weight_decay={built.optimizer.weight_decay:g}, which TF1's optimizers lack",
                alter=lambda port: setattr(port.optimizer, "weight_decay", None),
            )
        if climb.legacy["initial slots"]:
            yield Candidate(
                _slot_cause(climb),
                f"with the slots started at TF1's {_slot_values(climb)}",
                alter=lambda port: _start_slots(climb, port),
            )
        yield from _schedule(climb, built.optimizer)
    counters = [
        place
        for place, variable in enumerate(built.created)
        if variable.dtype.is_integer and variable.shape.rank == 0 and "seed" not in variable.name
    ]
    for place in counters:
        for shift in (-1, 1):
            yield Candidate(
                "off-by-one decay",
                f"with the step counter {built.created[place].name.split(':')[0]} started {shift:+d}",
                alter=lambda port, place=place, shift=shift: port.created[place].assign_add(shift),
            )


def _schedule(climb: Climb, optimizer: Any) -> Iterator[Any]:
    schedule: Any = getattr(optimizer, "_learning_rate", None)
    if hasattr(schedule, "staircase"):
        yield Candidate(
            "staircase",
            f"with staircase={not schedule.staircase} in the learning rate's decay",
            alter=lambda port: setattr(port.optimizer._learning_rate, "staircase", not schedule.staircase),
        )
    if callable(schedule):
        for shift in (-1, 1):
            yield Candidate(
                "off-by-one decay",
                f"with the learning rate of the step {'before' if shift < 0 else 'after'}",
                alter=lambda port, shift=shift: _shift_schedule(port.optimizer, shift),
            )
    rates = list(climb.legacy.get("learning rate", {}).values())
    if rates and np.ndim(rates[0]) == 0 and (callable(schedule) or len(set(map(float, rates))) > 1):
        shown = ", ".join(f"{rate:g}" for rate in rates[:3])
        yield Candidate(
            "learning rate schedule",
            f"with the TF1 program's learning rates ({shown}, …) for the port's",
            alter=lambda port: setattr(port.optimizer, "_learning_rate", _table(rates, port.optimizer)),
        )


def _table(rates: Any, optimizer: Any) -> Any:
    """A learning rate for Keras: the TF1 program's, step by step."""
    table = tf.constant(np.stack(rates))
    return lambda: table[tf.minimum(optimizer.iterations.value, len(rates) - 1)]


def _hyperparameters(climb: Climb, optimizer: Any) -> Iterator[Any]:
    for described in climb.description["optimizers"][:1]:
        wanted = dict(described["hyperparameters"])
        rate = climb.legacy.get("learning rate", {}).get("step 1")
        if rate is not None and isinstance(getattr(optimizer, "_learning_rate", None), keras.Variable):
            wanted["learning_rate"] = float(rate)
        for name, value in wanted.items():
            for attribute in KERAS_NAMES.get(name, (name,)):
                has = getattr(optimizer, attribute, None)
                if has is None:
                    continue
                has = float(has) if attribute == "learning_rate" else has
                if np.float32(has) != np.float32(value):
                    yield Candidate(
                        name,
                        f"with {attribute}={value:g} as in TF1 (the port has {has:g})",
                        alter=lambda port, attribute=attribute, value=value: setattr(port.optimizer, attribute, value),
                    )


def _slot_cause(climb: Climb) -> Any:
    kind = climb.description["optimizers"][0]["kind"]
    return "RMSProp slot" if kind == "RMSProp" else "initial slots"


def _slot_values(climb: Climb) -> Any:
    values = {
        name.rsplit("/", 1)[1]: float(np.ravel(v)[0]) for name, v in climb.legacy["initial slots"].items() if v.size
    }
    return ", ".join(f"{slot}={value:g}" for slot, value in values.items())


def _start_slots(climb: Climb, port: Any) -> None:
    if not port.optimizer.built:
        trained = [
            port.variables[climb.mapping[name]] for name in climb.description["trainable"] if name in climb.mapping
        ]
        port.optimizer.build(trained)
    back = {b: a for a, b in climb.mapping.items()}
    for (name, slot), variable in port.slots().items():
        value = climb.legacy["initial slots"].get(f"{back.get(name)}/{slot}")
        if value is not None:
            variable.assign(value)


def _shift_schedule(optimizer: Any, shift: Any) -> None:
    schedule: Any = getattr(optimizer, "_learning_rate", None)
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        optimizer._learning_rate = _Shifted(schedule, shift)


class _Shifted(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, schedule: Any, shift: Any) -> None:
        self.schedule, self.shift = schedule, shift

    def __call__(self, step: Any) -> Any:
        return self.schedule(step + self.shift)

    def get_config(self) -> Any:
        return {"schedule": self.schedule, "shift": self.shift}


def replacement(climb: Climb, includes: Any) -> Iterator[Any]:
    """TF1's optimizer in place of the port's, and TF1's learning rates with it: all of a configuration at once."""
    rates = list(climb.legacy.get("learning rate", {}).values())
    described = climb.description["optimizers"]
    if len(described) != 1 or not rates or not hasattr(optimizers, described[0]["kind"]):
        return
    if climb.build().optimizer is None:  # a step by hand has none that could be exchanged
        return
    kind = getattr(optimizers, described[0]["kind"])
    numbers = {k: v for k, v in described[0]["hyperparameters"].items() if k in kind.hyperparameters}
    shown = ", ".join(f"{name}={value}" for name, value in numbers.items())

    def exchange(port: Any) -> None:
        replacement = kind(lambda: rate(), **numbers)  # type: ignore[has-type]
        rate = _table(rates, replacement)
        for clip in ("clipnorm", "clipvalue", "global_clipnorm"):
            setattr(replacement, clip, getattr(port.optimizer, clip))
        port.exchange = patched(port.optimizer, "apply", replacement.apply)
        port.exchange.__enter__()
        port.optimizer = replacement

    yield Candidate(
        "optimizer",
        f"with tf_repro.optimizers.{kind.__name__}({shown}) for the port's, and the learning rates replaced by TF1's "
        "too (so a wrong schedule is not excluded)",
        alter=exchange,
        includes=includes,
    )
