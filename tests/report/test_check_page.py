"""The page of a check: what it says, and that nothing of a user's becomes markup."""

import os
import re
from dataclasses import replace

import numpy as np
import pytest

from tf_repro.core.files import write_atomically
from tf_repro.core.record import Record
from tf_repro.core.ulp import difference, distances
from tf_repro.migrate.checker.outcome import (
    FAILED,
    NOT_REACHED,
    PASSED,
    Cause,
    CheckReport,
    NotTested,
    RuledOut,
    Rung,
    Where,
)
from tf_repro.report.html.check_page import check_page
from tf_repro.report.pictures.divergence import COLUMNS, divergence
from tf_repro.report.pictures.svg import NEUTRAL

LEGACY = "# <script>alert(1)</script>\nimport tensorflow as tf\n"
PORT = "def build():\n\treturn {}\n"


def programs(folder, legacy="legacy.py", port="port.py"):
    (folder / legacy).write_text(LEGACY, encoding="utf-8")
    (folder / port).write_text(PORT, encoding="utf-8")
    return folder / legacy, folder / port


def a_check(*rungs, tensor="w", expected=(), received=(), scaled=False):
    about = {"tensorflow": "1.15.5", "python": "3.7.17", "program": "legacy.py"}
    legacy, port = (Record({"gradients": {tensor: np.float32(values)}}, about) for values in (expected, received))
    return CheckReport(rungs, {}, legacy, port, 0, scaled)


def failed(tensor="w", expected=(1, 2, 3), received=(1, 2.0000005, 3), **what):
    apart = difference(np.float32(expected), np.float32(received))
    detail = f"1 of 1 tensor apart: {tensor}"
    rung = Rung("gradients", FAILED, detail, tensor, apart, apart.ulp, moment="gradients", **what)
    return a_check(rung, Rung("one step", NOT_REACHED), tensor=tensor, expected=expected, received=received)


def test_a_check_that_passes(tmp_path):
    page = check_page(a_check(Rung("forward", PASSED, "2 tensors, bit-equal", ulp=0)), *programs(tmp_path))
    assert "TensorFlow 1.15.5 computes, bit for bit, on all 1 rungs that apply" in page
    assert "2 tensors, bit-equal" in page
    assert "Where they part" not in page
    assert "<svg" not in page


def test_a_check_that_fails(tmp_path):
    causes = [Cause("mean for sum", "with tf.reduce_mean for tf.reduce_sum on port.py:19", 0, True)]
    causes += [Cause("rounding", "with float64", 3, False)]
    report = failed(causes=causes, ruled_out=[RuledOut("sign changed", "with the sign of the gradients changed")])
    page = check_page(report, *programs(tmp_path))
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Furthest apart [1] TF1 program 2 Port 2.00000048 Apart 2 ULP of the tensor&#39;s largest element" in text
    assert "mean for sum the rung passes with tf.reduce_mean for tf.reduce_sum on port.py:19" in text
    assert "rounding only rounding is left (3 ULP of the largest element) with float64" in text
    assert "sign changed the rung still fails with the sign of the gradients changed" in text
    assert "one step not reached" in text
    assert page.count('<svg xmlns="http://www.w3.org/2000/svg"') == 1


def test_what_is_only_rounding_comes_with_advice(tmp_path):
    causes = [Cause("kernels", "with the TF1 program on TensorFlow 2.21.0", 0, True)]
    page = check_page(failed(causes=causes), *programs(tmp_path))
    assert "It is rounding: allow for it with --max-ulp N, or --scaled --max-ulp N." in page
    causes.append(Cause("epsilon", "with epsilon=1e-8", 0, True))
    assert "--max-ulp" not in check_page(failed(causes=causes), *programs(tmp_path))


def test_what_there_was_no_time_for(tmp_path):
    page = check_page(failed(untested=["epsilon", "swapped variables", "swapped variables"]), *programs(tmp_path))
    assert "Not tested, the runs were used up: epsilon, swapped variables (2)." in page


def test_every_failed_rung_has_a_picture_of_its_own(tmp_path):
    report = failed()
    second = Rung("one step", FAILED, "", "w", report.rungs[0].difference, 2, moment="gradients")
    page = check_page(CheckReport([report.rungs[0], second], {}, report.legacy, report.port, 0), *programs(tmp_path))
    ids = re.findall(r' id="([^"]+)"', page)
    assert page.count("<svg ") == 2
    assert len(ids) == len(set(ids))


def test_a_rung_without_two_arrays_to_compare_has_no_picture(tmp_path):
    rung = Rung("variables", FAILED, "w has shape (2,) in the TF1 program, w has shape (3,) in the port", tensor="w")
    page = check_page(a_check(rung), *programs(tmp_path))
    assert "w has shape (2,) in the TF1 program" in page
    assert "<svg" not in page


def test_hostile_texts_are_text(tmp_path):
    name = "<img src=x onerror=alert(1)>"
    ruled_out = [RuledOut(name, name)]
    page = check_page(failed(name, ruled_out=ruled_out), *programs(tmp_path, f"{name}.py", f"{name}-port.py"))
    assert name not in page
    assert page.count("<script>") == 1
    assert "alert(1)&lt;/script&gt;" in page


def test_a_name_that_is_no_utf_8_is_escaped(tmp_path):
    name = os.fsdecode(b"port-\xff.py")
    try:
        paths = programs(tmp_path, port=name)
    except OSError:
        pytest.skip("this file system has only names in UTF-8")
    write_atomically(tmp_path / "page.html", check_page(failed(), *paths))
    assert "port-\\udcff.py" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_program_in_an_encoding_of_its_own(tmp_path):
    paths = programs(tmp_path)
    paths[0].write_bytes("# coding: gbk\nx = '交叉熵'\n".encode("gbk"))
    assert "交叉熵" in check_page(failed(), *paths)


def lines(picture):
    """How many distances are drawn."""
    return picture.svg.count(f'style="fill: none; stroke: {NEUTRAL}; stroke-width: 2"')


@pytest.mark.parametrize("size", [2, 30, 78400])
def test_divergence_draws_every_distance_where_points_coincide(size):
    expected = np.linspace(0, 1, size, dtype=np.float32)
    received = expected + np.float32(0.001) / size
    apart = difference(expected, received, scaled=True)
    shown = divergence("w", "w", expected, received, apart)
    assert lines(shown) == min(size, COLUMNS)
    assert apart.text("TF1 program", "port") in shown.alt
    assert "TF1 program</text>" not in shown.svg
    assert len(shown.svg) < 100_000


@pytest.mark.parametrize(("size", "distances"), [(1, 0), (2, 0), (78400, COLUMNS)])
def test_divergence_draws_values_that_can_be_told_apart(size, distances):
    expected = np.linspace(0, 1, size, dtype=np.float32)
    received = -expected - 1
    shown = divergence("w", "w", expected, received, difference(expected, received, scaled=True))
    assert "TF1 program</text>" in shown.svg
    assert lines(shown) == distances


@pytest.mark.parametrize(
    ("expected", "received"),
    [
        (np.float32(1.5), np.float32(12)),
        (np.float32([np.inf, 1]), np.float32([5, 2])),
        (np.float32([np.inf]), np.float32([-np.inf])),
        (np.float32([np.nan, 1]), np.float32([1, np.nan])),
        (np.zeros(3), np.full(3, 1e-3)),
        (np.int64([1, 2]), np.int64([1, 3])),
        (np.array([True, False]), np.array([True, True])),
        (np.float16([1, 2]), np.float16([1, 3])),
    ],
    ids=["scalar", "an infinity", "only infinities", "nan", "zeros", "integers", "truth values", "half precision"],
)
@pytest.mark.parametrize("scaled", [False, True])
def test_divergence_of_all_that_compares(expected, received, scaled):
    shown = divergence("w", "loss $ <b>", expected, received, difference(expected, received, scaled))
    assert "loss $ &lt;b&gt;" in shown.svg


def test_an_element_that_is_no_number_on_one_side_is_a_cross():
    expected = np.linspace(0, 1, 30, dtype=np.float32)
    received = np.where(np.arange(30) == 3, np.float32(np.nan), expected)
    shown = divergence("w", "w", expected, received, difference(expected, received))
    assert lines(shown) == 29
    assert "A cross is not a number" in shown.caption


PLACE = Where(
    path="port.py",
    line=1,
    column=4,
    end=11,
    before="def build():",
    after="def rebuild():",
    legacy_path="legacy.py",
    legacy_line=2,
    legacy_text="import tensorflow as tf",
)


def test_the_page_leads_with_cause_place_both_lines_and_what_mends_it(tmp_path):
    legacy, port = programs(tmp_path)
    where = replace(PLACE, path=str(port), legacy_path=str(legacy))
    cause = Cause("wrong name", "with another name", 0, True, where)
    text = check_page(failed(causes=[Cause("sign", "with a sign", 0, True), cause]), legacy, port)
    main = text[text.index("<main") :]
    order = ["Cause: wrong name", "port.py:1", "legacy.py:2", "What mends it", "Where they part", "Ladder"]
    assert sorted(order, key=main.index) == order
    marked = re.findall(r'<span class="line marked" data-line="(\d)"', main)
    assert marked == ["2", "1", "2", "1"]  # in the excerpts, and in the programs below
    assert re.search(r"<mark>.*build.*</mark>", main)
    plain = re.sub(r"<[^>]+>", "", main[main.index("What mends it") : main.index("Where they part")])
    assert "def build():\ndef rebuild():" in plain


def test_a_place_without_a_change_or_a_line_of_tf1_shows_what_is_known(tmp_path):
    legacy, port = programs(tmp_path)
    where = Where(path=str(tmp_path / "gone.py"), line=7, before="\tx = 1")
    text = check_page(failed(causes=[Cause("unit", "with another unit", 0, True, where)]), legacy, port)
    assert "gone.py:7" in text
    assert '<span class="line marked" data-line="7" style="--indent:4">' in text
    assert "What mends it" not in text


def test_an_unknown_cause_is_said_to_be_unknown(tmp_path):
    text = check_page(failed(ruled_out=[RuledOut("sign changed", "with the sign changed")]), *programs(tmp_path))
    assert "The cause is not known" in text


def test_what_could_not_be_tested_says_why(tmp_path):
    text = check_page(failed(not_tested=[NotTested("epsilon", "with 0.1", "ValueError: no")]), *programs(tmp_path))
    assert "could not be tested: ValueError: no" in text


def test_a_distance_of_an_element_that_cancels_is_in_the_largest_one_s_ulp(tmp_path):
    text = check_page(failed(expected=(1, 1e-7, 3), received=(1, -1e-7, 3)), *programs(tmp_path))
    own = int(distances(np.float32(1e-7), np.float32(-1e-7)))
    assert own > 10**9
    assert str(own) not in text
    assert "0.8389 ULP of the tensor" in text
