"""The smallest exchanges that would make the port compute what TF1 does, and how the port is run with one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tf_repro.migrate.bisection import graft
from tf_repro.migrate.bisection.matching import Matches, form
from tf_repro.migrate.bisection.port import Recorder
from tf_repro.migrate.bisection.region import Region
from tf_repro.migrate.bisection.trace import Node, Ref
from tf_repro.programs.port import Port

NEAREST = 24
"""How many of a region's first outputs are taken into account."""
LARGEST = 24
"""The most operations, on both sides together, that one exchange is made of."""

SMALL_END = 6
"""Up to how many operations the last ones before what is compared are exchanged first: a loss's mean for its sum."""


@dataclass(frozen=True)
class Edit:
    """TF1's expression in place of one of the port's outputs.

    Attributes:
        legacy: the TF1 program's output.
        port: the port's output that it takes the place of.
        cost: how many operations are exchanged, on both sides together.
        expression: what is carried out.
        key: of the port's operation.
        everywhere: whether each time that the port comes by that line, or this time only.
        added: TF1's operations that the port lacks.
        dropped: the port's operations that TF1 lacks.
    """

    legacy: Ref
    port: Ref
    cost: int
    expression: Any
    key: graft.Key
    everywhere: bool
    added: tuple[Node, ...]
    dropped: tuple[Node, ...]

    def exchange(self, recorder: Recorder, number: int) -> Any:
        """The tensor in place of the output of the operation just carried out, or None."""
        node = recorder.trace.nodes[number]
        if (node.place, node.type) != self.key[:2]:
            return None
        if not self.everywhere and graft.key_of(recorder.trace, number) != self.key:
            return None
        result = self.expression.evaluate(recorder, number)
        had = recorder.tensors[number][self.port.output]
        if result.shape != had.shape and _squeezed(result) == _squeezed(had):
            result = tf.reshape(result, had.shape)
        return result


def _squeezed(tensor: Any) -> list[int]:
    return [length for length in tensor.shape if length != 1]


def edits(matches: Matches, legacy: Region, port: Region) -> Iterator[Edit]:
    """The exchanges to try, the smallest first; of equally small ones, those after which all goes on alike."""
    found = []
    lefts = [*legacy.inner[:NEAREST], *legacy.border]
    rights = [*port.inner[:NEAREST], *port.border]
    for left in lefts:
        value = matches.legacy.value(left)
        if value is None or value.dtype.kind != "f":
            continue
        added = legacy.inside(left)
        for right in rights:
            other = matches.port.value(right)
            if other is None or other.dtype.kind != "f" or other.size != value.size:
                continue
            dropped = port.inside(right)
            cost = len(added) + len(dropped)
            if 0 < cost <= LARGEST and not _is_whole(legacy, port, left, right, cost):
                same_form = form(value) == form(other)
                is_small_end = cost <= SMALL_END and (left, right) == (legacy.root, port.root)
                alike = is_small_end or _goes_on_alike(matches, left, right)
                found.append((not alike, cost, not same_form, left, right))
    seen = set()
    for _, cost, _, left, right in sorted(found):
        added, dropped = legacy.inside(left), port.inside(right)
        for everywhere in (False, True):
            edit = _edit(matches, left, right, cost, added, dropped, everywhere)
            if edit is None or (left, right, everywhere) in seen:
                continue
            seen.add((left, right, everywhere))
            if everywhere and not _recurs(matches, edit):
                continue
            yield edit


def _edit(
    matches: Matches, left: Ref, right: Ref, cost: int, added: list[Ref], dropped: list[Ref], everywhere: bool
) -> Edit | None:
    node = matches.port.nodes[right.node]
    if node.place is None or node.type in ("Placeholder", "Const") or len(node.values) != 1:
        return None
    try:
        expression = graft.expression(matches, left, right, self_counts=not dropped)
    except graft.NotGraftable:
        return None
    if isinstance(expression, graft.Along) and not expression.path:
        return None
    key = graft.key_of(matches.port, right.node)
    nodes = [tuple(trace.nodes[r.node] for r in sorted(refs))
             for trace, refs in ((matches.legacy, added), (matches.port, dropped))]  # fmt: skip
    return Edit(left, right, cost, expression, key, everywhere, *nodes)


def _recurs(matches: Matches, edit: Edit) -> bool:
    return sum((node.place, node.type) == edit.key[:2] for node in matches.port.nodes) > 1


def _is_whole(legacy: Region, port: Region, left: Ref, right: Ref, cost: int) -> bool:
    """Whether everything would be exchanged, which explains nothing."""
    return left == legacy.root and right == port.root and cost > LARGEST


def _goes_on_alike(matches: Matches, left: Ref, right: Ref) -> bool:
    """Whether both outputs go into operations of one type whose other inputs both programs have."""
    for a in (node for node in matches.legacy.nodes if left in node.inputs):
        for b in (node for node in matches.port.nodes if right in node.inputs):
            if a.type == b.type and len(a.inputs) == len(b.inputs):
                pairs = list(zip(a.inputs, b.inputs, strict=True))
                if all((x == left and y == right) or y in matches.of_legacy.get(x, ()) for x, y in pairs):
                    return True
    return False


@contextlib.contextmanager
def applied(port: Port, *exchanges: Callable[[Recorder, int], Any]) -> Iterator[Recorder]:
    """While it lasts, the port runs with the exchanges."""

    def exchange(recorder: Recorder, number: int) -> Any:
        for each in exchanges:
            result = each(recorder, number)
            if result is not None:
                return result
        return None

    with Recorder(port, exchange).recording() as recorder:
        yield recorder
