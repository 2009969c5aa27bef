"""The drift atlas on the terminal: which probes moved in which releases, by how much, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tf_repro.atlas import Atlas, Change, concerning, failures, minor, told_of
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

SEVERITY = (
    OTHER_DEFAULT, OTHER_STREAM, OTHER_ALGORITHM, NOT_ATTRIBUTED, ONEDNN, OTHER_APPROXIMATION, ORDER, SIGN,
    OTHER_FAILURE,
)  # fmt: skip
"""Kinds of change: first what changes results, last what only rounds."""

WORD = len("approximation")
"""The longest word of a table; no column is narrower but those of :data:`LEAST`."""

SIZE = "rounding units"
SIZE_ON_TWO_LINES = SIZE.replace(" ", "\n")
LEAST = {SIZE: len("rounding"), "since": len("2.15, ")}
WIDE = 100
"""From this many columns on, no kind is broken into two lines."""

BORDERS = 3
"""What each column of a table takes beside its text."""

IN_WORDS = (OTHER_DEFAULT, OTHER_FAILURE)
"""What no table holds: a sentence each."""

_IN_WORDS = {SIZE: "{} " + SIZE, "since": "since {}"}

SWITCHED = (2, 5)
"""The first release with two states of oneDNN."""


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
    """A movement in rounding units, short.

    Example:
        >>> [size(units) for units in (None, 0.0, 0.02, 1.25, 4e6)]
        ['', '0.0', '<0.1', '1.2', '4e+06']
    """
    if units is None:
        return ""
    if 0 < units < 0.05:
        return "<0.1"
    return f"{units:.1f}" if units < 100 else f"{units:.0e}"


def release_key(release: str) -> tuple[int, ...]:
    """Releases in their order."""
    return tuple(map(int, release.split(".")))


def show_rows(console: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table whose first column is never cut; where the terminal is too narrow for it, a line for each row."""
    given = [tuple(row) for row in rows]
    least = [max((len(row[0]) for row in given), default=0), *(LEAST.get(column, WORD) for column in columns[1:])]
    if console.width <= sum(least) + BORDERS * len(least):
        for row in given:
            say(
                console,
                "; ".join(
                    _IN_WORDS.get(name, "{}").format(each) for name, each in zip(columns, row, strict=True) if each
                ),
            )
        return
    fixed = ("kind",) if console.width < WIDE else ()
    table = Table(box=SIMPLE_HEAD)
    for column, width in zip(columns, least, strict=True):
        whole = column in (columns[0], SIZE)
        title = column.replace(SIZE, SIZE_ON_TWO_LINES)
        table.add_column(title, no_wrap=whole, overflow="fold", width=width if column in fixed else None)
    for row in given:
        table.add_row(*map(escape, row))
    console.print(table)


def show_moves(console: Console, atlas: Atlas, found: Sequence[Move]) -> None:
    """One line for each probe and release."""
    rows = [(move.probe, minor_of(move.after), ", ".join(move.kinds), size(move.units)) for move in found]
    show_rows(console, ("probe", "since", "kind", SIZE), rows)
    releases = len({column.release for column in atlas.columns})
    moved = len({move.probe for move in found})
    say(console, f"{len(found)} moves of {moved} probes; the atlas has {len(atlas.probes)} on {releases} releases")
    unknown = [f"{move.probe} since {minor_of(move.after)}" for move in found if NOT_ATTRIBUTED in move.kinds]
    if unknown:
        say(console, f"not attributed: {', '.join(unknown)}")
    for release, reason in atlas.failed.items():
        say(console, f"not recorded: {release}: {reason}")


def say(console: Console, text: str) -> None:
    """A line as it is, however long."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def minor_of(release: str) -> str:
    """The minor release: ``"1.15"`` of ``"1.15.5"``."""
    return ".".join(release.split(".")[:2])


def show_probe(console: Console, atlas: Atlas, probe: str, changes: Sequence[Change]) -> None:
    """Each change of one probe, and why, where that was tested."""
    say(console, ": ".join(filter(None, (probe, " ".join(atlas.probes[probe]["symbols"])))))
    show_rows(console, ("between", "output", "kind", "runs", SIZE), rows_of(changes))
    for reason, runs in failures(atlas, probe).items():
        say(console, f"{reason} ({where_of(atlas, runs)})")
    reasons: dict[str, list[str]] = {}
    for each in sorted(changes, key=lambda change: release_key(change.after)):
        if each.because:
            reasons.setdefault(f"{each.kind}: {each.because}", []).append(each.after)
    for reason, releases in reasons.items():
        say(console, f"{', '.join(dict.fromkeys(releases))}: {reason}")


def rows_of(changes: Iterable[Change]) -> list[tuple[str, ...]]:
    """A probe's changes for its table: one row for each pair of releases, kind and change of a default."""
    gathered: dict[tuple[str, str, str, str], list[Change]] = {}
    seen = [each for each in changes if each.kind != OTHER_FAILURE]
    for each in sorted(seen, key=lambda change: (release_key(change.after), change.kind, change.output)):
        words = "" if each.units is not None else f"{each.old[:60]} → {each.new[:60]}"
        gathered.setdefault((each.before, each.after, each.kind, words), []).append(each)
    rows: list[tuple[str, ...]] = []
    for (before, after, kind, words), group in gathered.items():
        units = max((each.units for each in group if each.units is not None), default=None)
        outputs = ", ".join(dict.fromkeys(each.output for each in group))
        what = f"{outputs}: {words}" if outputs and words else outputs or words
        rows.append((f"{before} → {after}", what, kind, runs_of(group), size(units)))
    return rows


def runs_of(group: Sequence[Change]) -> str:
    """Where changes were seen, in words: styles, precisions, and oneDNN where its two states were not moved alike."""
    styles = dict.fromkeys(each.style for each in sorted(group, key=lambda each: each.style))
    dtypes = dict.fromkeys(each.dtype for each in sorted(group, key=lambda each: each.dtype))
    states = {each.onednn for each in group}
    words = [", ".join(styles), "" if "fact" in dtypes else ", ".join(dtypes)]
    if len(states) == 1 and minor(group[0].after) >= SWITCHED:
        words.append("with oneDNN" if True in states else "without oneDNN")
    return "; ".join(filter(None, words))


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
        since = dict.fromkeys(since_of(each, symbol) for each in group)
        probes = tuple(dict.fromkeys(each.probe for each in group))
        found.append(Concern(symbol, kind, units, tuple(since), probes))
    return sorted(found, key=lambda each: (SEVERITY.index(each.kind), each.symbol))


def where_of(atlas: Atlas, runs: Iterable[str]) -> str:
    """Runs such as ``"2.5.3 oneDNN session float32"`` in short: per style, the spans of releases.

    Args:
        atlas: in whose order releases follow each other.
        runs: as :func:`tf_repro.atlas.failures` gives them.
    """
    order = list(dict.fromkeys(column.version for column in sorted(atlas.columns)))
    found: dict[str, dict[int, bool]] = {}
    for run in runs:
        version, *onednn, style, _ = run.split(" ")
        places = found.setdefault(style, {})
        places[order.index(version)] = bool(onednn) and places.get(order.index(version), True)
    words: dict[str, list[str]] = {}
    for style, places in found.items():
        spans: list[list[int]] = []
        for place in sorted(places):
            if spans and spans[-1][-1] == place - 1 and places[place] == places[place - 1]:
                spans[-1].append(place)
            else:
                spans.append([place])
        text = ", ".join(
            " to ".join(dict.fromkeys((order[span[0]], order[span[-1]]))) + (" with oneDNN" if places[span[0]] else "")
            for span in spans
        )
        words.setdefault(text, []).append(style)
    return "; ".join(f"{', '.join(styles)}: {text}" for text, styles in words.items())


def since_of(change: Change, symbol: str) -> str:
    """The minor release that a change came with; of a default and of a failure, what it is since then."""
    since = minor_of(change.after)
    if change.kind == OTHER_DEFAULT:
        where = "" if told_of(change, symbol) == symbol else " in tf.compat.v1"
        return f"{since}{where}: {change.output} {change.old} → {change.new}"
    if change.kind != OTHER_FAILURE:
        return since
    where = " with oneDNN on" if change.onednn and "killed" in change.new else ""
    return f"{since}{where}: {change.new}"


def show_program(console: Console, atlas: Atlas, symbols: Iterable[str], changes: Sequence[Change]) -> None:
    """What concerns one program, and which of its operations no probe exercises."""
    used = list(dict.fromkeys(symbols))
    found = concerns(atlas, used, changes)
    if not used:
        say(console, "the program names nothing of TensorFlow")
        return
    told = [
        f"{each.kind}: {each.symbol} since {since}" for each in found if each.kind in IN_WORDS for since in each.since
    ]
    for sentence in told:
        say(console, sentence)
    moved_rows = [each for each in found if each.kind not in IN_WORDS]
    rows = [(each.symbol, each.kind, ", ".join(each.since), size(each.units)) for each in moved_rows]
    if rows:
        show_rows(console, ("operation", "kind", "since", SIZE), rows)
    probed = {symbol for about in atlas.probes.values() for symbol in about["symbols"]}
    moved = {each.symbol for each in found}
    rest = [name for name in used if name not in moved]
    still, unknown = ([name for name in rest if (name in probed) is asked] for asked in (True, False))
    say(console, f"{len(moved)} of {len(used)} names moved")
    for words, names in (("did not move", still), ("no probe exercises", unknown)):
        if names:
            say(console, f"{words}: {', '.join(names)}")


def show_histories(console: Console, found: Iterable[History]) -> None:
    """Which releases print each figure of a document."""
    rows = [(each.claim, each.printed, ", ".join(each.yes), ", ".join(each.no)) for each in found]
    show_rows(console, ("figure", "printed", "printed by", "not by"), rows)


def to_json(changes: Iterable[Change]) -> list[dict[str, object]]:
    """The changes, ready for JSON."""
    return [asdict(change) for change in changes]
