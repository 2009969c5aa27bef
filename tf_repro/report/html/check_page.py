"""The page of ``tf-repro check``: the ladder, where the programs part, what mends it, and both programs."""

from __future__ import annotations

import tokenize
from pathlib import Path

from tf_repro.migrate.checker.outcome import FAILED, CheckReport, Rung
from tf_repro.report.align import Line
from tf_repro.report.html import render
from tf_repro.report.pictures.divergence import divergence
from tf_repro.report.pictures.svg import Picture


def check_page(report: CheckReport, legacy: Path, port: Path) -> str:
    """A check's report as one HTML page.

    Args:
        report: what :func:`tf_repro.migrate.check` returned.
        legacy: the TF1 program's file.
        port: the port's.
    """
    failures = [(rung, _picture(report, rung)) for rung in report.rungs if rung.status == FAILED]
    return render(
        "check.html.j2",
        report=report,
        failures=failures,
        programs=[("TF1 program", legacy, _lines(legacy)), ("TF2 port", port, _lines(port))],
    )


def _picture(report: CheckReport, rung: Rung) -> Picture | None:
    """The divergence, where both programs have a tensor of one form to compare."""
    if rung.moment is None or rung.tensor is None or rung.difference is None:
        return None
    legacy, port = (record[rung.moment][rung.tensor] for record in (report.legacy, report.port))
    name, title = f"{rung.name.replace(' ', '-')}-divergence", f"{rung.tensor} on the rung {rung.name!r}"
    return divergence(name, title, legacy, port, rung.difference, report.scaled)


def _lines(program: Path) -> list[Line]:
    with tokenize.open(program) as file:  # in the encoding that the program declares
        return list(enumerate(file.read().expandtabs(4).rstrip().split("\n"), 1))
