"""The part of each program that lies between what both have and what differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tf_repro.migrate.bisection.matching import Matches
from tf_repro.migrate.bisection.trace import SOURCES, Ref, Trace


@dataclass(frozen=True)
class Region:
    """What leads to a root and is not in the other program.

    Attributes:
        trace: the program's.
        root: what differs.
        inner: the outputs without a counterpart, in order; the first is where the programs part.
        border: the outputs with one that the inner ones are made from.
    """

    trace: Trace
    root: Ref
    inner: tuple[Ref, ...]
    border: tuple[Ref, ...]

    def inside(self, ref: Ref) -> list[Ref]:
        """The inner outputs that ``ref`` is made from, itself included."""
        members, found, waiting = set(self.inner), [], [ref]
        while waiting:
            each = waiting.pop()
            if each in members and each not in found:
                found.append(each)
                waiting += self.trace.nodes[each.node].inputs
        return found


def region(trace: Trace, root: Ref, is_matched: Callable[[Ref], bool]) -> Region:
    """Go back from the root to what the other program has as well."""
    inner, border, waiting = set(), set(), [root]
    while waiting:
        ref = waiting.pop()
        if ref in inner or ref in border:
            continue
        if is_matched(ref) or trace.nodes[ref.node].type in SOURCES:
            border.add(ref)
            continue
        inner.add(ref)
        waiting += trace.nodes[ref.node].inputs
    return Region(trace, root, tuple(sorted(inner)), tuple(sorted(border)))


def regions(matches: Matches, legacy_root: Ref, port_root: Ref) -> tuple[Region, Region]:
    """The TF1 program's region and the port's."""
    both = legacy_root in matches.of_legacy and port_root in matches.of_port  # each is elsewhere in the other
    return (
        region(matches.legacy, legacy_root, lambda ref: ref in matches.of_legacy),
        region(matches.port, port_root, lambda ref: ref in matches.of_port and not (both and ref == port_root)),
    )
