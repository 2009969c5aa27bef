import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tf_repro.core.errors import InputError
from tf_repro.core.files import write_atomically
from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record
from tf_repro.suite.recordings import load_recording


@given(arrays(st.sampled_from(["float32", "float64", "int64", "bool"]), array_shapes(min_dims=0, max_dims=3)))
def test_json_keeps_every_bit(array):
    record = Record({"after": {"w": array}}, {"tensorflow": "2"})
    back = Record.from_json(record.to_json())
    assert back == record
    assert back["after"]["w"].dtype == array.dtype
    assert back["after"]["w"].tobytes() == array.tobytes() or np.isnan(array).any()
    assert back.provenance == {"tensorflow": "2"}


def test_a_record_differs_by_a_bit_a_dtype_and_a_name():
    one = Record({"after": {"w": np.float32(1)}})
    assert one != Record({"after": {"w": np.nextafter(np.float32(1), np.float32(2))}})
    assert one != Record({"after": {"w": np.float64(1)}})
    assert one != Record({"after": {"v": np.float32(1)}})


GOOD = Record({"after": {"w": np.float32([1, 2])}}).to_json()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD[:-10], "a record must be complete JSON. Received: the text, line"),
        ("[]", "a record must be a JSON object with 'provenance'"),
        ('{"provenance": {}}', "a record must map moment to quantity to dtype, shape and values"),
        (GOOD.replace("0x1.0", "one"), "a record must map moment to quantity"),
        (GOOD.replace('"2"', '"3"'), "a record must map moment to quantity"),
        (GOOD.replace("float32", "float31"), "a record must map moment to quantity"),
        (GOOD.replace("float32", "(1,"), "a record must map moment to quantity"),
        (GOOD.replace("0x1.0000000000000p+0", "0x1p99999"), "a record must map moment to quantity"),
        ("[" * 100_000, "a record must be complete JSON. Received: the text: RecursionError"),
        ("9" * 5000, "a record must be complete JSON. Received: the text: ValueError"),
    ],
    ids=range(10),
)
def test_bad_json(text, message):
    with pytest.raises(InputError, match=message) as caught:
        Record.from_json(text)
    assert "\n" not in str(caught.value)


def test_an_integer_beyond_its_dtype_is_named():
    text = Record({"after": {"n": np.int32(7)}}).to_json().replace('"7"', f'"{2**70}"')
    with pytest.raises(InputError, match="moments: OverflowError"):
        Record.from_json(text)


def test_json_keeps_bfloat16():
    array = np.array([1.5, -0.0, np.inf], pytest.importorskip("ml_dtypes").bfloat16)
    back = Record.from_json(Record({"after": {"w": array}}).to_json())["after"]["w"]
    assert back.dtype == array.dtype
    assert back.tobytes() == array.tobytes()


def test_a_missing_recording_is_named(tmp_path):
    with pytest.raises(InputError, match="a recording must be a readable UTF-8 file"):
        load_recording(tmp_path / "tf.json")
    (tmp_path / "tf.json").write_text(json.dumps({"provenance": {}}))
    with pytest.raises(InputError, match="a recording must have an object 'records'"):
        load_recording(tmp_path / "tf.json")


def test_a_missing_quantity_is_named():
    with pytest.raises(InputError, match=r"Received: after/v; the record has after/w"):
        Record({"after": {"w": 1.0}}).quantity("after", "v")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], r"x must not be empty. Received: shape \(0,\)"),
        ([1, float("nan")], r"x must be finite. Received: nan at index \[1\]"),
        ([float("inf")], r"x must be finite. Received: inf at index \[0\]"),
        ([[1]], r"x must have 1 dimension\(s\). Received: shape \(1, 1\)"),
        ([[1], [2, 3]], "x must be a rectangular array of numbers"),
        (["one"], "x must be a rectangular array of numbers"),
    ],
)
def test_bad_arrays(value, message):
    with pytest.raises(InputError, match=message):
        as_array("x", value, ndim=1)


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3", None])
def test_bad_counts(value):
    with pytest.raises(InputError, match="steps must be a whole number of at least 1"):
        as_count("steps", value)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "out.json"
    write_atomically(target, "old")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path):
    target, link, pipe = (tmp_path / name for name in ("target", "link", "pipe"))
    link.symlink_to(target)
    write_atomically(link, "text")
    assert link.is_symlink()
    assert target.read_text() == "text"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, "text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert pipe.is_fifo()


def test_an_unwritable_target_is_named(tmp_path):
    with pytest.raises(InputError, match="an output file needs an existing, writable folder"):
        write_atomically(tmp_path / "no" / "out.json", "text")
    with pytest.raises(InputError, match="the output file must be writable"):
        write_atomically(tmp_path, "text")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ["text", None, 1j, np.longdouble(1), [[1], [1, 2]]])
def test_what_is_no_array_of_numbers_is_refused(value):
    with pytest.raises(InputError, match="a quantity must be a"):
        Record({"before": {"w": value}})
