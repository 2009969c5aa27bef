"""Why a rung fails: the port is changed in one way at a time and the rung run again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_repro import optimizers
from tf_repro.migrate import substitutions
from tf_repro.migrate.names import swapped
from tf_repro.migrate.oracle import run_legacy
from tf_repro.migrate.outcome import FAILED, Cause
from tf_repro.migrate.port import Port, patched, running_eagerly
from tf_repro.migrate.rungs import MEASURES, gap, judge, prepared
from tf_repro.record import Record

SECONDS = 60.0
ROUNDING = 64.0
"""With this many units in the last place left, of eight times as many or more before, only rounding is left."""

KERAS_NAMES = {
    "beta1": ("beta1", "beta_1"),
    "beta2": ("beta2", "beta_2"),
    "decay": ("decay", "rho"),
    "use_nesterov": ("use_nesterov", "nesterov"),
}


@dataclass(frozen=True)
class Candidate:
    """One change to the port.

    Attributes:
        cause: the kind of fault.
        change: the change in words.
        context: a context in which the port is built and run.
        alter: called with the built and started port.
        mapping: another name map, or None.
        legacy: called for another run of the TF1 program, or None.
        transform: called with each measured array.
        eager: whether ``tf.function`` runs as Python, which the context may need.
    """

    cause: str
    change: str
    context: Callable[[], Any] = contextlib.nullcontext
    alter: Callable[[Port], None] | None = None
    mapping: dict | None = None
    legacy: Callable[[], Record] | None = None
    transform: Callable[[Any], Any] | None = None
    eager: bool = True
    last: bool = field(default=False)


def of_shape(legacy, port):
    """The cause of two shapes that differ, where there is one."""
    if legacy.ndim > 1 and legacy.T.shape == port.shape:
        return [Cause("transposed kernel", "with the port's kernel transposed", None, True)]
    return []


def of_dtype(legacy, port):
    """The cause of two dtypes that differ, where there is one."""
    if port.dtype == np.float64 and legacy.dtype == np.float32:
        return [Cause("float64 leak", "with the port's variable created as float32", None, True)]
    return []


def diagnose(this, name, measured):
    """The causes that mend a failed rung, and how many were tested.

    Args:
        this: the :class:`~tf_repro.migrate.rungs.Climb`.
        name: the rung.
        measured: what the port gave on it.

    Returns:
        A list of :class:`Cause`, those with which the rung passes first, and the number of changes tested.
    """
    before, found, tested = gap(this, measured), [], 0
    start = time.monotonic()
    for candidate in candidates(this, name):
        if time.monotonic() - start > SECONDS:
            break
        if candidate.last and any(cause.passes for cause in found):
            break
        tested += 1
        cause = attempt(this, name, candidate, before)
        if cause is not None:
            found.append(cause)
    return sorted(found, key=lambda cause: not cause.passes), tested


def attempt(this, name, candidate, before):
    """The :class:`Cause`, where the change mends the rung or leaves only rounding; else None."""
    try:
        changed = replace(this, mapping=candidate.mapping or this.mapping)
        if candidate.legacy is not None:
            changed = replace(changed, legacy=candidate.legacy())
        with candidate.context(), running_eagerly() if candidate.eager else contextlib.nullcontext():
            measured = MEASURES[name](changed, prepared(changed, candidate.alter))
        if candidate.transform is not None:
            measured = {m: {n: candidate.transform(v) for n, v in q.items()} for m, q in measured.items()}
        verdict = judge(changed, name, measured)
        left = gap(changed, measured)
    except Exception:  # a change that makes the port crash, or give nan, mends nothing
        return None
    if verdict.status != FAILED:
        return Cause(candidate.cause, candidate.change, verdict.ulp, True)
    if left <= ROUNDING and left <= before / 8:
        return Cause(candidate.cause, candidate.change, verdict.ulp, False)
    return None


def candidates(this, name) -> Iterator[Candidate]:
    """The changes to test on a rung, the most specific first."""
    if name == "initial values":
        return
    if this.legacy.provenance["tensorflow"] != tf.__version__:
        yield Candidate(
            "kernels",
            f"with the TF1 program on TensorFlow {tf.__version__} (compat.v1) for "
            f"{this.legacy.provenance['tensorflow']}, whose kernels round otherwise; max_ulp declares that",
            legacy=lambda: _on_this_release(this),
        )
    if name in ("one step", "N steps", "slots"):
        yield from _optimizer(this)
    yield from _variables(this)
    if name == "forward":
        yield Candidate("sign changed", "with the sign of the fetches changed", transform=np.negative)
    else:
        yield Candidate(
            "sign changed", "with the sign of the gradients changed", lambda: substitutions.changing_gradients(_negated)
        )
        yield from _clipping(this, name)
    for substitution in substitutions.FORWARD:
        yield from _by_line(this, name, substitution)
    if name != "forward":
        yield from _scales(this)
    yield Candidate(
        substitutions.EVERY_FLOAT64.cause,
        f"with {substitutions.EVERY_FLOAT64.change}",
        lambda: substitutions.EVERY_FLOAT64.applied(this.path),
    )
    yield Candidate(
        "graph optimiser",
        "with the port compiled by tf.function, where products are reordered as in a Session",
        alter=_compile,
        eager=False,
    )
    if name in ("one step", "N steps", "slots"):
        yield from _replaced_optimizer(this)


def _on_this_release(this):
    """The TF1 program once more, from the same values and feeds, on the TensorFlow that runs the port."""
    feeds, start = this.legacy["feeds"], this.legacy["initial"]
    record, _ = run_legacy(this.legacy_path, steps=this.steps, seed=this.seed, feeds=feeds, start=start)
    return record


def _variables(this):
    """Variables that have changed places, kernels that are transposed, values that were copied too early."""
    initial = this.legacy["initial"]
    for a, b, mapping in swapped(this.mapping, initial):
        yield Candidate("swapped variables", f"with {this.mapping[a]} and {this.mapping[b]} exchanged", mapping=mapping)
    for name, value in initial.items():
        if name in this.mapping and value.ndim == 2 and value.shape[0] == value.shape[1]:
            other = this.mapping[name]
            yield Candidate(
                "transposed kernel",
                f"with {other} transposed",
                alter=lambda port, value=value, other=other: port.assign({other: value.T}),
            )
    yield Candidate(
        "stale initial value",
        "with the variables created from TF1's values, so the port copied them before they were set",
        lambda: _created_from(this),
    )


@contextlib.contextmanager
def _created_from(this):
    """While it lasts, the port's variables are created from TF1's values."""
    built = Port(this.path, this.seed)
    back = {b: a for a, b in this.mapping.items()}
    values = {}
    for name, variable in built.variables.items():
        plain = getattr(variable, "value", None) if isinstance(variable, keras.Variable) else variable
        places = [place for place, made in enumerate(built.created) if made is plain]
        if places and name in back:
            values[places[0]] = this.legacy["initial"][back[name]]
    count = iter(range(10**9))

    def create(creator, **arguments):
        place = next(count)
        if place in values:
            arguments["initial_value"] = tf.constant(values[place])
        return creator(**arguments)

    with tf.variable_creator_scope(create):
        yield


def _by_line(this, name, substitution):
    """One candidate for each line of the port that calls one of the functions."""
    for line in sorted(_lines(this, name, substitution)):
        called = substitution.functions[0].partition(":")[2].split(".")[-1]
        calls = f"the call on line {line}" if "keras" in substitution.functions[0] else f"{called} on line {line}"
        yield Candidate(
            substitution.cause,
            f"with {calls}: {substitution.change}",
            lambda line=line: substitution.applied(this.path, line),
        )


def _lines(this, name, substitution):
    """The lines of the port on which one of the functions is called, and with what."""
    seen = {}
    measure = MEASURES["forward" if name == "forward" else "one step"]
    try:
        with substitution.applied(this.path, seen=seen), running_eagerly():
            measure(this, prepared(this))
    except Exception:  # the rung itself has told the reason
        return {}
    return seen


def _clipping(this, name):
    for substitution in substitutions.CLIPPING:
        yield from _by_line(this, name, substitution)
    for line, arguments in sorted(_lines(this, name, substitutions.CLIP_EACH).items()):
        if len(arguments) > 1:
            bound = arguments[-1]
            yield Candidate(
                "clip by value for norm",
                f"with tf.clip_by_global_norm instead of the clipping on line {line}",
                lambda line=line, bound=bound: substitutions.clipping_globally(this.path, line, bound),
            )
    built = Port(this.path, this.seed)
    kinds = ("clipvalue", "clipnorm", "global_clipnorm")
    has = [kind for kind in kinds if built.optimizer is not None and getattr(built.optimizer, kind)]
    for kind in has:
        for other in kinds:
            if other != kind:
                yield Candidate(
                    "clip by value for norm",
                    f"with {other} in place of {kind}",
                    alter=lambda port, kind=kind, other=other: _move(port.optimizer, kind, other),
                )


def _move(optimizer, kind, other):
    setattr(optimizer, other, getattr(optimizer, kind))
    setattr(optimizer, kind, None)


def _scales(this):
    """Gradients that are off by a number of examples or elements."""
    lengths = {n for values in this.legacy["feeds"].values() for n in (*values.shape[1:], values[0].size) if n > 1}
    for length in sorted(lengths):
        for words, factor in ((f"{length} times larger", length), (f"{length} times smaller", 1 / length)):
            yield Candidate(
                "mean for sum",
                f"with gradients {words}",
                lambda factor=factor: substitutions.changing_gradients(lambda g: _scaled(g, factor)),
            )


def _negated(gradients):
    return _scaled(gradients, -1.0)


def _scaled(gradients, factor):
    return tf.nest.map_structure(lambda g: None if g is None else g * tf.cast(factor, g.dtype), gradients)


def _compile(port):
    port._forward = tf.function(port._forward)
    if port._step is not None:
        port._step = tf.function(port._step)


def _optimizer(this):
    """Hyperparameters, initial slots and the count of steps."""
    built = Port(this.path, this.seed)
    if built.optimizer is not None:
        yield from _hyperparameters(this, built.optimizer)
        if this.legacy["initial slots"]:
            yield Candidate(
                _slot_cause(this),
                f"with the slots started at TF1's {_slot_values(this)}",
                alter=lambda port: _start_slots(this, port),
            )
        if callable(built.optimizer._learning_rate):
            for shift in (-1, 1):
                yield Candidate(
                    "off-by-one decay",
                    f"with the learning rate of the step {'before' if shift < 0 else 'after'}",
                    alter=lambda port, shift=shift: _shift_schedule(port.optimizer, shift),
                )
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


def _hyperparameters(this, optimizer):
    for described in this.description["optimizers"][:1]:
        wanted = dict(described["hyperparameters"])
        rate = this.legacy.get("learning rate", {}).get("step 1")
        if rate is not None and isinstance(optimizer._learning_rate, keras.Variable):
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


def _slot_cause(this):
    kind = this.description["optimizers"][0]["kind"]
    return "RMSProp slot" if kind == "RMSProp" else "initial slots"


def _slot_values(this):
    values = {
        name.rsplit("/", 1)[1]: float(np.ravel(v)[0]) for name, v in this.legacy["initial slots"].items() if v.size
    }
    return ", ".join(f"{slot}={value:g}" for slot, value in values.items())


def _start_slots(this, port):
    if not port.optimizer.built:
        trained = [port.variables[this.mapping[name]] for name in this.description["trainable"] if name in this.mapping]
        port.optimizer.build(trained)
    back = {b: a for a, b in this.mapping.items()}
    for (name, slot), variable in port.slots().items():
        value = this.legacy["initial slots"].get(f"{back.get(name)}/{slot}")
        if value is not None:
            variable.assign(value)


def _shift_schedule(optimizer, shift):
    schedule = optimizer._learning_rate
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        optimizer._learning_rate = _Shifted(schedule, shift)


class _Shifted(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, schedule, shift):
        self.schedule, self.shift = schedule, shift

    def __call__(self, step):
        return self.schedule(step + self.shift)

    def get_config(self):
        return {"schedule": self.schedule, "shift": self.shift}


def _replaced_optimizer(this):
    """TF1's optimizer in place of the port's, and TF1's learning rates with it."""
    rates = list(this.legacy.get("learning rate", {}).values())
    described = this.description["optimizers"]
    if len(described) != 1 or not rates or not hasattr(optimizers, described[0]["kind"]):
        return
    kind = getattr(optimizers, described[0]["kind"])
    numbers = {k: v for k, v in described[0]["hyperparameters"].items() if k in kind.hyperparameters}
    shown = "".join(f", {name}={value}" for name, value in numbers.items())

    def exchange(port):
        replacement = kind(lambda: rates[min(int(replacement.iterations), len(rates) - 1)], **numbers)
        for clip in ("clipnorm", "clipvalue", "global_clipnorm"):
            setattr(replacement, clip, getattr(port.optimizer, clip))
        port.exchange = patched(port.optimizer, "apply", replacement.apply)
        port.exchange.__enter__()
        port.optimizer = replacement

    yield Candidate(
        "optimizer",
        f"with tf_repro.optimizers.{kind.__name__}(TF1's learning rates{shown}) for the port's",
        alter=exchange,
        last=True,
    )
