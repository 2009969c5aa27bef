"""Two machines' Records side by side, as terminal tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tf_repro.report.terminal import STACKED
from tf_repro.suite.saved import Apart, Comparison


def show(console: Console, compared: Comparison, first: str, second: str) -> None:
    """What the machines differ in, every quantity whose bits differ, and one line that sums it up."""
    if compared.settings:
        _show_settings(console, compared.settings, first, second)
    if compared.differences:
        _show_differences(console, compared.differences, first, second)
    for name, lacking in ((first, compared.first_only), (second, compared.second_only)):
        for each in lacking:
            console.print(escape(f"in {name} only: {each}"), highlight=False, soft_wrap=True)
    console.print(
        f"{compared.equal} quantities are equal bit for bit, {len(compared.differences)} differ",
        highlight=False,
        soft_wrap=True,
    )


def _show_settings(console: Console, differing: Mapping[str, tuple[str, str]], first: str, second: str) -> None:
    settings = Table(title="settings that differ", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("setting", first, second):
        settings.add_column(escape(heading), overflow="fold")
    for name, values in differing.items():
        settings.add_row(name, *map(escape, values))
    if console.width >= STACKED:
        console.print(settings)
    else:
        settings_of = differing.items()
        _show_stacked(console, ((name, [f"{first}: {a}", f"{second}: {b}"]) for name, (a, b) in settings_of))


def _show_differences(console: Console, differences: Sequence[Apart], first: str, second: str) -> None:
    quantities = Table(title="quantities that differ", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("document", "engine", "quantity", "worst element", "explained by"):
        quantities.add_column(heading, overflow="fold")
    for apart in differences:
        quantities.add_row(*map(escape, _row(apart, first, second)))
    if console.width >= STACKED:
        console.print(quantities)
    else:
        rows = [_row(apart, first, second) for apart in differences]
        _show_stacked(console, ((f"{document} on {engine}", rest) for document, engine, *rest in rows))


def _show_stacked(console: Console, rows: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Where columns are few: a line for what a row is of, and one below it for each of its cells."""
    for name, cells in rows:
        console.print("\n  ".join(escape(text) for text in (name, *cells) if text), highlight=False, soft_wrap=True)


def _row(apart: Apart, first: str, second: str) -> tuple[str, str, str, str, str]:
    worst = "another shape or dtype" if apart.difference is None else apart.difference.text(first, second)
    explained = [f"{name} is {lanes}" for name, lanes in ((first, apart.first_is), (second, apart.second_is)) if lanes]
    return apart.document, apart.engine, f"{apart.moment}/{apart.quantity}", worst, ", ".join(explained)
