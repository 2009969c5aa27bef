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
    assert (compared.equal, compared.unmatched) == (0, ["d on lanes-8"])
    (apart,) = compared.differences
    assert (apart.quantity, apart.difference.ulp, apart.difference.index) == ("w", 1, (1,))
    assert (apart.first_is, apart.second_is) == ("lanes-8", "")


def test_a_file_nested_too_deep_is_named(tmp_path):
    path = tmp_path / "records.json"
    path.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(InputError, match=r"records must be a file .*\(RecursionError"):
        saved.load(path)


def test_another_dtype_is_no_equal_value():
    other = {("d", "eager"): Record({"after": {"w": np.float64([1, 2])}})}
    (apart,) = saved.compare(runs([1, 2]), other).differences
    assert apart.difference is None


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"format": "other"}', '{"format": "tf_repro records 1"}'])
def test_a_file_that_is_none_is_one_line(tmp_path, content):
    path = Path(tmp_path, "records.json")
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="records must be a file that `tf-repro run --record` wrote") as error:
        saved.load(path)
    assert "\n" not in str(error.value)
