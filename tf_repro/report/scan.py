"""A scan on the terminal and as JSON: where the TF1 symbols are, and what to write for each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tf_repro.migrate.scanner import Hit

STYLES = {"same": "green", "change": "bold red", "may change": "yellow", "none": "dim", "unknown": "yellow"}


def show_hits(console: Console, hits: Sequence[Hit], errors: int = 0) -> None:
    """A table of places, then each symbol's native form, effect on the numbers and proof.

    Args:
        console: where to print.
        hits: what :func:`tf_repro.migrate.scan` returned.
        errors: how many files could not be read.
    """
    for file in dict.fromkeys(hit.file for hit in hits):
        console.print(f"[bold]{escape(file)}[/]", highlight=False, soft_wrap=True)
        table = Table(box=box.SIMPLE_HEAD)
        table.add_column("line", justify="right", no_wrap=True)
        table.add_column("TF1 symbol", overflow="fold")
        table.add_column("tf_upgrade_v2", overflow="fold")
        for hit in hits:
            if hit.file == file:
                table.add_row(_place(hit), escape(hit.symbol), escape(hit.upgrade.text))
        console.print(table)
    described = dict.fromkeys((hit.native, hit.numbers, hit.why, hit.proof) for hit in hits)
    if described:
        console.print("[bold]What to write in TensorFlow 2[/]\n", highlight=False)
    for key in described:
        _show_idiom(console, [hit for hit in hits if (hit.native, hit.numbers, hit.why, hit.proof) == key])
    console.print(escape(summary(hits, errors)), highlight=False, soft_wrap=True)


def _place(hit):
    return f"{hit.line}:{hit.column}" if hit.cell is None else f"cell {hit.cell}, {hit.line}:{hit.column}"


def _show_idiom(console, hits):
    hit = hits[0]
    names = ", ".join(dict.fromkeys(each.symbol for each in hits))
    lines = [
        f"[cyan]{escape(names)}[/]",
        f"  write    {escape(hit.native)}",
        f"  numbers  [{STYLES[hit.numbers]}]{hit.numbers}[/]{escape(': ' + hit.why) if hit.why else ''}",
        f"  proof    {escape(', '.join(hit.proof)) or '[dim]none in this project[/]'}\n",
    ]
    console.print("\n".join(lines), highlight=False, soft_wrap=True)


def summary(hits: Sequence[Hit], errors: int = 0) -> str:
    """One line: how many uses, symbols and files, and how many of the uses change numbers."""
    files = len({hit.file for hit in hits})
    changing = sum(hit.numbers == "change" for hit in hits)
    unreadable = f"; {_count(errors, 'file')} could not be read" if errors else ""
    symbols = len({hit.symbol for hit in hits})
    return (
        f"{_count(len(hits), 'use')} of {_count(symbols, 'TF1 symbol')} in {_count(files, 'file')}; "
        f"numbers change at {changing}{unreadable}"
    )


def _count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def dumps(hits: Sequence[Hit]) -> str:
    """The hits as a JSON list, one object per use."""
    return json.dumps([asdict(hit) for hit in hits], indent=1, ensure_ascii=False) + "\n"
