"""The atlas' data: merging, saving, and what a planted change looks like."""

import base64
import json
import re

import numpy as np
import pytest

from legacy_tf1.atlas.harness import encode
from tests.tolerances import FEW_ROUNDINGS
from tf_repro.atlas import Atlas, Series, changes, load, merge, save
from tf_repro.atlas.recordings import values_of
from tf_repro.core.errors import InputError


def recording(release, values, cpu="one", onednn="", kind="kernel", sums=True):
    """A recording of one probe with one output."""
    given = {"tensorflow": release, "onednn": onednn, "cpu": cpu, "python": "3.6", "numpy": "1.16"}
    series = {"session float32": {"outputs": {"value": encode(np.float32(values))}}}
    return {"provenance": given, "probes": {"p": {"kind": kind, "sums": sums, "symbols": ["tf.p"], "series": series}}}


def atlas_of(*recordings):
    """An atlas of them, merged in this order."""
    atlas = Atlas()
    for each in recordings:
        merge(atlas, each)
    return atlas


def test_values_come_back_bit_for_bit():
    values = np.float32([1, -0.0, np.inf, 1e-45])
    assert values_of(encode(values)).tobytes() == values.tobytes()


def test_a_digest_tells_zero_from_minus_zero_and_the_precisions_apart():
    digests = {encode(value)["digest"] for value in (np.float32([0]), np.float32([-0.0]), np.float64([0]))}
    assert len(digests) == 3


def test_a_digest_covers_what_the_sample_leaves_out():
    a = np.zeros(1000, np.float32)
    b = a.copy()
    b[1] = 1
    assert encode(a)["values"] == encode(b)["values"]
    assert encode(a)["digest"] != encode(b)["digest"]
    (change,) = changes(atlas_of(recording("1.4.1", a), recording("1.5.1", b)))
    assert (change.after, change.units) == ("1.5.1", 0)


def test_the_order_of_merging_is_no_matter(tmp_path):
    given = [recording(f"1.{minor}.0", [minor // 3]) for minor in range(12)]
    save(atlas_of(*given), tmp_path / "a.json")
    save(atlas_of(*given[::-1]), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_text() == (tmp_path / "b.json").read_text()
    assert [change.after for change in changes(load(tmp_path / "a.json"))] == ["1.3.0", "1.6.0", "1.9.0"]


def test_another_machine_is_a_column_of_its_own():
    atlas = atlas_of(recording("1.4.1", [1]), recording("1.5.1", [1]), recording("1.5.1", [2], cpu="two"))
    assert len(atlas.columns) == 3
    assert changes(atlas) == []


def test_the_same_recording_again_takes_the_place_of_the_old():
    atlas = atlas_of(recording("1.4.1", [1]), recording("1.5.1", [1]), recording("1.5.1", [3]))
    assert len(atlas.columns) == 2
    assert [change.after for change in changes(atlas)] == ["1.5.1"]


def test_a_release_that_was_recorded_after_all_is_no_longer_listed_as_missing():
    atlas = Atlas(failed={"1.4.1": "no Python 3.6", "1.5.1": "no Python 3.6"})
    merge(atlas, recording("1.4.1", [1]))
    assert atlas.failed == {"1.5.1": "no Python 3.6"}


def test_the_two_states_of_onednn_are_told_apart():
    atlas = atlas_of(recording("2.4.4", [1]), recording("2.5.3", [1], onednn="0"), recording("2.5.3", [2], onednn="1"))
    assert [(change.after, change.onednn) for change in changes(atlas)] == [("2.5.3", True)]


def test_units_are_of_the_largest_value():
    atlas = atlas_of(recording("1.4.1", [1, 1e-6]), recording("1.5.1", [1 + 2**-22, 2e-6]))
    assert changes(atlas)[0].units == pytest.approx(1e-6 * 2**23, rel=FEW_ROUNDINGS)


def test_a_reason_is_one_sentence_without_paths():
    answer = {"absent": 'in user code:\n\n    File "/home/me/x.py", line 3\n\n    Absent: tf.p: not in this release\n'}
    given = recording("1.4.1", [1])
    given["probes"]["p"]["series"] = {"session float32": answer, "eager float32": {"failed": "E: /home/me/lib.so: no"}}
    atlas = atlas_of(given)
    assert atlas.series["p", "session", "float32", ""].versions == [{"absent": "tf.p: not in this release"}]
    assert atlas.series["p", "eager", "float32", ""].versions == [{"failed": "E: lib.so: no"}]


def test_a_recording_of_something_else_is_refused():
    with pytest.raises(InputError, match="a recording must be what"):
        merge(Atlas(), {"provenance": {"tensorflow": "2.x"}})


@pytest.mark.parametrize("release", ["1.15.5", "2.8.4"])
def test_a_planted_change_is_attributed_to_its_release(release):
    atlas = load()
    original = atlas.series["erf", "session", "float32", "value"].versions[0]
    values = values_of(original).copy()
    values[0] = np.nextafter(values[0], np.float32(2))
    changed = {**original, "digest": "planted", "values": base64.b64encode(values.tobytes()).decode()}
    first = tuple(map(int, release.split(".")))
    cells = [int(column.release >= first) for column in atlas.columns]
    atlas.series["erf", "session", "float32", "planted"] = Series([original, changed], cells)
    found = [change for change in changes(atlas, "erf") if change.output == "planted"]
    assert {change.after for change in found} == {release}
    assert {change.kind for change in found} == {"other approximation"}


def test_what_is_committed_is_small_and_has_provenance(tmp_path):
    atlas = load()
    save(atlas, tmp_path / "atlas.json")
    assert (tmp_path / "atlas.json").stat().st_size < 5_000_000
    assert json.loads((tmp_path / "atlas.json").read_text())["columns"][0]["numpy"]
    assert all(column.cpu and column.python and column.numpy for column in atlas.columns)
    assert len(atlas.probes) >= 60
    reasons = [
        str(content) for series in atlas.series.values() for content in series.versions if "values" not in content
    ]
    assert not any(re.search(r"/(work|home|root|usr|tmp)/", reason) for reason in reasons)
