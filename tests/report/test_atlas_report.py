"""The atlas on the terminal and as a page: tables and lines, releases in short, and what has no reason."""

import io

import pytest
from rich.console import Console

from tests.atlas.test_recordings import atlas_of, recording
from tf_repro.atlas import changes
from tf_repro.report.atlas import moves, runs_of, show_moves, show_probe, show_rows, where_of
from tf_repro.report.html.atlas_page import Scope, atlas_page

LONG = "a_probe_whose_name_is_not_cut"


def printed(show, *arguments, width=100):
    """What is printed on a terminal of a width."""
    out = io.StringIO()
    show(Console(file=out, width=width), *arguments)
    return out.getvalue()


@pytest.fixture
def unknown():
    """Sums that moved from 1.4 to 1.5, of a probe without a formula."""
    return atlas_of(recording("1.4.1", [1.0, 3.0]), recording("1.5.1", [1.0, 3.000001]))


@pytest.mark.parametrize("width", [40, 52, 53, 200])
def test_rows_are_lines_where_a_table_would_cut_them(width):
    text = printed(show_rows, ("probe", "since", "rounding units"), [(LONG, "1.5", "<0.1")], width=width)
    assert LONG in text
    assert ("since 1.5; <0.1 rounding units" in text) is (width < 53)


def test_what_has_no_reason_is_listed(unknown):
    text = printed(show_moves, unknown, moves(changes(unknown)))
    assert "not attributed: p since 1.5" in text
    assert "Not attributed: p since 1.5." in atlas_page(unknown, changes(unknown))


def test_a_row_is_for_a_pair_of_releases_and_not_for_each_run():
    given = [
        recording(release, values, onednn=state)
        for release, values in (("2.5.3", [1]), ("2.6.5", [2]))
        for state in "01"
    ]
    atlas = atlas_of(*given)
    text = printed(show_probe, atlas, "p", changes(atlas), width=120)
    assert text.count("2.5.3 → 2.6.5") == 1
    assert "oneDNN" not in text
    (one,) = [each for each in changes(atlas) if each.onednn]
    assert runs_of([one]) == "session; float32; with oneDNN"


def test_runs_are_told_as_spans():
    atlas = atlas_of(*[recording(f"2.{minor}.0", [1], onednn=state) for minor in range(5, 9) for state in "01"])
    given = ["2.5.0 eager float32", "2.5.0 oneDNN eager float32", "2.6.0 eager float64", "2.8.0 eager float32"]
    assert where_of(atlas, given) == "eager: 2.5.0 to 2.6.0, 2.8.0"
    assert where_of(atlas, ["2.5.0 oneDNN eager float32", "2.5.0 oneDNN function float32"]) == (
        "eager, function: 2.5.0 with oneDNN"
    )


def test_a_page_says_what_it_was_asked_for_and_nothing_of_other_probes(unknown):
    unknown.probes["other"] = dict(unknown.probes["p"])
    whole, part = atlas_page(unknown, []), atlas_page(unknown, [], scope=Scope(frozenset({"p"}), "What moved from 1.4"))
    assert "<p>other, p</p>" in whole
    assert "What moved from 1.4" not in whole
    assert "<p>p</p>" in part
    assert "What moved from 1.4" in part
