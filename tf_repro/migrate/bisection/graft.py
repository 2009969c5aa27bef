"""What TF1 computes somewhere, as an expression that is carried out on the running port's own tensors."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tf_repro.migrate.bisection.matching import Matches
from tf_repro.migrate.bisection.port import Recorder, op_def_registry
from tf_repro.migrate.bisection.trace import Ref, Trace, ancestors

DEEPEST_PATH = 8
Key = tuple[Any, str, int]
"""A place, an operation and its how-manieth time there: the same from run to run."""


class NotGraftable(Exception):
    """The expression cannot be carried out in the port; the message says why."""


@dataclass(frozen=True)
class Constant:
    """A number of the TF1 program."""

    value: np.ndarray

    def evaluate(self, recorder: Recorder, at: int) -> Any:
        """The tensor."""
        return tf.constant(self.value)


@dataclass(frozen=True)
class Source:
    """A variable or a feed of the port, by name."""

    type: str
    name: str

    def evaluate(self, recorder: Recorder, at: int) -> Any:
        """The tensor: as last read."""
        for number in range(len(recorder.trace.nodes) - 1, -1, -1):
            node = recorder.trace.nodes[number]
            if (node.type, node.name) == (self.type, self.name):
                return recorder.tensors[number][0]
        if self.type == "Variable" and self.name in recorder.port.variables:
            return tf.convert_to_tensor(recorder.port.variables[self.name])
        raise NotGraftable(f"{self.name} is not read before")


@dataclass(frozen=True)
class Along:
    """What lies on a path of inputs, up from the operation that is exchanged; an empty path is its own output."""

    path: tuple[int, ...]
    output: int

    def evaluate(self, recorder: Recorder, at: int) -> Any:
        """The tensor."""
        ref = Ref(at, self.output)
        for slot in self.path:
            ref = recorder.trace.nodes[ref.node].inputs[slot]
        return recorder.tensors[ref.node][ref.output if self.path else self.output]


@dataclass(frozen=True)
class Known:
    """An output of the port by its operation's key."""

    key: Key
    output: int

    def evaluate(self, recorder: Recorder, at: int) -> Any:
        """The tensor."""
        number = keys(recorder.trace).get(self.key)
        if number is None:
            raise NotGraftable("the port did not come by there")
        return recorder.tensors[number][self.output]


@dataclass(frozen=True)
class Shaped:
    """An expression without some axes of length one, and with others."""

    inner: Any
    without: tuple[int, ...]
    ones: tuple[int, ...]

    def evaluate(self, recorder: Recorder, at: int) -> Any:
        """The tensor."""
        tensor = self.inner.evaluate(recorder, at)
        if self.without:
            tensor = tf.squeeze(tensor, self.without)
        for axis in self.ones:
            tensor = tf.expand_dims(tensor, axis)
        return tensor


@dataclass(frozen=True)
class Operation:
    """An operation of the TF1 program on other expressions."""

    type: str
    inputs: tuple[Any, ...]
    attributes: dict[str, Any]
    output: int

    def evaluate(self, recorder: Recorder, at: int) -> Any:
        """The tensor."""
        values = [each.evaluate(recorder, at) for each in self.inputs]
        result = carried_out(self.type, values, self.attributes)
        return result[self.output] if isinstance(result, (list, tuple)) else result


def keys(trace: Trace) -> dict[Key, int]:
    """The number of each operation by its key."""
    counts: dict[Any, int] = {}
    found = {}
    for number, node in enumerate(trace.nodes):
        kind = (node.place, node.type)
        counts[kind] = counts.get(kind, 0) + 1
        found[node.place, node.type, counts[kind]] = number
    return found


def key_of(trace: Trace, number: int) -> Key:
    """An operation's key."""
    node = trace.nodes[number]
    count = sum(other.type == node.type and other.place == node.place for other in trace.nodes[: number + 1])
    return node.place, node.type, count


def carried_out(kind: str, values: Sequence[Any], attributes: dict[str, Any]) -> Any:
    """An operation by its type, on tensors, with TF1's attributes."""
    function, definition = getattr(tf.raw_ops, kind, None), op_def_registry.get(kind)
    if function is None or definition is None:
        raise NotGraftable(f"this TensorFlow has no operation {kind}")
    given, place, implied = {}, 0, set()
    names = list(inspect.signature(function).parameters)  # some differ from the definition's
    for argument, name in zip(definition.input_arg, names, strict=False):
        implied |= {argument.type_attr, argument.number_attr, argument.type_list_attr}
        if argument.number_attr or argument.type_list_attr:
            count = attributes.get(argument.number_attr) or len(values) - place
            given[name] = list(values[place : place + count])
        else:
            count, given[name] = 1, values[place]
        place += count
    for attribute in definition.attr:
        if attribute.name in attributes and attribute.name not in implied:
            value = attributes[attribute.name]
            given[attribute.name] = tf.as_dtype(value) if attribute.type == "type" else value
    return function(**given)


def expression(matches: Matches, ref: Ref, place: Ref, self_counts: bool) -> Any:
    """What the TF1 program computes as ``ref``, in terms of the port's tensors at ``place``.

    Args:
        matches: of both traces.
        ref: the TF1 program's output.
        place: the port's output that it is to replace.
        self_counts: whether that output itself may be used.

    Raises:
        NotGraftable: it is made of something that the port has not computed by then.
    """
    node = matches.legacy.nodes[ref.node]
    value = matches.legacy.value(ref)
    whole = value is not None and value.dtype.kind in "iub" and node.type != "Placeholder"
    if whole and node.inputs and _hangs_on_feeds(matches.legacy, ref):  # other feeds have another mask or length
        with contextlib.suppress(NotGraftable):
            return _operation(matches, ref, place, self_counts)
    if whole or (is_constant(matches.legacy, ref) and (value is None or value.size == 1)):
        if value is None:
            raise NotGraftable(f"the value of {node.name} is not known")
        return Constant(value)
    others = matches.of_legacy.get(ref, [])
    if value is not None:
        others = [o for o in others if np.shape(np.asarray(matches.port.value(o))) == value.shape] or others
    leaf = _leaf(matches, others, place, self_counts)
    if leaf is not None:
        expressed, other = leaf
        has = matches.port.value(other)
        return expressed if value is None or has is None else _shaped(expressed, has.shape, value.shape)
    if node.type == "Const" and value is not None:
        return Constant(value)
    if node.type == "Variable" and node.name in matches.variables:
        return Source("Variable", matches.variables[node.name])
    if node.type in ("Placeholder", "Variable"):
        raise NotGraftable(f"the port has nothing like {node.name}")
    return _operation(matches, ref, place, self_counts)


def _operation(matches: Matches, ref: Ref, place: Ref, self_counts: bool) -> Operation:
    node = matches.legacy.nodes[ref.node]
    inputs = tuple(expression(matches, each, place, self_counts) for each in node.inputs)
    return Operation(node.type, inputs, node.attributes, ref.output)


def _hangs_on_feeds(trace: Trace, ref: Ref) -> bool:
    """Whether an output is made from a feed, or from its shape."""
    return any(trace.nodes[each.node].type == "Placeholder" for each in ancestors(trace, [ref]))


def is_constant(trace: Trace, ref: Ref) -> bool:
    """Whether an output hangs on nothing but constants."""
    node = trace.nodes[ref.node]
    if node.type in ("Placeholder", "Variable") or (not node.inputs and node.type != "Const"):
        return False
    return all(is_constant(trace, each) for each in node.inputs)


def _leaf(matches: Matches, others: list[Ref], place: Ref, self_counts: bool) -> tuple[Any, Ref] | None:
    """One of the port's outputs as an expression, the nearest to ``place`` first, and which it is."""
    port = matches.port
    for other in others:
        if port.nodes[other.node].type in ("Placeholder", "Variable"):
            return Source(port.nodes[other.node].type, port.nodes[other.node].name), other
    if self_counts and place in others:
        return Along((), place.output), place
    paths = [(len(path), path, other) for other in others if (path := _path(port, place, other))]
    if paths:
        _, path, other = min(paths)
        return Along(path, other.output), other
    earlier = next((other for other in others if other.node < place.node), None)
    if earlier is None:
        return None
    if port.nodes[earlier.node].type == "Const":
        return Constant(np.asarray(port.value(earlier))), earlier
    return Known(key_of(port, earlier.node), earlier.output), earlier


def _shaped(expressed: Any, has: tuple[int, ...], wanted: tuple[int, ...]) -> Any:
    """The expression with axes of length one where TF1 has them: values are matched without."""
    if has == wanted:
        return expressed
    return Shaped(expressed, *(tuple(n for n, length in enumerate(shape) if length == 1) for shape in (has, wanted)))


def _path(trace: Trace, start: Ref, goal: Ref) -> tuple[int, ...]:
    """The inputs by which ``goal`` is reached from ``start``, the shortest way; empty where there is none."""
    if start.node >= len(trace.nodes):  # behind the end
        return ()
    waiting: list[tuple[Ref, tuple[int, ...]]] = [(start, ())]
    seen = {start}
    while waiting:
        ref, path = waiting.pop(0)
        if ref == goal:
            return path
        if len(path) < DEEPEST_PATH:
            for slot, each in enumerate(trace.nodes[ref.node].inputs):
                if each not in seen:
                    seen.add(each)
                    waiting.append((each, (*path, slot)))
    return ()
