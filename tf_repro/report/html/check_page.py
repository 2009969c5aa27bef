"""The page of ``tf-repro check``: the cause and its place, what mends it, the ladder, and both programs."""

from __future__ import annotations

import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tf_repro.core.ulp import Difference, difference
from tf_repro.migrate.checker.outcome import FAILED, Cause, CheckReport, Rung, Where
from tf_repro.report.align import Line
from tf_repro.report.html import render
from tf_repro.report.html.code import Mark
from tf_repro.report.pictures.divergence import divergence
from tf_repro.report.pictures.svg import Picture
from tf_repro.report.rungs import format_distance, of_rung, title, verdict

AROUND = 3
"""How many lines on either side of the marked one are shown."""
TAB = 4


@dataclass(frozen=True)
class Excerpt:
    """A few lines of a program around the one that a cause points at.

    Attributes:
        title: which program it is.
        name: the file's name.
        mark: the line, and where on it.
        lines: those shown.
    """

    title: str
    name: str
    mark: Mark
    lines: Sequence[Line]


def check_page(report: CheckReport, legacy: Path, port: Path) -> str:
    """A check's report as one HTML page.

    Args:
        report: what :func:`tf_repro.migrate.check` returned.
        legacy: the TF1 program's file.
        port: the port's.
    """
    failures = [(rung, *_apart(report, rung)) for rung in report.rungs if rung.status == FAILED]
    cause = _leading(report.failed)
    excerpts = [] if cause is None or cause.where is None else _excerpts(cause.where)
    marks = {str(path): _mark_in(path, cause) for path in (legacy, port)}
    return render(
        "check.html.j2",
        report=report,
        failures=failures,
        cause=cause,
        excerpts=excerpts,
        units=of_rung,
        distance=format_distance,
        title_of=title,
        verdict=verdict(report),
        programs=[
            (kind, path, _lines(path), marks[str(path)]) for kind, path in (("TF1 program", legacy), ("TF2 port", port))
        ],
    )


def _leading(failed: Rung | None) -> Cause | None:
    """The cause that the page opens with: the first that has a place, or else the first."""
    causes = failed.causes if failed is not None else ()
    return next((cause for cause in causes if cause.where is not None), next(iter(causes), None))


def _excerpts(where: Where) -> list[Excerpt]:
    """Both programs around the lines that part; the port's alone where TF1's is not known."""
    marks = [("TF2 port", where.path, _port_mark(where), where.before)]
    if where.legacy_path is not None and where.legacy_line is not None:
        marks.insert(0, ("TF1 program", where.legacy_path, Mark(where.legacy_line), where.legacy_text))
    return [Excerpt(kind, Path(path).name, mark, _around(path, mark, text)) for kind, path, mark, text in marks]


def _port_mark(where: Where) -> Mark:
    if where.column is None or where.end is None:
        return Mark(where.line)
    start, end = (len(where.before[:place].expandtabs(TAB)) for place in (where.column, where.end))
    return Mark(where.line, start, end)


def _around(path: str, mark: Mark, text: str) -> list[Line]:
    """The lines around the marked one; that one alone where the file cannot be read."""
    try:
        lines = _lines(Path(path))
    except (OSError, SyntaxError, UnicodeError):
        return [(mark.line, text.expandtabs(TAB))]
    near = [line for line in lines if abs(line[0] - mark.line) <= AROUND]
    while near and not near[0][1].strip():
        near = near[1:]
    while near and not near[-1][1].strip():
        near = near[:-1]
    return near


def _mark_in(program: Path, cause: Cause | None) -> Mark | None:
    """The marked line of a program, where the cause points at it."""
    where = None if cause is None else cause.where
    if where is not None and Path(where.path) == program:
        return _port_mark(where)
    if where is not None and where.legacy_path == str(program) and where.legacy_line is not None:
        return Mark(where.legacy_line)
    return None


def _apart(report: CheckReport, rung: Rung) -> tuple[Difference | None, Picture | None]:
    """The element at the largest distance, and the tensor's picture, where both programs have one of one form.

    The element most ULP away may be one that cancels to nothing; its distance from the other program says little.
    """
    if rung.moment is None or rung.tensor is None or rung.difference is None:
        return rung.difference, None
    legacy, port = (record[rung.moment][rung.tensor] for record in (report.legacy, report.port))
    apart = difference(legacy, port, scaled=True) or rung.difference
    if apart.size == 1:
        return apart, None
    name = f"{rung.name.replace(' ', '-')}-divergence"
    return apart, divergence(name, f"{rung.tensor} on the rung {title(report, rung)!r}", legacy, port, apart)


def _lines(program: Path) -> list[Line]:
    with tokenize.open(program) as file:  # in the encoding that the program declares
        return list(enumerate(file.read().expandtabs(TAB).rstrip().split("\n"), 1))
