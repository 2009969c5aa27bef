"""Two machines' Records side by side, as terminal tables."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tf_repro.suite.saved import Apart, Comparison


def show(console: Console, compared: Comparison, first: str, second: str) -> None:
    """What the machines differ in, every quantity whose bits differ, and one line that sums it up."""
    if compared.settings:
        settings = Table(title="settings that differ", title_justify="left", box=box.SIMPLE_HEAD)
        for heading in ("setting", first, second):
            settings.add_column(escape(heading), overflow="fold")
        for name, values in compared.settings.items():
            settings.add_row(name, *map(escape, values))
        console.print(settings)
    if compared.differences:
        quantities = Table(title="quantities that differ", title_justify="left", box=box.SIMPLE_HEAD)
        for heading in ("document", "engine", "quantity", "worst element", "explained by"):
            quantities.add_column(heading, overflow="fold")
        for apart in compared.differences:
            quantities.add_row(*map(escape, _row(apart, first, second)))
        console.print(quantities)
    for run in compared.unmatched:
        console.print(f"in one file only: {escape(run)}", highlight=False, soft_wrap=True)
    console.print(
        f"{compared.equal} quantities are equal bit for bit, {len(compared.differences)} differ",
        highlight=False,
        soft_wrap=True,
    )


def _row(apart: Apart, first: str, second: str) -> tuple[str, str, str, str, str]:
    worst = "another shape or dtype" if apart.difference is None else apart.difference.text(first, second)
    explained = [f"{name} is {lanes}" for name, lanes in ((first, apart.first_is), (second, apart.second_is)) if lanes]
    return apart.document, apart.engine, f"{apart.moment}/{apart.quantity}", worst, ", ".join(explained)
