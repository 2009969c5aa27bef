"""The drift atlas on the terminal: which probes moved in which releases, by how much, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tf_repro.atlas import Atlas, Change, concerning, failures
from tf_repro.atlas.kinds import (
    NOT_ATTRIBUTED,
    ONEDNN,
    ORDER,
    OTHER_ALGORITHM,
    OTHER_APPROXIMATION,
    OTHER_DEFAULT,
    OTHER_FAILURE,
    OTHER_STREAM,
    SIGN,
)
from tf_repro.report.atlas_figures import History
from tf_repro.report.terminal import print_table

SEVERITY = (
    OTHER_DEFAULT, OTHER_STREAM, OTHER_ALGORITHM, NOT_ATTRIBUTED, ONEDNN, OTHER_APPROXIMATION, ORDER, SIGN,
    OTHER_FAILURE,
)  # fmt: skip
"""Kinds of change: first what changes results, last what only rounds."""


@dataclass(frozen=True)
class Move:
    """All changes of one probe in one release: where, the largest of them in rounding units, and the kinds."""

    probe: str
    before: str
    after: str
    runs: tuple[str, ...]
    units: float | None
    kinds: tuple[str, ...]


def moves(changes: Iterable[Change]) -> list[Move]:
    """The changes, gathered by probe and release."""
    gathered: dict[tuple[str, str, str], list[Change]] = {}
    for change in changes:
        gathered.setdefault((change.probe, change.before, change.after), []).append(change)
    found = []
    for (probe, before, after), group in gathered.items():
        units = [each.units for each in group if each.units is not None]
        runs = tuple(sorted({run_of(each) for each in group}))
        kinds = tuple(sorted({each.kind for each in group}))
        found.append(Move(probe, before, after, runs, max(units, default=None), kinds))
    return sorted(found, key=lambda move: (move.probe, release_key(move.after)))


def run_of(change: Change) -> str:
    """How a change was executed, in words."""
    return f"{change.style} {change.dtype}" + (" oneDNN" if change.onednn else "")


def size(units: float | None) -> str:
    """A movement in rounding units, short."""
    if units is None:
        return ""
    return f"{units:.1f}" if units < 100 else f"{units:.0e}"


def release_key(release: str) -> tuple[int, ...]:
    """Releases in their order."""
    return tuple(map(int, release.split(".")))


def show_moves(console: Console, atlas: Atlas, found: Sequence[Move]) -> None:
    """One line for each probe and release."""
    table = Table("probe", "moved between", "rounding units", "kind", "styles")
    for move in found:
        styles = ", ".join(dict.fromkeys(run.split(" ")[0] for run in move.runs))
        table.add_row(move.probe, f"{move.before} → {move.after}", size(move.units), ", ".join(move.kinds), styles)
    print_table(console, table)
    releases = len({column.release for column in atlas.columns})
    moved = len({move.probe for move in found})
    console.print(f"{len(found)} moves of {moved} probes; the atlas has {len(atlas.probes)} on {releases} releases")
    for release, reason in atlas.failed.items():
        console.print(f"not recorded: {release}: {reason}", highlight=False, markup=False, soft_wrap=True)


def show_probe(console: Console, atlas: Atlas, probe: str, changes: Sequence[Change]) -> None:
    """Each change of one probe, and why, where that was tested."""
    about = atlas.probes[probe]
    console.print(f"{probe}: {' '.join(about['symbols'])}", highlight=False, markup=False, soft_wrap=True)
    table = Table("between", "run", "output", "rounding units", "change", "kind")
    for each in sorted(changes, key=lambda change: (release_key(change.after), run_of(change), change.output)):
        words = "" if each.units is not None else f"{each.old[:60]} → {each.new[:60]}"
        table.add_row(
            f"{each.before} → {each.after}",
            run_of(each),
            escape(each.output),
            size(each.units),
            escape(words),
            each.kind,
        )
    print_table(console, table)
    for reason, runs in failures(atlas, probe).items():
        console.print(f"{reason} ({', '.join(runs)})", highlight=False, markup=False, soft_wrap=True)
    reasons: dict[str, list[str]] = {}
    for each in sorted(changes, key=lambda change: release_key(change.after)):
        if each.because:
            reasons.setdefault(f"{each.kind}: {each.because}", []).append(each.after)
    for reason, releases in reasons.items():
        where = ", ".join(dict.fromkeys(releases))
        console.print(f"{where}: {reason}", highlight=False, markup=False, soft_wrap=True)


@dataclass(frozen=True)
class Concern:
    """What changed of one operation that a program uses, for one reason.

    Attributes:
        symbol: the operation.
        kind: why; see :mod:`tf_repro.atlas.kinds`.
        units: the largest movement.
        since: the releases that moved it or, of defaults, the changes with theirs.
        probes: where it is seen.
    """

    symbol: str
    kind: str
    units: float | None
    since: tuple[str, ...]
    probes: tuple[str, ...]


def concerns(atlas: Atlas, symbols: Iterable[str], changes: Sequence[Change]) -> list[Concern]:
    """The changes by the program's operations: what changes results first, what only rounds last.

    Args:
        atlas: where the probes are described.
        symbols: the public names that the program uses.
        changes: those that concern it.
    """
    gathered: dict[tuple[str, str], list[Change]] = {}
    for symbol in symbols:
        for each in concerning(changes, atlas, [symbol]):
            gathered.setdefault((symbol, each.kind), []).append(each)
    found = []
    for (symbol, kind), group in gathered.items():
        group = sorted(group, key=lambda each: release_key(each.after))
        units = max((each.units for each in group if each.units is not None), default=None)
        since = [
            ".".join(each.after.split(".")[:2])
            + (f": {each.output} {each.old} → {each.new}" if kind == OTHER_DEFAULT else "")
            for each in group
        ]
        probes = tuple(dict.fromkeys(each.probe for each in group))
        found.append(Concern(symbol, kind, units, tuple(dict.fromkeys(since)), probes))
    return sorted(found, key=lambda each: (SEVERITY.index(each.kind), each.symbol))


def show_program(console: Console, atlas: Atlas, symbols: Iterable[str], changes: Sequence[Change]) -> None:
    """What concerns one program, and which of its operations no probe exercises."""
    used = list(dict.fromkeys(symbols))
    found = concerns(atlas, used, changes)
    table = Table("operation", "kind", "since", "rounding units")
    for each in found:
        table.add_row(each.symbol, each.kind, escape(", ".join(each.since)), size(each.units))
    table.columns[0].no_wrap = True
    table.columns[2].overflow = "fold"
    if found:
        print_table(console, table)
    probed = {symbol for about in atlas.probes.values() for symbol in about["symbols"]}
    moved = {each.symbol for each in found}
    rest = [name for name in used if name not in moved]
    still, unknown = ([name for name in rest if (name in probed) is asked] for asked in (True, False))
    console.print(f"{len(moved)} of {len(used)} names that the program uses moved", highlight=False, soft_wrap=True)
    for words, names in (("did not move", still), ("no probe exercises", unknown)):
        if names:
            console.print(f"{words}: {', '.join(names)}", highlight=False, markup=False, soft_wrap=True)


def show_histories(console: Console, found: Iterable[History]) -> None:
    """Which releases print each figure of a document."""
    table = Table("figure", "printed", "printed by", "not by")
    for each in found:
        table.add_row(escape(each.claim), escape(each.printed), ", ".join(each.yes), ", ".join(each.no))
    print_table(console, table)


def to_json(changes: Iterable[Change]) -> list[dict[str, object]]:
    """The changes, ready for JSON."""
    return [asdict(change) for change in changes]
