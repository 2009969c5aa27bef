"""Printed figures against what computed them, coloured by kind: reproduced, a few ULP away, or no longer zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tf_repro.atlas import Atlas
from tf_repro.atlas.recordings import values_of
from tf_repro.report.pictures.svg import INK, SERIES, Picture, cell, picture
from tf_repro.suite.claims import Document

GREEN, AMBER, VIOLET = SERIES[2], SERIES[1], SERIES[3]
FAR = 9_999
"""More steps than that lie between a printed zero and what rounding leaves of it."""
MOMENTS = ("w", "logits", "y")
FONT = 6.5
"""Points of the cells' numbers: thirty-nine columns share 560 points, and three digits must fit one of them."""


def draw_kinds(axes: Axes, steps: Sequence[Sequence[int | None]], rows: Sequence[str], columns: Sequence[str]) -> None:
    """A table of cells: green where a figure is reproduced, amber where it is some steps away, violet for a lost zero.

    Args:
        axes: where to draw.
        steps: by row and column, ULP from the printed figure; None where there is none.
        rows: the rows' names.
        columns: the columns' names.
    """
    for row, of_row in enumerate(steps):
        for column, ulp in enumerate(of_row):
            text, colour, share = kind(ulp)
            cell(axes, row, column, text, colour, share)
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.grid(False)


def kind(ulp: int | None) -> tuple[str, str, float]:
    """What a cell says, its colour, and how strong that is.

    Example:
        >>> [kind(ulp)[0] for ulp in (None, 0, 3, 10**7)]
        ['–', '', '3', '≠0']
    """
    if ulp is None:
        return "–", GREEN, 0.0
    if ulp == 0:
        return "", GREEN, 0.55
    if ulp > FAR:
        return "≠0", VIOLET, 0.9
    return str(ulp), AMBER, float(min(0.35 + np.log2(ulp) / 6, 1))


def add_legend(figure: Figure) -> None:
    """What the three colours stand for."""
    texts = ((GREEN, "the printed figure"), (AMBER, "as many ULP away"), (VIOLET, "0. was printed"))
    patches = [Patch(facecolor=colour, alpha=0.5, label=label) for colour, label in texts]
    figure.legend(handles=patches, loc="outside upper center", ncols=3, handlelength=1.2, columnspacing=1.4)


def releases(document: Document, atlas: Atlas, *, upright: bool = False) -> Picture:
    """The figures of ``softmax_backprop`` after its step on every release of the atlas, with oneDNN where it is on.

    Args:
        document: its claims.
        atlas: the recordings, with the document's program among the probes.
        upright: a release is a row, for a telephone; otherwise a column.
    """
    columns = {
        column.version: place
        for place, column in enumerate(atlas.columns)
        if column.onednn in ("", "1")  # what a processor with AVX512-VNNI runs
    }
    names, steps = [], []
    for moment in MOMENTS:
        series = atlas.series["document_softmax_backprop", "session", "float32", f"after {moment}"]
        claim = next(each for each in document.claims if each.id == f"after.{moment}")
        for index, figure in enumerate(claim.figures):
            values = [values_of(series.versions[series.cells[place]])[index] for place in columns.values()]
            names.append(f"{moment}[{index}]  {figure.printed}")
            steps.append([figure.ulp(value) for value in values])

    away = {version: sum(bool(row[place]) for row in steps) for place, version in enumerate(columns)}
    first = next(version for version, count in away.items() if count)
    draw = _upright if upright else _across
    return picture(
        "releases-upright" if upright else "releases",
        lambda figure: draw(figure, steps, names, list(columns)),
        title=f"{len(names)} printed figures on {len(columns)} releases of TensorFlow",
        alt=f"Up to 1.4.1 all {len(names)} figures are reproduced; from {first} on, {away[first]} are not.",
        caption="One step of descent, as a document printed it, on genuine TensorFlow. The code of softmax is the same "
        "on both sides of the line; up to 1.4 the wheels add a row's numbers four at a time, from 1.5 on eight.",
        height=7.4 if upright else 4.2,
        width=4.8 if upright else 8.6,
    )


LAST_OF_FOUR = "1.4.1"
"""The last release whose wheels add four numbers at a time."""
Steps = Sequence[Sequence[int | None]]


def _across(figure: Figure, steps: Steps, names: Sequence[str], versions: Sequence[str]) -> None:
    """A figure is a row, a release a column."""
    axes = figure.add_subplot()
    draw_kinds(axes, steps, names, versions)
    axes.tick_params(axis="x", labelsize=FONT, rotation=90)
    axes.tick_params(axis="y", labelsize=8.0)
    border = versions.index(LAST_OF_FOUR) + 0.5
    axes.axvline(border, color=INK, linewidth=1.6)
    for place, text, side in ((border - 0.15, "4 lanes", "right"), (border + 0.15, "8 lanes", "left")):
        axes.text(place, -0.75, text, ha=side, va="bottom", fontsize=8.5)
    axes.set_xlabel("TensorFlow release")
    add_legend(figure)


def _upright(figure: Figure, steps: Steps, names: Sequence[str], versions: Sequence[str]) -> None:
    """A release is a row, a figure a column."""
    axes = figure.add_subplot()
    draw_kinds(axes, list(zip(*steps, strict=True)), versions, names)
    axes.tick_params(axis="x", labelsize=8.5, rotation=90, labeltop=True, labelbottom=False)
    axes.tick_params(axis="y", labelsize=9.0)
    border = versions.index(LAST_OF_FOUR) + 0.5
    axes.axhline(border, color=INK, linewidth=1.6)
    for place, text, side in ((border - 0.2, "4 lanes", "bottom"), (border + 0.2, "8 lanes", "top")):
        axes.text(len(names) - 0.3, place, text, ha="left", va=side, fontsize=9.0)
    axes.set_ylabel("TensorFlow release")
    add_legend(figure)
