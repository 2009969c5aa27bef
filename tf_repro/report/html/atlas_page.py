"""The drift atlas as a page: releases across, probes down, colour by size."""

from __future__ import annotations

from collections.abc import Sequence

from tf_repro.atlas import Atlas
from tf_repro.report.atlas import Move, release_key
from tf_repro.report.html import render


def atlas_page(atlas: Atlas, found: Sequence[Move]) -> str:
    """The page of the moves that were found.

    Args:
        atlas: the recordings.
        found: what moved.
    """
    releases = sorted({column.version for column in atlas.columns}, key=release_key)
    rows = [(probe, {move.after: move for move in found if move.probe == probe}) for probe in sorted(atlas.probes)]
    moved = [(probe, cells) for probe, cells in rows if cells]
    still = [probe for probe, cells in rows if not cells]
    return render("atlas.html.j2", atlas=atlas, releases=releases, rows=moved, still=still, shade=shade)


def shade(move: Move) -> int:
    """How dark a cell is, in per cent: nothing to measure, then one step for each factor of 32 in rounding units."""
    steps = 0 if move.units is None else 1 + sum(move.units > bound for bound in (1, 32, 1024, 32768))
    return 10 + 12 * steps
