"""The recordings: what genuine TensorFlow printed, recorded again where it can be."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import legacy_tf1
from legacy_tf1 import record as recorder
from tf_repro.record import load_recording
from tf_repro.suite import RECORDINGS

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


def python_3_7():
    """An interpreter of Python 3.7, from PATH or pyenv."""
    if found := shutil.which("python3.7"):
        return found
    pyenv = shutil.which("pyenv")
    if pyenv is None:
        return None
    versions = subprocess.run([pyenv, "versions", "--bare"], capture_output=True, text=True, check=False).stdout.split()
    root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False).stdout.strip()
    return next((f"{root}/versions/{v}/bin/python" for v in reversed(versions) if v.startswith("3.7.")), None)


@pytest.mark.genuine_tf1
@pytest.mark.skipif(python_3_7() is None, reason="genuine TensorFlow 1.15.5 needs Python 3.7, and none was found")
def test_genuine_tensorflow_1_15_5_records_the_same_bits(tmp_path):
    environment = tmp_path / "tf1"
    subprocess.run([python_3_7(), "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    pins = ROOT / "requirements" / "tf-1.15.5.txt"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", pins], check=True, stdout=sys.stderr)
    shutil.copytree(ROOT, tmp_path / "legacy_tf1", ignore=shutil.ignore_patterns("__pycache__"))
    out = tmp_path / "tf.json"
    subprocess.run([python, "-m", "legacy_tf1.record", out], check=True, cwd=tmp_path)
    assert load_recording(out) == load_recording(RECORDINGS / "tf-1.15.5.json")
    assert json.loads(out.read_text())["provenance"]["tensorflow"] == "1.15.5"
