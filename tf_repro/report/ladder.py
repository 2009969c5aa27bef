"""A checked port on the terminal: the ladder, where the programs part, and what mends it."""

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tf_repro.migrate.checker.outcome import FAILED, NOT_REACHED, PASSED, SKIPPED, CheckReport, Rung

STYLES = {PASSED: "green", FAILED: "bold red", SKIPPED: "yellow", NOT_REACHED: "dim"}


def show_ladder(console: Console, report: CheckReport) -> None:
    """A row per rung; under a failed one both values, and the changes that mend it.

    Args:
        console: where to print.
        report: what :func:`tf_repro.migrate.check` returned.
    """
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("rung", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("ULP", justify="right", no_wrap=True)
    table.add_column("what was compared", overflow="fold")
    for rung in report.rungs:
        ulp = "" if rung.ulp is None else str(rung.ulp)
        table.add_row(rung.name, f"[{STYLES[rung.status]}]{rung.status}[/]", ulp, escape(rung.detail))
    console.print(table)
    for rung in report.rungs:
        if rung.status == FAILED:
            _show_failure(console, rung)
    style = STYLES[PASSED if report.passed else FAILED]
    console.print(f"[{style}]{escape(report.verdict)}[/]", highlight=False, soft_wrap=True)


def _show_failure(console: Console, rung: Rung) -> None:
    def line(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    if rung.difference is not None:
        apart = rung.difference.text("TF1 program", "port")
        line(f"[red]parts[/] at {rung.name}: {escape(f'{rung.tensor} {apart}')}")
    for cause in rung.causes:
        line(f"[cyan]cause[/] {escape(str(cause))}")
    if rung.advice:
        line(f"[cyan]rounding[/]: {rung.advice}")
    if rung.ruled_out and not rung.causes:
        line("[yellow]cause unknown[/]: no change that was tested mends it")
    if rung.ruled_out:
        line(f"[dim]tested and ruled out[/]: {escape(rung.excluded)}")
    if rung.untested:
        line(f"[dim]not tested, the runs were used up[/]: {escape(rung.left_untested)}")
