"""An exchange of the port's operations for TF1's, and what is known about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tf_repro.migrate.bisection.edits import Edit
from tf_repro.migrate.bisection.search import Difference
from tf_repro.migrate.bisection.trace import Ref, Trace, ancestors
from tf_repro.migrate.diagnosis.kinds import SILENT, types_of


@dataclass(frozen=True)
class Exchange:
    """An exchange and what is known about it.

    Attributes:
        difference: where the programs part.
        edit: the exchange.
        lines: the TF1 program's line and the port's, as text.
    """

    difference: Difference
    edit: Edit
    lines: tuple[str, str]

    @property
    def added(self) -> Counter[str]:
        """How often each operation is TF1's alone."""
        return Counter(kind for kind in types_of(self.edit.expression) if kind not in SILENT)

    @property
    def dropped(self) -> Counter[str]:
        """How often each operation is the port's alone."""
        return Counter(node.type for node in self.edit.dropped if node.type not in SILENT)

    @property
    def kinds(self) -> set[str]:
        """All operations on either side."""
        return set(self.added) | set(self.dropped)

    @property
    def traces(self) -> tuple[Trace, Trace]:
        """The TF1 program's and the port's."""
        return self.difference.matches.legacy, self.difference.matches.port

    def said(self, *words: str) -> bool:
        """Whether one of the two lines has one of the words."""
        return any(word in line for word in words for line in self.lines)

    def sources(self, side: int) -> set[tuple[str, str]]:
        """The variables and feeds that the exchanged part of one side is made from, however far back."""
        trace = self.traces[side]
        nodes = (self.edit.added, self.edit.dropped)[side]
        refs = [ref for node in nodes for ref in node.inputs] or [(self.edit.legacy, self.edit.port)[side]]
        return {(trace.nodes[ref.node].type, trace.nodes[ref.node].name) for ref in ancestors(trace, refs)
                if trace.nodes[ref.node].type in ("Variable", "Placeholder")}  # fmt: skip

    def attribute_differs(self, *names: str) -> bool:
        """Whether operations of one type on both sides differ in one of the attributes."""
        for a in self.edit.added:
            for b in self.edit.dropped:
                if a.type == b.type and any(a.attributes.get(n, b.attributes.get(n)) != b.attributes.get(n)
                                            for n in names if n in b.attributes):  # fmt: skip
                    return True
        return False

    def consumers(self, side: int, depth: int) -> set[str]:
        """The types of what uses the exchanged output, that many operations down."""
        trace = self.traces[side]
        frontier, found = {(self.edit.legacy, self.edit.port)[side]}, set()
        users = trace.consumers()
        for _ in range(depth):
            numbers = {n for ref in frontier for n in users.get(ref, [])}
            found |= {trace.nodes[n].type for n in numbers}
            frontier = {Ref(n, output) for n in numbers for output in range(len(trace.nodes[n].values))}
        return found
