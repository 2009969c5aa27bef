"""Two machines' Records side by side, as terminal tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tf_repro.report.terminal import STACKED
from tf_repro.suite.saved import Apart, Comparison


def show(console: Console, compared: Comparison, first: str, second: str) -> None:
    """What the machines differ in, every quantity whose bits differ, and one line that sums it up."""
    if compared.settings:
        settings = Table(title="settings that differ", title_justify="left", box=box.SIMPLE_HEAD)
        for heading in ("setting", first, second):
            settings.add_column(escape(heading), overflow="fold")
        for name, values in compared.settings.items():
            settings.add_row(name, *map(escape, values))
        if console.width >= STACKED:
            console.print(settings)
        else:
            settings_of = compared.settings.items()
            _show_stacked(console, ((name, [f"{first}: {a}", f"{second}: {b}"]) for name, (a, b) in settings_of))
    if compared.differences:
        quantities = Table(title="quantities that differ", title_justify="left", box=box.SIMPLE_HEAD)
        for heading in ("document", "engine", "quantity", "worst element", "explained by"):
            quantities.add_column(heading, overflow="fold")
        for apart in compared.differences:
            quantities.add_row(*map(escape, _row(apart, first, second)))
        if console.width >= STACKED:
            console.print(quantities)
        else:
            rows = [_row(apart, first, second) for apart in compared.differences]
            _show_stacked(console, ((f"{document} on {engine}", rest) for document, engine, *rest in rows))
    for run in compared.unmatched:
        console.print(f"in one file only: {escape(run)}", highlight=False, soft_wrap=True)
    console.print(
        f"{compared.equal} quantities are equal bit for bit, {len(compared.differences)} differ",
        highlight=False,
        soft_wrap=True,
    )


def _show_stacked(console: Console, rows: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Where columns are few: a line for what a row is of, and one below it for each of its cells."""
    for name, cells in rows:
        console.print("\n  ".join(escape(text) for text in (name, *cells) if text), highlight=False, soft_wrap=True)


def _row(apart: Apart, first: str, second: str) -> tuple[str, str, str, str, str]:
    worst = "another shape or dtype" if apart.difference is None else apart.difference.text(first, second)
    explained = [f"{name} is {lanes}" for name, lanes in ((first, apart.first_is), (second, apart.second_is)) if lanes]
    return apart.document, apart.engine, f"{apart.moment}/{apart.quantity}", worst, ", ".join(explained)
