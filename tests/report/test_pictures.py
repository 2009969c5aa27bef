"""Pictures are drawn from what was computed, say so in words, and can stand beside each other in any page."""

import re
import xml.etree.ElementTree as ElementTree
from functools import partial

import numpy as np
import pytest
from matplotlib.axes import Axes

from tests.tolerances import CENTRAL_DIFFERENCES
from tf_repro.report.pictures import components, reverse_mode, softmax_backprop, softmax_jacobian
from tf_repro.report.pictures.svg import picture
from tf_repro.suite import run as suite

LINE = partial(picture, "line", lambda figure: figure.add_subplot().plot([1, 2]), caption="")
NAMESPACE = "{http://www.w3.org/2000/svg}"


def test_the_same_input_gives_the_same_text():
    assert LINE(title="A", alt="B").svg == LINE(title="A", alt="B").svg


def test_every_id_begins_with_the_picture_s_name_and_every_reference_has_its_target():
    root = ElementTree.fromstring(LINE(title="A", alt="B").svg)
    ids = {element.get("id") for element in root.iter()} - {None}
    assert all(each.startswith("line-") for each in ids)
    assert set(re.findall(r"#(line-[^\s\")]+)", LINE(title="A", alt="B").svg)) <= ids
    assert root.get("aria-labelledby").split() == ["line-title", "line-desc"]


def test_title_and_description_are_text_whatever_they_hold():
    root = ElementTree.fromstring(LINE(title="<script>alert(1)</script>", alt='"><img>').svg)
    assert root.find(f"{NAMESPACE}title").text == "<script>alert(1)</script>"
    assert root.find(f"{NAMESPACE}desc").text == '"><img>'
    assert not root.findall(f".//{NAMESPACE}script")


def test_graph_has_every_value_and_partial_of_the_record():
    record = suite.record("reverse_mode", "derivation")
    drawn = reverse_mode.graph(record)
    for number, (value, partial_) in enumerate(zip(*record["sweep"].values(), strict=True), 1):
        assert f"is {value:g}, partial {partial_:g}" in drawn.alt
        assert f"n{number} = {value:g}" in drawn.svg


def test_drift_names_the_release_that_parts():
    records = {engine: suite.record("softmax_backprop", engine) for engine in ("tf-1.4.1", "tf-1.5.1", "tf-1.15.5")}
    assert "They part from them first in 1.5.1" in softmax_backprop.weights(records, "2").alt
    assert "No release parts." in softmax_backprop.weights({"tf-1.4.1": records["tf-1.4.1"]}, "2").alt


def test_learning_curve_tells_first_and_last_loss():
    record = suite.record("softmax_jacobian", "derivation")
    first, last = record["trajectory"]["loss"][0], record["after"]["loss"]
    assert f"falls from {first:.3f} to {float(last):.3f} nats" in softmax_jacobian.learning_curve(record).alt


@pytest.mark.parametrize("operation", components.OPERATIONS)
def test_saved_benchmarks_are_drawn_and_tell_what_they_were_measured_on(operation):
    results = components.load_benchmarks()
    (drawn,) = components.benchmarks(results | {"rows": [r for r in results["rows"] if r["operation"] == operation]})
    last = [row for row in results["rows"] if row["operation"] == operation][-1]
    assert " × ".join(map(str, last["size"])) in drawn.alt
    assert f"{last['implementations']['tf_repro']['peak_bytes'] / 1e6:.1f} MB" in drawn.alt
    assert results["provenance"]["tensorflow"] in drawn.caption
    assert np.isfinite([entry["seconds"] for entry in last["implementations"].values()]).all()


def test_two_arrows_between_the_same_nodes_part_and_one_is_straight(monkeypatch):
    """Of x²y + y + 2: x goes twice into the first product."""
    bends, arrow = [], reverse_mode._arrow
    monkeypatch.setattr(reverse_mode, "_arrow", lambda *at: bends.append(at[2]) or arrow(*at))
    reverse_mode.graph(suite.record("reverse_mode", "derivation"))
    assert sorted(bends) == [-0.25, *[0.0] * 6, 0.25]


def test_the_marks_of_a_size_lie_around_its_line(monkeypatch):
    results, plotted, plot = components.load_benchmarks(), [], Axes.plot
    rows = [row for row in results["rows"] if row["operation"] == next(iter(components.OPERATIONS))]
    monkeypatch.setattr(Axes, "plot", lambda self, x, y, **look: plotted.append(y) or plot(self, x, y, **look))
    components.benchmarks(results | {"rows": rows})
    of_one_panel = np.array(plotted[: len(plotted) // 2])
    np.testing.assert_allclose(of_one_panel.mean(0), np.arange(len(rows)), atol=CENTRAL_DIFFERENCES)
