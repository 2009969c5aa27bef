"""The bundle as a file: nothing is lost, and whatever is not whole is refused in one line."""

import dataclasses
import io
import json
import zipfile

import numpy as np
import pytest

from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.migrate import golden

MOMENTS = {
    "initial": {"w": np.float32([[1.5, -0.0], [np.nan, np.inf]]), "half": np.float16([1.0]), "step": np.int64(3)},
    "before": {"loss": np.float64(0.1), "right": np.array([True, False]), "none": np.zeros([0, 3], np.float32)},
    "feeds": {"x": np.arange(6, dtype=np.int32).reshape(1, 2, 3)},
}

BUNDLE = golden.Bundle(
    record=Record(MOMENTS, {"tensorflow": "1.15.5", "program": "legacy.py"}),
    description={"order": ["loss"], "optimizers": []},
    program="legacy.py",
    source="import tensorflow as tf  # ε\n",
    steps=3,
    seed=7,
    inputs={"rate": 0.5},
    noise={"before": {"loss": np.float32(1e-7)}},
    unsteady=("mask",),
    graphs={"before": golden.Graph([{"name": "x"}], [["fetch", "loss", "x:0"]], {"x:0": MOMENTS["initial"]["w"]})},
    provenance={"cpu": "A"},
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "original.golden"
    BUNDLE.write(path)
    return path


def test_nothing_is_lost(file):
    read = golden.read(file)
    for moment, quantities in MOMENTS.items():
        for name, value in quantities.items():
            again = read.record[moment][name]
            assert (again.dtype, again.shape, again.tobytes()) == (value.dtype, value.shape, value.tobytes()), name
    assert read.record.provenance == BUNDLE.record.provenance
    assert read.noise["before"]["loss"] == np.float32(1e-7)
    assert read.graphs["before"].nodes == BUNDLE.graphs["before"].nodes
    np.testing.assert_array_equal(read.graphs["before"].values["x:0"], MOMENTS["initial"]["w"])
    for name in ("description", "program", "source", "steps", "seed", "inputs", "unsteady", "provenance"):
        assert getattr(read, name) == getattr(BUNDLE, name), name


def test_equal_recordings_are_equal_files_and_equal_arrays_are_kept_once(file):
    assert BUNDLE.to_bytes() == file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        arrays = [name for name in archive.namelist() if name.startswith("arrays/")]
    assert len(arrays) == 8  # seven in the Record, one of noise; the graph's one is the variable's


def test_file_cut_at_any_byte_is_refused(file):
    content = file.read_bytes()
    for length in range(0, len(content), 31):
        file.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"^a golden bundle must be whole.*record it anew$"):
            golden.read(file)


def test_altered_byte_is_refused_or_changes_nothing(file):
    """A few bytes of an archive, such as the times of its members, mean nothing."""
    content, refused = file.read_bytes(), 0
    for place in range(0, len(content), 23):
        file.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        try:
            read = golden.read(file)
        except InputError:
            refused += 1
        else:
            assert read.to_bytes() == content, place
    assert refused > len(content) / 23 / 2


def archive_of(manifest):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be whole"),
        (b"\x80\x04cos\nsystem\n", "must be whole"),
        (archive_of([]), "must be written by tf-repro record"),
        (archive_of({"format": golden.FORMAT, "version": 0}), "must be of version 1. Received: .* of version 0"),
        (archive_of({"format": golden.FORMAT, "version": 2}), "of version 2; record it anew, or use the tf_repro"),
        (archive_of({"format": golden.FORMAT, "version": 1}), "must be whole"),
    ],
)
def test_what_is_no_bundle_is_one_line(tmp_path, content, message):
    path = tmp_path / "original.golden"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        golden.read(path)


def test_program_that_was_altered_in_the_file_is_refused(tmp_path):
    path = tmp_path / "original.golden"
    with zipfile.ZipFile(io.BytesIO(BUNDLE.to_bytes())) as archive, zipfile.ZipFile(path, "w") as altered:
        for name in archive.namelist():
            altered.writestr(name, b"pass\n" if name == golden.SOURCE else archive.read(name))
    with pytest.raises(ValueError, match="the program's text is not the one that was recorded"):
        golden.read(path)


def test_arrays_of_objects_are_refused():
    graph = golden.Graph([], [], {"text:0": np.array(["a", None], object)})
    with pytest.raises(ValueError, match="a bundle must hold numbers"):
        dataclasses.replace(BUNDLE, graphs={"before": graph}).to_bytes()


def test_nothing_is_written_where_writing_fails(tmp_path):
    with pytest.raises(ValueError, match="needs an existing, writable folder"):
        BUNDLE.write(tmp_path / "absent" / "original.golden")
    assert list(tmp_path.iterdir()) == []


def test_bundle_is_known_by_its_bytes_too(file, tmp_path):
    other = tmp_path / "original.bin"
    file.rename(other)
    assert golden.is_bundle(other)
    (tmp_path / "legacy.py").write_text("import tensorflow as tf\n")
    assert not golden.is_bundle(tmp_path / "legacy.py")
    assert not golden.is_bundle(tmp_path / "absent.py")


def test_unpacked_program_has_its_name_and_text():
    with golden.unpacked(BUNDLE) as path:
        assert (path.name, path.read_text(encoding="utf-8")) == ("legacy.py", BUNDLE.source)
    assert not path.exists()
