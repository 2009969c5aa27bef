"""A checked port on the terminal: the ladder, where the programs part, and what mends it."""

from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tf_repro.migrate.checker.outcome import (
    FAILED,
    NOT_REACHED,
    PASSED,
    SKIPPED,
    Cause,
    CheckReport,
    NotTested,
    Rung,
    Where,
)
from tf_repro.report.rungs import of_rung, title, verdict
from tf_repro.report.terminal import STACKED

WITH_ULP = 42
"""Columns that the longest rung, the longest status and a distance take, with what is between them."""
MOST = 110
"""How many characters of what was compared are shown: two lines of a terminal that is 100 wide; --json has them all."""
STYLES = {PASSED: "green", FAILED: "bold red", SKIPPED: "yellow", NOT_REACHED: "dim"}


def show_ladder(console: Console, report: CheckReport) -> None:
    """The place that the cause points at; a row per rung; under a failed one both values, and what mends it.

    Args:
        console: where to print.
        report: what :func:`tf_repro.migrate.check` returned.
    """
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("rung", no_wrap=True)
    table.add_column("status", no_wrap=True)
    has_ulp = console.width >= WITH_ULP
    if has_ulp:
        table.add_column("ULP", justify="right", no_wrap=True)
    is_wide = console.width >= STACKED
    if is_wide:
        table.add_column("what was compared", overflow="fold")
    for rung in report.rungs:
        if rung.status == FAILED and rung.causes and rung.causes[0].where is not None:
            _show_place(console, rung.causes[0], rung.causes[0].where)
    for rung in report.rungs:
        compared = [escape(_shortened(rung.detail))] if is_wide else []
        status = f"[{STYLES[rung.status]}]{rung.status}[/]"
        ulp = [of_rung(rung)] if has_ulp else []
        table.add_row(title(report, rung), status, *ulp, *compared)
    console.print(table)
    for rung in report.rungs:
        if rung.status == FAILED and not is_wide:
            console.print(escape(f"{title(report, rung)}: {rung.detail}"), highlight=False, soft_wrap=True)
        if rung.status == FAILED:
            _show_failure(console, report, rung)
    style = STYLES[PASSED if report.passed else FAILED]
    console.print(f"[{style}]{escape(verdict(report))}[/]", highlight=False, soft_wrap=True)


def _show_place(console: Console, cause: Cause, where: Where) -> None:
    """The cause, the port's line with a caret under the call, TF1's line, and the change as a diff."""
    name = f"{Path(where.path).name}:{where.line}"
    lines = [f"[bold red]{escape(cause.name)}[/]: {escape(f'{cause.change}, {cause.outcome}')}", ""]
    lines.append(f"[bold]{escape(name)}[/]")
    lines.append(escape(f">   {where.before}"))
    if where.column is not None and where.end is not None:
        lines.append(f"[red]E   {' ' * where.column}{'^' * (where.end - where.column)}[/]")
    if where.legacy_path is not None and where.legacy_line is not None:
        lines.append(f"[bold]{escape(f'{Path(where.legacy_path).name}:{where.legacy_line}')}[/]")
        lines.append(escape(f"    {where.legacy_text}"))
    if where.after is not None:
        lines += [
            "",
            f"[red]{escape(f'- {where.before.strip()}')}[/]",
            f"[green]{escape(f'+ {where.after.strip()}')}[/]",
        ]
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def _show_failure(console: Console, report: CheckReport, rung: Rung) -> None:
    def line(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    if rung.difference is not None:
        apart = rung.difference.text("TF1 program", "port")
        line(f"[red]parts[/] at {title(report, rung)}: {escape(f'{rung.tensor} {apart}')}")
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
    kinds: dict[str, list[NotTested]] = {}
    for each in rung.not_tested:
        kinds.setdefault(each.name, []).append(each)
    for name, same in kinds.items():
        more = f" (and {len(same) - 1} more)" if len(same) > 1 else ""
        line(f"[dim]could not be tested[/]: {escape(f'{name}: {same[0].change}{more}: {same[0].reason}')}")


def _shortened(detail: str) -> str:
    """What was compared, without the tail of a long list of names.

    Example:
        >>> _shortened("26 variables: " + ", ".join(f"classifier/layer_{n}/kernel" for n in range(9)))
        '26 variables: classifier/layer_0/kernel, classifier/layer_1/kernel, classifier/layer_2/kernel, ...'
    """
    head, rest = detail[:MOST].rpartition(", ")[0], detail[MOST:]
    return f"{head}, ..." if rest and head else detail
