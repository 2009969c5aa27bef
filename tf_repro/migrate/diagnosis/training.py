"""Faults of a training step outside forward and optimizer: what is applied, to what, and what is updated beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_repro.migrate.bisection import graft
from tf_repro.migrate.bisection.edits import applied
from tf_repro.migrate.bisection.matching import CLOSE, Matches, are_close
from tf_repro.migrate.bisection.port import Recorder
from tf_repro.migrate.bisection.region import Region
from tf_repro.migrate.bisection.search import Difference
from tf_repro.migrate.bisection.trace import Node, Ref, Trace
from tf_repro.migrate.checker.outcome import Where
from tf_repro.migrate.diagnosis.faults import Candidate
from tf_repro.migrate.diagnosis.source import place_of, text_of
from tf_repro.programs.port import Port, patched

MOST_OPERATIONS = 60
"""With more of them between what is matched and a gradient, TF1's whole backward pass would be exchanged."""


class Attached:
    """A context that, once attached to a port, changes how it runs; ``changes`` gives the context for a port."""

    def __init__(self, changes: Callable[[Port], Any]) -> None:
        self.changes = changes
        self.stack = contextlib.ExitStack()

    def __enter__(self) -> Attached:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def attach(self, port: Port) -> None:
        """Run this port with the changes until the context ends."""
        self.stack.enter_context(self.changes(port))


def candidate(cause: str, change: str, changes: Callable[[Port], Any], where: Where | None = None) -> Candidate:
    """A candidate that runs the port in a context of its own."""
    attached = Attached(changes)
    return Candidate(cause, change, lambda: attached, alter=attached.attach, where=where)


def stopped_gradients(climb: Any, legacy: Trace, port: Trace, matches: Matches) -> Iterator[Candidate]:
    """``tf.stop_gradient`` where only one of the programs has it."""
    for number, node in enumerate(legacy.nodes):
        for other in matches.of_legacy.get(Ref(number), []) if node.type == "StopGradient" else []:
            there = port.nodes[other.node]
            if (
                "labels_stop_gradient" in node.name
                or there.place is None
                or there.type in ("Placeholder", "StopGradient", "Const", "Variable")
            ):
                continue
            key = graft.key_of(port, other.node)
            where = place_of(there, f"tf.stop_gradient({_segment(there)})", climb.legacy_path, node)
            change = f"with tf.stop_gradient added {_on(there)}"
            yield _exchanging("stop_gradient", change, key, tf.stop_gradient, where)
    for number, node in enumerate(port.nodes):
        if node.type == "StopGradient" and node.place is not None:
            key = graft.key_of(port, number)
            where = place_of(node, None, climb.legacy_path, None)
            change = f"with tf.stop_gradient left out {_on(node)}"
            yield _exchanging("stop_gradient", change, key, None, where)


def _exchanging(cause: str, change: str, key: graft.Key, function: Any, where: Where | None) -> Candidate:
    def exchange(recorder: Recorder, number: int) -> Any:
        node = recorder.trace.nodes[number]
        if (node.place, node.type) != key[:2]:
            return None
        source = (
            recorder.tensors[number][0] if function else recorder.tensors[node.inputs[0].node][node.inputs[0].output]
        )
        return function(source) if function else tf.identity(source)

    return candidate(cause, change, lambda port: applied(port, exchange), where)


def applied_gradients(climb: Any, differences: Sequence[Difference], port: Trace) -> Iterator[Candidate]:
    """What TF1 makes of the gradients before they are applied, in place of what the port does."""
    found = [each for each in differences if each.kind == "gradient"]
    if not found or all(map(_is_negated, found)):  # the sign has a candidate of its own
        return
    end, expressions = Ref(len(port.nodes)), {}
    for each in found:
        with contextlib.suppress(graft.NotGraftable):
            root = each.matches.legacy.roots["gradient", each.name]
            expressions[each.name] = graft.expression(each.matches, root, end, self_counts=False)
    size = max((_size(each) for each in expressions.values()), default=0)
    if len(expressions) < len(found) or size > MOST_OPERATIONS:
        return
    cause, change, node = _about(found, expressions, port, climb.mapping)
    where = None if node is None else place_of(node, None, climb.legacy_path, _clipping(found[0].regions[0]))
    names = {climb.mapping[name]: expression for name, expression in expressions.items()}
    yield candidate(cause, change, lambda port: _applying(port, names), where)


def _about(
    found: Sequence[Difference], expressions: dict[str, Any], port: Trace, mapping: dict[str, str]
) -> tuple[str, str, Node | None]:
    """The cause's name, the change in words, and the port's operation that it is about."""
    operation = _clipping(found[0].regions[0])
    ours = next((node for each in found for node in [_clipping(each.regions[1])] if node is not None), None)
    if operation is not None or ours is not None:
        bound = f" ({operation.name.split('/')[0]})" if operation is not None else ""
        if operation is None:
            return "clipping", "with the port's clipping of the gradients left out, as TF1 applies them unclipped", ours
        kind = operation.name.split("/")[0].rstrip("_0123456789")
        kind = "clip_by_global_norm" if kind == "global_norm" else kind
        ours_text = "" if ours is None or ours.place is None else text_of(ours.place.file, ours.place.line)
        if ours is not None and kind.startswith("clip_by") and kind not in ours_text:
            return "clip by value for norm", f"with TF1's tf.{kind} in place of the port's clipping", ours
        instead = "added, which the port lacks" if ours is None else "in place of the port's"
        return "clipping", f"with TF1's clipping of the gradients{bound} {instead}", ours
    roots = {name: ref for (kind, name), ref in port.roots.items() if kind == "gradient"}
    if all(isinstance(each, graft.Known) for each in expressions.values()):
        numbers = graft.keys(port)
        taken = {mapping[name]: Ref(numbers[each.key], each.output) for name, each in expressions.items()}
        if all(
            any(other != name and _equal(port.value(ref), port.value(root)) for other, root in roots.items())
            for name, ref in taken.items()
        ):
            return "gradients out of order", f"with each of {', '.join(taken)} given its own gradient", None
    return "gradients changed", "with what TF1 makes of the gradients before it applies them", None


def _is_negated(difference: Difference) -> bool:
    legacy, port = (each.trace.value(each.root) for each in difference.regions)
    return legacy is not None and port is not None and legacy.size == port.size and are_close(legacy, -port, CLOSE[0])


def _clipping(region: Region) -> Node | None:
    for ref in region.inner:
        node = region.trace.nodes[ref.node]
        text = "" if node.place is None else text_of(node.place.file, node.place.line)
        if "clip" in node.name or node.type == "ClipByValue" or "clip" in text:
            return node
    return None


def _size(expression: Any) -> int:
    if not isinstance(expression, graft.Operation):
        return 0
    return 1 + sum(map(_size, expression.inputs))


@contextlib.contextmanager
def _applying(port: Port, expressions: dict[str, Any]) -> Iterator[None]:
    """While it lasts, the port's optimizer is given the expressions' values for those variables."""
    if port.optimizer is None:
        raise graft.NotGraftable("the port has no Keras optimizer whose gradients could be exchanged")
    names = {id(_plain(variable)): name for name, variable in port.variables.items()}
    original = port.optimizer.apply
    with applied(port) as recorder:

        def apply(grads: Any, trainable_variables: Any = None) -> Any:
            with recorder.unseen():
                at = len(recorder.trace.nodes) - 1
                chosen = [names.get(id(_plain(v))) for v in trainable_variables or port.optimizer.variables]
                grads = [
                    tf.reshape(expressions[name].evaluate(recorder, at), gradient.shape)
                    if name in expressions
                    else gradient
                    for name, gradient in zip(chosen, grads, strict=True)
                ]
            return original(grads, trainable_variables)

        with patched(port.optimizer, "apply", apply):
            yield


def _plain(variable: Any) -> Any:
    return variable.value if isinstance(variable, keras.Variable) else variable


def trained_variables(climb: Any) -> Iterator[Candidate]:
    """Variables that only one of the programs trains."""
    moved = {
        name
        for name, value in climb.legacy["step 1"].items()
        if not np.array_equal(value, climb.legacy["initial"][name])
    }
    port = climb.build()
    climb.start(port)
    port.step(climb.feeds(0))
    values = climb.renamed(port.values())
    ours = {name for name, value in values.items() if not np.array_equal(value, climb.legacy["initial"][name])}
    trained = set(climb.description["trainable"])
    gradients = set(climb.legacy.get("gradients", {}))
    extra = sorted(name for name in ours - moved if name in trained or _is_ours(port, climb.mapping[name]))
    if extra:
        yield candidate(
            "frozen layer trained",
            f"with {', '.join(climb.mapping[name] for name in extra)} not trained, as in TF1",
            lambda port: _kept(port, [climb.mapping[name] for name in extra]),
        )
    lost = sorted((moved & gradients) - ours)
    if lost:
        yield candidate(
            "trained layer frozen",
            f"with {', '.join(climb.mapping[name] for name in lost)} trained too, as in TF1",
            lambda port: _training_too(port, [climb.mapping[name] for name in lost]),
        )


def _is_ours(port: Port, name: str) -> bool:
    return bool(getattr(port.variables[name], "trainable", False))


@contextlib.contextmanager
def _kept(port: Port, names: Sequence[str]) -> Iterator[None]:
    """While it lasts, a step leaves these variables as they are."""
    original = port.step_function

    def step(feeds: Any) -> Any:
        before = {name: port.values()[name] for name in names}
        returned = original(feeds)
        port.assign(before)
        return returned

    with patched(port, "step_function", step):
        yield


@contextlib.contextmanager
def _training_too(port: Port, names: Sequence[str]) -> Iterator[None]:
    """While it lasts, the tape, a clipping by the global norm and the optimizer are given these variables as well."""
    more = [port.variables[name] for name in names]
    plain = [_plain(variable) for variable in more]
    held: list[Any] = []
    lengths: list[int] = []
    original, apply, clip = tf.GradientTape.gradient, port.optimizer.apply, tf.clip_by_global_norm

    def gradient(tape: Any, target: Any, sources: Any, *arguments: Any, **options: Any) -> Any:
        flat = tf.nest.flatten(sources)
        found = original(tape, target, [*flat, *plain], *arguments, **options)
        held[:], lengths[:] = found[len(flat) :], [len(flat)]
        return tf.nest.pack_sequence_as(sources, found[: len(flat)])

    def clipped_too(t_list: Any, *arguments: Any, **options: Any) -> Any:
        if [len(t_list)] != lengths:
            return clip(t_list, *arguments, **options)
        clipped, norm = clip([*t_list, *held], *arguments, **options)
        held[:] = clipped[len(t_list) :]
        return clipped[: len(t_list)], norm

    def applied_too(grads: Any, trainable_variables: Any = None) -> Any:
        return apply([*grads, *held], [*trainable_variables, *more])

    with (
        patched(tf.GradientTape, "gradient", gradient),
        patched(tf, "clip_by_global_norm", clipped_too),
        patched(port.optimizer, "apply", applied_too),
    ):
        yield


def updates(climb: Any, legacy: Trace, port: Trace, matches: Matches) -> Iterator[Candidate]:
    """Updates beside the optimizer's, such as those of moving averages, that only one of the programs runs."""
    written = [{(climb.mapping.get(name, name) if side == 0 else name): kind
                for kind, name in trace.roots if kind.startswith("write")}
               for side, trace in ((0, legacy), (1, port))]  # fmt: skip
    trained = {climb.mapping.get(name) for name in climb.legacy.get("gradients", {})}
    ours = [name for name in written[1]
            if name not in written[0] and name in climb.mapping.values() and name not in trained]  # fmt: skip
    if ours:
        yield candidate(
            updates_of(ours), f"with {', '.join(ours)} left as they are, as TF1's train op does",
            lambda port: _kept(port, ours),
        )  # fmt: skip
    back = {b: a for a, b in climb.mapping.items()}
    theirs = [name for name in written[0] if name not in written[1] and name in back]
    if theirs:
        end, expressions = Ref(len(port.nodes)), {}
        for name in theirs:
            with contextlib.suppress(graft.NotGraftable):
                expressions[name] = (
                    written[0][name],
                    graft.expression(matches, legacy.roots[written[0][name], back[name]], end, self_counts=False),
                )
        for anew in (True, False) if len(expressions) == len(theirs) else ():
            yield candidate(
                updates_of(theirs), f"with {', '.join(theirs)} updated in each step, as in TF1",
                lambda port, anew=anew: _updating(port, expressions, anew),
            )  # fmt: skip


def _equal(a: Any, b: Any) -> bool:
    return np.array_equal(a, b)


def updates_of(names: Sequence[str]) -> str:
    """The kind of fault, by what the variables are called."""
    averages = all("moving" in name or "running" in name or name.endswith(("mean", "variance")) for name in names)
    return "batch normalization updates" if averages else "updates"


@contextlib.contextmanager
def _updating(port: Port, expressions: dict[str, tuple[str, Any]], anew: bool) -> Iterator[None]:
    """While it lasts, a step assigns the expressions' values as well, of variables read ``anew`` or as the step did."""
    with applied(port) as recorder:
        original = port.step_function

        def step(feeds: Any) -> Any:
            returned = original(feeds)
            at = len(recorder.trace.nodes) - 1
            for variable in port.variables.values() if anew else ():
                tf.convert_to_tensor(variable)  # a read that is noted, after the optimizer's step
            with recorder.unseen():
                for name, (kind, expression) in expressions.items():
                    value, variable = expression.evaluate(recorder, at), _plain(port.variables[name])
                    {"write Assign": variable.assign, "write AssignSub": variable.assign_sub,
                     "write AssignAdd": variable.assign_add}[kind](value)  # fmt: skip
            return returned

        with patched(port, "step_function", step):
            yield


def _on(node: Node) -> str:
    return "" if node.place is None else f"on {Path(node.place.file).name}:{node.place.line}"


def _segment(node: Node) -> str:
    place = node.place
    if place is None or place.column is None:
        return "…"
    return text_of(place.file, place.line)[place.column : place.end]
