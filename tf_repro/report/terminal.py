"""Findings as terminal tables; engines that agree share a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tf_repro.core.verdicts import DRIFTED, ERRATUM, REPRODUCED, UNEXPLAINED, Finding
from tf_repro.report.outcomes import Outcome, format_ulp, format_value, format_verdict, outcomes
from tf_repro.suite.claims import Document
from tf_repro.suite.engines import is_recorded, needs_tensorflow

if TYPE_CHECKING:
    from tf_repro.suite.run import Source

STYLES = {REPRODUCED: "green", DRIFTED: "yellow", ERRATUM: "cyan", UNEXPLAINED: "bold red"}
SIDE_BY_SIDE = 120
ONE_LINE = 100
STACKED = 72
"""Below this many columns a table is one column of short lines: its name, then what is said of it."""


def show_documents(console: Console, documents: Iterable[Document]) -> None:
    """A line per document: name, title, how many claims and printed scalars, engines."""
    documents = list(documents)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("document", no_wrap=console.width >= STACKED, overflow="fold")
    if console.width >= STACKED:
        for heading in ("claims", "printed", "derived"):
            table.add_column(heading, justify="right")
        table.add_column("title", overflow="fold")
    for document in documents:
        claims, title = str(len(document.claims)), escape(document.title)
        printed, derived = (str(document.scalars_of(origin)) for origin in ("printed", "derived"))
        if console.width >= STACKED:
            table.add_row(document.name, claims, printed, derived, title)
        else:
            table.add_row(f"[bold]{document.name}[/]\n{title}\n{claims} claims, {printed} printed, {derived} derived")
    console.print(table)
    engines = dict.fromkeys(engine for document in documents for engine in document.engines)
    console.print(f"engines: {', '.join(engines)}", highlight=False, soft_wrap=True)


def show_findings(console: Console, document: Document, findings: Sequence[Finding]) -> None:
    """The table of one document, a row per figure and distinct outcome, and what drifts and errs, and why.

    Where columns are few, the verdict is what stays: first the printed text moves below the figure, then the measured
    value and its ULP are said only of what is not reproduced.
    """
    title = f"{document.name}: {escape(document.title)}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    row = _columns(table, console.width)
    for _, group in groupby(outcomes(document, findings), key=lambda outcome: outcome.finding.name):
        of_figure = list(group)
        for outcome in of_figure:
            table.add_row(*row(outcome))
        table.add_section() if len(of_figure) > 1 else None
    console.print(table)
    _show_reasons(console, document, findings)


def _columns(table: Table, width: int) -> Callable[[Outcome], tuple[str, ...]]:
    """Give the table the columns that fit the width; the function makes an outcome's cells for them."""
    if width < STACKED:
        table.add_column("figure, printed, verdict", overflow="fold")
        return _stacked
    table.add_column("figure" if width >= ONE_LINE else "figure\n  printed", overflow="fold")
    if width >= ONE_LINE:
        table.add_column("printed", no_wrap=True)
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("ULP", justify="right", no_wrap=True)
    table.add_column("verdict and engines", min_width=22)
    return _in_columns if width >= ONE_LINE else _in_fewer_columns


def _in_columns(outcome: Outcome) -> tuple[str, ...]:
    finding = outcome.finding
    verdict = f"{_verdict(finding)}: {_engines(outcome)}"
    return _figure(outcome), escape(finding.printed), format_value(finding), format_ulp(finding), verdict


def _in_fewer_columns(outcome: Outcome) -> tuple[str, ...]:
    figure, printed, *others = _in_columns(outcome)
    return f"{figure}\n  {printed}" if figure else "", *others


def _stacked(outcome: Outcome) -> tuple[str, ...]:
    figure, printed, measured, ulp, verdict = _in_columns(outcome)
    head = [f"{figure} {printed}"] if figure else []
    is_away = outcome.finding.verdict != REPRODUCED
    away = [f"{measured}, {ulp} ULP" if ulp != "-" else measured] if is_away else []
    return ("\n".join([*head, verdict, *away]),)


def _figure(outcome: Outcome) -> str:
    return escape(outcome.finding.name.partition("/")[2]) if outcome.is_first else ""


def _engines(outcome: Outcome) -> str:
    return "every engine" if outcome.is_every else " ".join(outcome.engines)


def _verdict(finding: Finding) -> str:
    colour = STYLES[finding.verdict if finding.as_declared else UNEXPLAINED]
    return f"[{colour}]{format_verdict(finding)}[/]"


def _show_reasons(console: Console, document: Document, findings: Sequence[Finding]) -> None:
    drifted = dict.fromkeys(f.reason for f in findings if f.verdict == DRIFTED)
    explained = dict.fromkeys(f.explained_by for f in findings if f.verdict == DRIFTED and f.explained_by)
    errata = {f.claim for f in findings if f.verdict == ERRATUM}
    for reason in document.reasons:
        if reason in drifted:
            console.print(f"[yellow]drifted[/] {reason}: {escape(document.reasons[reason])}", highlight=False)
    for engine in explained:
        names = dict.fromkeys(f.engine for f in findings if f.explained_by == engine and f.verdict == DRIFTED)
        show_line(console, f"drifted with the very bits of {engine}: {', '.join(names)}")
    for claim in document.claims:
        if claim.id in errata:
            console.print(f"[cyan]erratum[/] {claim.id}: {escape(claim.because)}", highlight=False)


def show_line(console: Console, line: str) -> None:
    """One plain line."""
    console.print(escape(line), highlight=False, soft_wrap=True)


def show_machine(console: Console, findings: Sequence[Finding]) -> None:
    """What the findings were computed on: TensorFlow, or NumPy where nothing needed it; recordings name their own."""
    computed = [f for f in findings if not is_recorded(f.engine)]
    for machine in dict.fromkeys(f.machine for f in computed if needs_tensorflow(f.engine)) or dict.fromkeys(
        f.machine for f in computed
    ):
        show_line(console, f"on {machine}")


def show_summary(console: Console, findings: Sequence[Finding]) -> None:
    """One line: how many figures, each verdict's count, and what is not as declared."""
    counts = Counter(finding.verdict for finding in findings)
    figures = Counter({f.name: f.origin for f in findings}.values())
    counted = f"{figures['printed']} printed and {figures['derived']} derived figures"
    wrong = [finding for finding in findings if not finding.as_declared]
    verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in STYLES if counts[verdict])
    state = f"[bold red]{len(wrong)} not as declared[/]" if wrong else "[green]all as declared[/]"
    console.print(
        f"{counted}, {len(findings)} findings: {verdicts}; {state}",
        highlight=False,
        soft_wrap=True,
    )
    for finding in wrong:
        console.print(
            f"[red]not as declared[/] {escape(finding.name)} on {finding.engine}: printed {escape(finding.printed)}, "
            f"measured {format_value(finding)}: {format_verdict(finding)}",
            highlight=False,
            soft_wrap=True,
        )


def show_sources(console: Console, sources: Sequence[Source]) -> None:
    """Programs side by side (one below the other on a narrow terminal), each under its title."""
    from rich.syntax import Syntax

    programs = [
        (source.title, Syntax(source.text, "python", theme="ansi_light", word_wrap=True, background_color="default"))
        for source in sources
    ]
    if console.width < SIDE_BY_SIDE:
        for title, program in programs:
            console.rule(title)
            console.print(program.highlight(program.code), soft_wrap=True)  # lines stay whole, for whoever copies them
        return
    table = Table(box=box.SIMPLE_HEAD, expand=True)
    for title, _ in programs:
        table.add_column(title, ratio=1)
    table.add_row(*(program for _, program in programs))
    console.print(table)
