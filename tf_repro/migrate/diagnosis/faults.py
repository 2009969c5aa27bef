"""Faults that a port may have outside its optimizer: a candidate is one change that would mend one of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.migrate.checker.climb import Climb
from tf_repro.migrate.checker.outcome import Where
from tf_repro.migrate.checker.rungs import MEASUREMENTS, prepared
from tf_repro.migrate.diagnosis import substitutions
from tf_repro.migrate.diagnosis.source import text_of
from tf_repro.migrate.names import swapped
from tf_repro.programs.port import Port, running_eagerly
from tf_repro.programs.tf1 import run_legacy

MOST_PAIRS = 40


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
        eager: whether ``tf.function`` runs as Python, so that calls can be told by their line.
        includes: the other kinds of fault that the change would mend as well.
        where: the place in the port, where it is one.
    """

    cause: str
    change: str
    context: Callable[[], Any] = contextlib.nullcontext
    alter: Callable[[Port], None] | None = None
    mapping: dict[str, str] | None = None
    legacy: Callable[[], Record] | None = None
    transform: Callable[[Any], Any] | None = None
    eager: bool = False
    includes: frozenset[str] = frozenset()
    where: Where | None = None


EAGERLY = Candidate("graph optimiser", "with the port's tf.functions run as Python, operation by operation", eager=True)


def on_this_release(climb: Climb) -> Any:
    """The TF1 program once more, from the same values and feeds, on the TensorFlow that runs the port."""
    if climb.bundle is not None:
        raise InputError("the TF1 program must be run again for that. Received: a golden bundle, which is replayed")
    feeds, start = climb.legacy["feeds"], climb.legacy["initial"]
    record, _ = run_legacy(
        climb.legacy_path,
        steps=climb.steps,
        seed=climb.seed,
        feeds=feeds,
        start=start,
        inputs=climb.inputs,
        script=climb.script,
        shapes=climb.legacy.get("feed shapes"),
    )
    return record


def variables(climb: Climb) -> Iterator[Any]:
    """Variables that have changed places, kernels that are transposed, values that were copied too early."""
    initial = climb.legacy["initial"]
    for a, b, mapping in islice(swapped(climb.mapping, initial), MOST_PAIRS):
        yield Candidate(
            "swapped variables", f"with {climb.mapping[a]} and {climb.mapping[b]} exchanged", mapping=mapping
        )
    for name, value in initial.items():
        if name in climb.mapping and value.ndim == 2 and value.shape[0] == value.shape[1]:
            other = climb.mapping[name]
            yield Candidate(
                "transposed kernel",
                f"with {other} transposed",
                alter=lambda port, value=value, other=other: port.assign({other: value.T}),
            )
    yield Candidate(
        "stale initial value",
        "with the variables created from TF1's values, so the port copied them before they were set",
        lambda: created_from(climb),
    )


@contextlib.contextmanager
def created_from(climb: Climb) -> Iterator[None]:
    """While it lasts, the port's variables are created from TF1's values."""
    built = climb.build()
    back = {b: a for a, b in climb.mapping.items()}
    values = {}
    for name, variable in built.variables.items():
        plain = getattr(variable, "value", None) if isinstance(variable, keras.Variable) else variable
        places = [place for place, made in enumerate(built.created) if made is plain]
        if places and name in back:
            values[places[0]] = climb.legacy["initial"][back[name]]
    count = iter(range(10**9))

    def create(creator: Any, **arguments: Any) -> Any:
        place = next(count)
        if place in values:
            arguments["initial_value"] = tf.constant(values[place])
        return creator(**arguments)

    with tf.variable_creator_scope(create):
        yield


def by_line(climb: Climb, substitution: Any, places: Any) -> Iterator[Any]:
    """One candidate for each line of the port that calls one of the functions."""
    for place in sorted(places):
        yield Candidate(
            substitution.cause,
            f"with {substitution.change} {_at(climb, place)}",
            lambda place=place: substitution.applied(climb.path, place),
            eager=True,
            where=Where(place[0], place[1], before=text_of(*place[:2])),
        )


def _at(climb: Climb, place: Any) -> str:
    file, line, inside = place
    return f"{'inside the call on' if inside else 'on'} {Path(file).relative_to(climb.path.parent)}:{line}"


def called_lines(climb: Climb, name: str) -> Any:
    """For each substitution the lines of the port on which its functions are called, and with what."""
    known = (
        *substitutions.NUMERICS,
        *substitutions.FORWARD,
        *substitutions.BATCH_NORMALIZATION,
        *substitutions.BIAS_ADDITION,
        *substitutions.CLIPPING,
        substitutions.CLIP_EACH,
    )
    seen: list[dict[Any, Any]] = [{} for _ in known]
    measure = MEASUREMENTS["forward" if name == "forward" else "one step"]
    with contextlib.ExitStack() as stack:
        stack.enter_context(running_eagerly())
        for substitution, lines in zip(known, seen, strict=True):
            stack.enter_context(substitution.applied(climb.path, seen=lines))
        with contextlib.suppress(Exception):  # the rung itself tells the reason
            measure(climb, prepared(climb))
    return dict(zip(known, seen, strict=True))


def clipping(climb: Climb, lines: Any) -> Iterator[Any]:
    """One kind of clipping in place of another, on a line of the port or in its optimizer."""
    for substitution in substitutions.CLIPPING:
        yield from by_line(climb, substitution, lines[substitution])
    for place, arguments in sorted(lines[substitutions.CLIP_EACH].items()):
        if len(arguments) > 1:
            bound = arguments[-1]
            yield Candidate(
                "clip by value for norm",
                f"with tf.clip_by_global_norm for the clipping {_at(climb, place)}",
                lambda place=place, bound=bound: substitutions.clipping_globally(climb.path, place, bound),
                eager=True,
            )
    built = climb.build()
    kinds = ("clipvalue", "clipnorm", "global_clipnorm")
    has = [kind for kind in kinds if built.optimizer is not None and getattr(built.optimizer, kind)]
    for kind in has:
        for other in kinds:
            if other != kind:
                yield Candidate(
                    "clip by value for norm",
                    f"with {other} in place of {kind}",
                    alter=lambda port, kind=kind, other=other: move(port.optimizer, kind, other),
                )


def move(optimizer: Any, kind: Any, other: Any) -> None:
    """Give one kind of clipping's bound to another kind."""
    setattr(optimizer, other, getattr(optimizer, kind))
    setattr(optimizer, kind, None)


def scales(climb: Climb) -> Iterator[Any]:
    """Gradients that are off by a number of examples or elements."""
    lengths = {n for values in climb.legacy["feeds"].values() for n in (*values.shape[1:], values[0].size) if n > 1}
    for length in sorted(lengths):
        for words, factor in ((f"{length} times larger", length), (f"{length} times smaller", 1 / length)):
            yield Candidate(
                "mean for sum",
                f"with gradients {words}",
                lambda factor=factor: substitutions.changing_gradients(lambda g: scaled(g, factor)),
            )


def nudge(port: Any) -> None:
    """Move every variable by one ULP, up or down by a fixed draw."""
    random = np.random.RandomState(0)
    for name, value in port.values().items():
        if value.dtype in (np.float32, np.float64):
            port.assign(
                {
                    name: np.nextafter(
                        value, np.where(random.rand(*value.shape) < 0.5, -np.inf, np.inf).astype(value.dtype)
                    )
                }
            )


def negated(gradients: Any) -> Any:
    """The gradients with the other sign."""
    return scaled(gradients, -1.0)


def scaled(gradients: Any, factor: Any) -> Any:
    """The gradients times a number; None stays None."""
    return tf.nest.map_structure(lambda g: None if g is None else g * tf.cast(factor, g.dtype), gradients)


def compile_port(port: Any) -> None:
    """Let the port's functions run as graphs."""
    port.forward_function = tf.function(port.forward_function)
    if port.step_function is not None:
        port.step_function = tf.function(port.step_function)
