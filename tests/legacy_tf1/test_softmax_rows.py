"""Softmax's rows: drawn alike everywhere, told apart by one bit, recorded again where genuine TensorFlow is at hand."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import legacy_tf1
from legacy_tf1 import softmax_rows
from tf_repro.suite.recordings import RECORDINGS, load_recording

ROOT = Path(legacy_tf1.__file__).parent
RELEASES = ("1.4.1", "1.5.1")


@pytest.mark.parametrize("release", RELEASES)
def test_every_case_is_recorded(release):
    recorded = load_recording(RECORDINGS / f"softmax-rows-tf-{release}.json")["softmax_rows"]
    assert set(recorded) == {name for name, _, _ in softmax_rows.cases()}
    assert {tuple(quantities) for quantities in recorded.values()} == {("gradient", "y")}
    assert recorded.provenance["tensorflow"] == release


def test_a_digest_tells_a_row_with_one_other_bit():
    rows = np.linspace(0, 1, 60, dtype=np.float32).reshape(3, 20)
    other = rows.copy()
    other[1, 7] = np.nextafter(other[1, 7], np.float32(2))
    same = softmax_rows.abridged({"y": rows})["y"] == softmax_rows.abridged({"y": other})["y"]
    assert same.tolist() == [True, False, True]


@pytest.mark.genuine_tf1
def test_genuine_tensorflow_records_the_same_rows(tf1_python, tmp_path):
    shutil.copytree(ROOT, tmp_path / "legacy_tf1", ignore=shutil.ignore_patterns("__pycache__"))
    out = tmp_path / "rows.json"
    command = [tf1_python, "-m", "legacy_tf1.record", out, "--program", "softmax_rows"]
    subprocess.run(command, check=True, cwd=tmp_path)
    again = load_recording(out)["softmax_rows"]
    release = again.provenance["tensorflow"]
    if release not in RELEASES:
        pytest.skip(f"rows are recorded of TensorFlow {' and '.join(RELEASES)}, not of {release}")
    assert again == load_recording(RECORDINGS / f"softmax-rows-tf-{release}.json")["softmax_rows"]
