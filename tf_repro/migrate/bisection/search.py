"""Bisection: the first place at which a value that both programs have gives one that they have not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tf_repro.migrate.bisection.edits import Edit, edits
from tf_repro.migrate.bisection.matching import CLOSE, Matches
from tf_repro.migrate.bisection.region import Region, regions
from tf_repro.migrate.bisection.trace import Node, Ref, Trace


@dataclass(frozen=True)
class Difference:
    """Where two traces part on the way to one root.

    Attributes:
        kind: of the root: ``"fetch"``, ``"loss"``, ``"gradient"`` or ``"write …"``.
        name: the root's, in the TF1 program.
        legacy: TF1's first operation without a counterpart, or None where all of it has one.
        port: the port's.
        matches: which values were matched.
        regions: what lies between the first difference and the root, in TF1 and in the port.
    """

    kind: str
    name: str
    legacy: Node | None
    port: Node | None
    matches: Matches
    regions: tuple[Region, Region]

    def edits(self) -> Iterator[Edit]:
        """The exchanges that might mend it, the smallest first."""
        return edits(self.matches, *self.regions)


def differences(legacy: Trace, port: Trace, mapping: dict[str, str], close: float = CLOSE[0]) -> list[Difference]:
    """Where the traces part, root by root, the earliest in the TF1 program first.

    Args:
        legacy: the TF1 program's trace.
        port: the port's.
        mapping: TF1 variable to port variable, for the roots that are named by one.
        close: how far apart, relative to its largest element, one value may be in the two.
    """
    matches, found = Matches(legacy, port, close, mapping), []
    for (kind, name), root in legacy.roots.items():
        other = port.roots.get((kind, mapping.get(name, name) if kind.startswith(("gradient", "write")) else name))
        if other is None or other in matches.of_legacy.get(root, ()):
            continue
        pair = regions(matches, root, other)
        first = [_first(each) for each in pair]
        found.append(Difference(kind, name, first[0], first[1], matches, pair))
    return sorted(found, key=lambda each: min(each.regions[0].inner or each.regions[0].border or (Ref(0),)))


def _first(region: Region) -> Node | None:
    """The first operation of a region that a line of the program made, or else the first."""
    nodes = [region.trace.nodes[ref.node] for ref in region.inner]
    return next((node for node in nodes if node.place is not None), nodes[0] if nodes else None)
