"""The recordings: what genuine TensorFlow printed, recorded again where it can be."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import legacy_tf1
from legacy_tf1 import record as recorder
from legacy_tf1 import reverse_mode
from tests.tolerances import ONE_PASS
from tf_repro.suite.recordings import RECORDINGS, load_recording, recorded

ROOT = Path(legacy_tf1.__file__).parent
RELEASES = ("1.4.1", "1.5.1", "1.15.5")


@pytest.mark.parametrize("release", RELEASES)
def test_a_recording_tells_where_it_comes_from(release):
    path = RECORDINGS / f"tf-{release}.json"
    provenance = json.loads(path.read_text())["provenance"]
    assert provenance["tensorflow"] == release
    assert {"python", "numpy", "cpu"} <= set(provenance)
    assert set(load_recording(path)) == set(recorder.PROGRAMS)


@pytest.mark.parametrize("release", RELEASES)
def test_each_release_has_its_pins(release):
    pins = (ROOT / "requirements" / f"tf-{release}.txt").read_text()
    assert f"tensorflow=={release}\n" in pins


def test_recording_through_compat_v1(tmp_path):
    out = tmp_path / "tf.json"
    assert recorder.main([str(out)]) == 0
    recorded, genuine = load_recording(out), load_recording(RECORDINGS / "tf-1.15.5.json")
    for name, run in recorded.items():
        assert {moment: set(quantities) for moment, quantities in run.items()} == {
            moment: set(quantities) for moment, quantities in genuine[name].items()
        }
    assert np.array_equal(recorded["reverse_mode"]["after"]["w"], [-4, -25])


@pytest.mark.parametrize("target", ["no/such/folder/out.json", "."])
def test_a_target_that_cannot_be_written_is_one_line(target, capsys):
    assert recorder.main([target]) == 2
    assert capsys.readouterr().err == f"OUT.json must be a file in an existing folder. Received: {target}\n"


@pytest.mark.genuine_tf1
def test_genuine_tensorflow_records_the_same_bits(tf1_python, tmp_path):
    shutil.copytree(ROOT, tmp_path / "legacy_tf1", ignore=shutil.ignore_patterns("__pycache__"))
    out = tmp_path / "tf.json"
    subprocess.run([tf1_python, "-m", "legacy_tf1.record", out], check=True, cwd=tmp_path)
    release = json.loads(out.read_text())["provenance"]["tensorflow"]
    assert load_recording(out) == load_recording(RECORDINGS / f"tf-{release}.json")


def test_a_program_begins_with_the_documents_values():
    """Oracle: what genuine TensorFlow 1.4.1 recorded before the first step."""
    found = recorded("tf-1.4.1")["reverse_mode"]
    y = np.multiply(reverse_mode.W, reverse_mode.X)
    for name, value in {"w": reverse_mode.W, "y": y}.items():
        np.testing.assert_array_equal(found["before"][name], np.float32(value))
    cosine = y @ reverse_mode.TRUTH / np.linalg.norm(y) / np.linalg.norm(reverse_mode.TRUTH)
    np.testing.assert_allclose(found["before, cosine"]["cost"], cosine, rtol=ONE_PASS)


def test_a_documents_programs_are_run_and_the_others_tell_their_own(monkeypatch):
    one, two = np.float32(1), np.float32(2)
    monkeypatch.setattr(recorder, "document", lambda name: {"before": {name: one}})
    monkeypatch.setattr("legacy_tf1.optimizers.recorded", lambda: {"after": {"w": two}})
    assert recorder.record(["reverse_mode", "optimizers"])["records"] == {
        "reverse_mode": {"before": {"reverse_mode": recorder.encode(one)}},
        "optimizers": {"after": {"w": recorder.encode(two)}},
    }
