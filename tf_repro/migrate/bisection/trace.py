"""What a program computed, operation by operation: the nodes, their values, and which of them are compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

SOURCES = {"Const", "Placeholder", "Variable"}


class Ref(NamedTuple):
    """One output of one operation."""

    node: int
    output: int = 0


class Place(NamedTuple):
    """Where in a program an operation was made: a file, a line, the columns where known, and the call in the file."""

    file: str
    line: int
    column: int | None = None
    end: int | None = None
    call: int = -1


@dataclass
class Node:
    """One operation that was carried out.

    Attributes:
        type: the operation's, such as ``"MatMul"``; ``"Const"``, ``"Placeholder"`` and ``"Variable"`` are sources.
        name: of a source, or of TF1's operation.
        inputs: what it was given.
        attributes: plain values by name.
        values: its outputs; None for what is no array.
        place: the line of the program, or None.
    """

    type: str
    name: str
    inputs: tuple[Ref, ...]
    attributes: dict[str, Any]
    values: list[np.ndarray | None]
    place: Place | None = None


@dataclass
class Trace:
    """All that a program carried out, in order.

    Attributes:
        nodes: the operations.
        roots: what is compared, by kind and name: ``("fetch", "loss")``, ``("gradient", "w")``.
    """

    nodes: list[Node] = field(default_factory=list)
    roots: dict[tuple[str, str], Ref] = field(default_factory=dict)

    def value(self, ref: Ref) -> np.ndarray | None:
        """The array, where it is one."""
        return self.nodes[ref.node].values[ref.output]

    def refs(self) -> Iterator[Ref]:
        """Every output that is an array."""
        for number, node in enumerate(self.nodes):
            for output, value in enumerate(node.values):
                if value is not None:
                    yield Ref(number, output)

    def consumers(self) -> dict[Ref, list[int]]:
        """The nodes that are given each output."""
        found: dict[Ref, list[int]] = {}
        for number, node in enumerate(self.nodes):
            for ref in node.inputs:
                found.setdefault(ref, []).append(number)
        return found


def ancestors(trace: Trace, refs: Iterable[Ref]) -> set[Ref]:
    """The outputs that these are made from, themselves included."""
    found, waiting = set(), list(refs)
    while waiting:
        ref = waiting.pop()
        if ref not in found:
            found.add(ref)
            waiting += trace.nodes[ref.node].inputs
    return found
