"""The drift atlas as a page: releases across, probes down, colour by kind, depth by size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tf_repro.atlas import Atlas, Change, failures, told_of, wrong
from tf_repro.atlas.kinds import NOT_ATTRIBUTED, OTHER_ALGORITHM, OTHER_DEFAULT, OTHER_STREAM
from tf_repro.atlas.onednn import by_itself, turned_on
from tf_repro.report.atlas import SEVERITY, Move, moves, release_key, size
from tf_repro.report.atlas_figures import History
from tf_repro.report.html import render

SIGNS = dict(zip(SEVERITY, "DRA?NFOZX", strict=True))
"""The letter of each kind, so that none is told by its colour alone."""

FAMILIES = {
    "kernel": "Operations", "layer": "Cells, layers and losses", "random": "Random numbers", "optimizer": "Optimizers",
    "schedule": "Learning rates", "metric": "Metrics", "program": "The documents' programs", "default": "Defaults",
}  # fmt: skip


@dataclass(frozen=True)
class Scope:
    """What a page was asked for: probes, and in words the program and the releases; by default all that is recorded."""

    probes: frozenset[str]
    words: str = ""


def atlas_page(
    atlas: Atlas, changes: Sequence[Change], histories: Iterable[History] = (), scope: Scope | None = None
) -> str:
    """Make the page of the moves that were found.

    Args:
        atlas: the recordings.
        changes: what moved.
        histories: which releases print the documents' figures.
        scope: what was asked for, where it was not everything.
    """
    scope = scope or Scope(frozenset(atlas.probes))
    releases = sorted({column.version for column in atlas.columns}, key=release_key)
    cells: dict[str, dict[str, Move]] = {}
    for move in moves(changes):
        cells.setdefault(move.probe, {})[move.after] = move
    families = [
        (title, [(probe, cells[probe]) for probe in sorted(cells) if atlas.probes[probe]["kind"] == kind])
        for kind, title in FAMILIES.items()
    ]
    failed = [(probe, why, runs) for probe in sorted(scope.probes) for why, runs in failures(atlas, probe).items()]
    return render(
        "atlas.html.j2",
        atlas=atlas,
        releases=releases,
        grave=grave(changes),
        switches=[(each, turned_on(atlas, cpu)) for cpu, each in states_of(atlas).items()],
        unknown=sorted({(each.probe, short(each.after)) for each in changes if each.kind == NOT_ATTRIBUTED}),
        families=[(title, rows) for title, rows in families if rows],
        scope=scope,
        still=sorted(scope.probes - set(cells)),
        wrong=sorted((probe, runs) for probe, runs in wrong(atlas).items() if probe in scope.probes),
        killed=[each for each in failed if "killed" in each[1]],
        histories=list(histories),
        signs=SIGNS,
        main_kind=main_kind,
        depth=depth,
        size=size,
        short=short,
    )


def states_of(atlas: Atlas) -> dict[str, dict[str, str]]:
    """By CPU and release, what oneDNN is where nothing is said of it; CPUs where that was recorded."""
    found = {cpu: by_itself(atlas, cpu) for cpu in dict.fromkeys(column.cpu for column in atlas.columns)}
    return {cpu: states for cpu, states in found.items() if states}


@dataclass(frozen=True)
class Grave:
    """A change that is more than rounding."""

    after: str
    name: str
    words: str


def grave(changes: Sequence[Change]) -> list[Grave]:
    """Each change of a default, a stream or an algorithm once, the latest release first."""
    found = set()
    for each in changes:
        if each.kind == OTHER_DEFAULT:
            words = f"{each.output}: {each.old} → {each.new}"
            name = told_of(each, "tf." + each.probe.removeprefix("default_")).removeprefix("tf.")
            found.add(Grave(each.after, name, words))
        elif each.kind in (OTHER_STREAM, OTHER_ALGORITHM):
            found.add(Grave(each.after, each.probe, each.kind))
    return sorted(found, key=lambda each: ([-part for part in release_key(each.after)], each.name, each.words))


def main_kind(move: Move) -> str:
    """The gravest of a move's kinds."""
    return min(move.kinds, key=SEVERITY.index)


def depth(move: Move) -> int:
    """How deep a cell's colour is, in per cent: one step for each factor of 32 in rounding units."""
    steps = 0 if move.units is None else 1 + sum(move.units > bound for bound in (1, 32, 1024, 32768))
    return 10 + 7 * steps  # at most 45: the text keeps a contrast of 4.5 in both schemes


def short(release: str) -> str:
    """A minor release, as it stands above its column."""
    return ".".join(release.split(".")[:2])
