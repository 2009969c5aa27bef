from pathlib import Path

import numpy as np
import pytest

from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.suite import saved


def runs(value, lanes=None, **provenance):
    records = {("d", "eager"): Record({"after": {"w": np.float32(value)}}, provenance)}
    return records | ({("d", "lanes-8"): Record({"after": {"w": np.float32(lanes)}})} if lanes else {})


def test_what_was_saved_is_read_back(tmp_path):
    path = tmp_path / "records.json"
    records = runs([1, np.nan, -0.0], onednn="on")
    path.write_text(saved.dumps(records), encoding="utf-8")
    loaded = saved.load(path)
    assert loaded == records
    assert loaded["d", "eager"].provenance == {"onednn": "on"}


def test_one_bit_is_found_with_the_setting_and_the_emulation_that_explains_it():
    compared = saved.compare(
        runs([1, 2], [1, 2], onednn="off", cpu="same"),
        runs([1, np.nextafter(np.float32(2), np.float32(3))], onednn="on", cpu="same"),
    )
    assert compared.settings == {"onednn": ("off", "on")}
    assert (compared.equal, compared.first_only, compared.second_only) == (0, ["d on lanes-8"], [])
    (apart,) = compared.differences
    assert (apart.quantity, apart.difference.ulp, apart.difference.index) == ("w", 1, (1,))
    assert (apart.first_is, apart.second_is) == ("lanes-8", "")


def test_a_file_nested_too_deep_is_named(tmp_path):
    path = tmp_path / "records.json"
    path.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(InputError, match=r"records must be a file .*which is no whole JSON"):
        saved.load(path)


def test_what_one_side_alone_has_is_told():
    more = runs([1, 2], [1, 2])
    more["d", "eager"] = Record({**more["d", "eager"], "later": {"w": np.float32(1)}})
    compared = saved.compare(runs([1, 2]), more)
    assert (compared.equal, compared.first_only) == (1, [])
    assert compared.second_only == ["d on eager: later/w", "d on lanes-8"]


def test_nothing_in_common_is_no_equality():
    other = {("another", "eager"): Record({"after": {"w": np.float32(1)}})}
    with pytest.raises(InputError, match=r"must have a run in common\. Received: none of the same name"):
        saved.compare(runs([1, 2]), other)


def test_a_file_of_another_release_says_which_form_it_has(tmp_path):
    path = tmp_path / "records.json"
    path.write_text(saved.dumps(runs([1, 2])).replace("records 1", "records 2"), encoding="utf-8")
    with pytest.raises(InputError, match=r"the form 'tf_repro records 1'\. Received: 'tf_repro records 2' in .*anew"):
        saved.load(path)


def test_a_file_that_was_cut_short_is_named(tmp_path):
    path = tmp_path / "records.json"
    text = saved.dumps(runs([1, 2]))
    path.write_text(text[: len(text) // 2], encoding="utf-8")
    with pytest.raises(InputError, match=r"Received: .*records\.json, which is no whole JSON"):
        saved.load(path)


def test_another_dtype_is_no_equal_value():
    other = {("d", "eager"): Record({"after": {"w": np.float64([1, 2])}})}
    (apart,) = saved.compare(runs([1, 2]), other).differences
    assert apart.difference is None


FORM = '{"format": "tf_repro records 1"'
CONTENTS = [None, "", "[]", "{}", '{"format": "other"}', '{"format": 1}', FORM + "}", FORM + ', "runs": 3}']
CONTENTS += [FORM + f', "runs": [{run}]}}' for run in ("3", "{}", '{"document": 1, "engine": "eager", "record": {}}')]


@pytest.mark.parametrize("content", CONTENTS)
def test_a_file_that_is_none_is_one_line(tmp_path, content):
    path = Path(tmp_path, "records.json")
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="records must be a file that `tf-repro run --record` wrote") as error:
        saved.load(path)
    assert "\n" not in str(error.value)
