"""A scan on the terminal and as JSON: where the TF1 symbols are, and what to write for each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tf_repro.migrate.scanner import NUMBERS, Hit

STYLES = {"same": "green", "change": "bold red", "may change": "yellow", "none": "dim", "unknown": "yellow"}
EFFECTS = {
    "change": "numbers change",
    "may change": "numbers may change",
    "unknown": "effect on the numbers unknown",
    "same": "same numbers",
    "none": "no arithmetic",
}


def gravest_first(hits: Iterable[Hit]) -> list[Hit]:
    """The hits that change numbers before the others, each kind in the order of the files and lines."""
    return sorted(hits, key=lambda hit: NUMBERS.index(hit.numbers))


def show_lines(console: Console, hits: Sequence[Hit], files: int, errors: int = 0) -> None:
    """A line for each hit, ``FILE:LINE:COL: CODE message``, the ones that change numbers first; then the summary.

    Args:
        console: where to print.
        hits: what :func:`tf_repro.migrate.scan` returned.
        files: how many files were scanned.
        errors: how many files, or cells of notebooks, could not be read.
    """
    for hit in gravest_first(hits):
        effect = f"[{STYLES[hit.numbers]}]\\[{EFFECTS[hit.numbers]}][/]"
        line = f"[bold]{escape(place(hit))}[/]: [bold cyan]{hit.code}[/] {escape(message(hit))} {effect}"
        console.print(line, highlight=False, soft_wrap=True)
    _show_summary(console, hits, files, errors)


def place(hit: Hit) -> str:
    """``FILE:LINE:COL``; in a notebook ``FILE:cell N:LINE:COL``."""
    cell = "" if hit.cell is None else f"cell {hit.cell}:"
    return f"{hit.file}:{cell}{hit.line}:{hit.column}"


def message(hit: Hit) -> str:
    """The symbol, and what to write instead."""
    return f"{hit.symbol}: {hit.native}"


def show_hits(console: Console, hits: Sequence[Hit], files: int, errors: int = 0) -> None:
    """Each code once: what to write, its effect on the numbers and its proof; then its symbols and their places.

    Args:
        console: where to print.
        hits: what :func:`tf_repro.migrate.scan` returned.
        files: how many files were scanned.
        errors: how many files, or cells of notebooks, could not be read.
    """
    idioms: dict[tuple[str, str, str], list[Hit]] = {}
    for hit in gravest_first(hits):
        idioms.setdefault((hit.code, hit.native, hit.why), []).append(hit)
    for same in idioms.values():
        _show_idiom(console, same)
    _show_summary(console, hits, files, errors)


def _show_idiom(console: Console, hits: Sequence[Hit]) -> None:
    hit, names = hits[0], dict.fromkeys(each.symbol for each in hits)
    upgrades: dict[str, list[Hit]] = {}
    for each in hits:
        upgrades.setdefault(each.upgrade.text, []).append(each)
    console.print(f"[bold cyan]{hit.code} {escape(', '.join(names))}[/]", highlight=False)
    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    table.add_row("  write", escape(hit.native))
    why = f": {escape(hit.why)}" if hit.why else ""
    table.add_row("  numbers", f"[{STYLES[hit.numbers]}]{hit.numbers}[/]{why}")
    table.add_row("  proof", escape(", ".join(hit.proof)) or "[dim]none in this project[/]")
    for upgrade, uses in upgrades.items():
        of = ", ".join(dict.fromkeys(each.symbol for each in uses)) + ": " if len(upgrades) > 1 else ""
        table.add_row("  tf_upgrade_v2", escape(of + upgrade))
        for each_place in _places(uses):
            table.add_row("  at", escape(each_place))
    console.print(table)
    console.print()


def _places(hits: Sequence[Hit]) -> list[str]:
    """A text per file: the lines of the hits in it, and a notebook's cells."""
    files: dict[str, list[str]] = {}
    for hit in hits:
        line = str(hit.line) if hit.cell is None else f"cell {hit.cell} line {hit.line}"
        files.setdefault(hit.file, []).append(line)
    return [f"{file}: {', '.join(dict.fromkeys(lines))}" for file, lines in files.items()]


def _show_summary(console: Console, hits: Sequence[Hit], files: int, errors: int) -> None:
    console.print(escape(summary(hits, files, errors)), highlight=False, soft_wrap=True)


def summary(hits: Sequence[Hit], files: int, errors: int = 0) -> str:
    """One line: how many uses, symbols and files, and how many of the uses change numbers."""
    holding = len({hit.file for hit in hits})
    changing = sum(hit.numbers == "change" for hit in hits)
    perhaps = sum(hit.numbers in ("may change", "unknown") for hit in hits)
    unreadable = f"; {_counted(errors, 'file or cell', 'files or cells')} could not be read" if errors else ""
    symbols = len({hit.symbol for hit in hits})
    return (
        f"{_counted(len(hits), 'use')} of {_counted(symbols, 'TF1 symbol')} in {holding} of {_counted(files, 'file')}; "
        f"numbers change at {changing}, and may at {perhaps}{unreadable}"
    )


def _counted(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def dumps(hits: Sequence[Hit]) -> str:
    """The hits as a JSON list, one object per use, in the order of the files and lines."""
    return json.dumps([asdict(hit) for hit in hits], indent=1, ensure_ascii=False) + "\n"
