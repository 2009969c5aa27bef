"""The drift atlas on the terminal: which probes moved in which releases, by how much, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tf_repro.atlas import ATTRIBUTED, Atlas, Change, failures
from tf_repro.atlas.kinds import ORDER


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
    console.print(table)
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
    console.print(table)
    for reason, runs in failures(atlas, probe).items():
        console.print(f"{reason} ({', '.join(runs)})", highlight=False, markup=False, soft_wrap=True)
    if any(each.kind == ORDER for each in changes):
        for reason in dict.fromkeys(each.reason for each in ATTRIBUTED if each.probe == probe):
            console.print(f"{ORDER}: {reason}", soft_wrap=True)


def to_json(changes: Iterable[Change]) -> list[dict[str, object]]:
    """The changes, ready for JSON."""
    return [asdict(change) for change in changes]
