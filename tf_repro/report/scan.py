"""A scan on the terminal and as JSON: where the TF1 symbols are, and what to write for each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tf_repro.migrate.checker.outcome import counted
from tf_repro.migrate.scanner import Hit

STYLES = {"same": "green", "change": "bold red", "may change": "yellow", "none": "dim", "unknown": "yellow"}


def show_hits(console: Console, hits: Sequence[Hit], files: int, errors: int = 0) -> None:
    """Each idiom once: what to write, its effect on the numbers and its proof; then its symbols and their places.

    Args:
        console: where to print.
        hits: what :func:`tf_repro.migrate.scan` returned.
        files: how many files were scanned.
        errors: how many files could not be read.
    """
    idioms: dict[tuple, list[Hit]] = {}
    for hit in hits:
        idioms.setdefault((hit.native, hit.numbers, hit.why, hit.proof), []).append(hit)
    for same in idioms.values():
        _show_idiom(console, same)
    console.print(escape(summary(hits, files, errors)), highlight=False, soft_wrap=True)


def _show_idiom(console, hits):
    hit, names = hits[0], dict.fromkeys(each.symbol for each in hits)
    upgrades: dict[str, list[Hit]] = {}
    for each in hits:
        upgrades.setdefault(each.upgrade.text, []).append(each)
    console.print(f"[bold cyan]{escape(', '.join(names))}[/]", highlight=False)
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
        for place in _places(uses):
            table.add_row("  at", escape(place))
    console.print(table)
    console.print()


def _places(hits):
    """A text per file: the lines of the hits in it, and a notebook's cells."""
    files: dict[str, list[str]] = {}
    for hit in hits:
        line = str(hit.line) if hit.cell is None else f"cell {hit.cell} line {hit.line}"
        files.setdefault(hit.file, []).append(line)
    return [f"{file}: {', '.join(dict.fromkeys(lines))}" for file, lines in files.items()]


def summary(hits: Sequence[Hit], files: int, errors: int = 0) -> str:
    """One line: how many uses, symbols and files, and how many of the uses change numbers."""
    holding = len({hit.file for hit in hits})
    changing = sum(hit.numbers == "change" for hit in hits)
    unreadable = f"; {counted(errors, 'file')} could not be read" if errors else ""
    symbols = len({hit.symbol for hit in hits})
    return (
        f"{counted(len(hits), 'use')} of {counted(symbols, 'TF1 symbol')} in {holding} of {counted(files, 'file')}; "
        f"numbers change at {changing}{unreadable}"
    )


def dumps(hits: Sequence[Hit]) -> str:
    """The hits as a JSON list, one object per use."""
    return json.dumps([asdict(hit) for hit in hits], indent=1, ensure_ascii=False) + "\n"
