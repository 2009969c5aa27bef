"""Three of the atlas' changes on genuine TensorFlow 1.4.1 and 1.15.5: ``-m genuine_tf1``."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tf_repro.atlas import load, lookup

pytestmark = pytest.mark.genuine_tf1

ROOT = Path(__file__).resolve().parents[2]
MOVED = {
    ("softmax_5", "float32", "value"): "order of summation",
    ("leaky_relu", "float64", "value"): None,
    ("train_Adadelta", "float32", "variable"): "other algorithm",
}
"""What is other bits on 1.15.5 than on 1.4.1, and why; 1.4.1 refuses leaky_relu in float64."""


def recorded_here(python, out):
    """{(probe, dtype, output): digest or failure} of the installed release, and the release."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    names = sorted({probe for probe, _, _ in MOVED})
    command = [python, "-m", "legacy_tf1.atlas", str(out), *names]
    subprocess.run(command, check=True, cwd=ROOT, env=environment, timeout=600, capture_output=True)
    recording = json.loads(out.read_text())
    found = {}
    for probe, dtype, output in MOVED:
        answer = recording["probes"][probe]["series"][f"session {dtype}"]
        found[probe, dtype, output] = answer.get("outputs", {}).get(output, {}).get("digest")
    return recording["provenance"]["tensorflow"], found


def in_the_atlas(release):
    """The same of the atlas' column."""
    atlas = load()
    at = [column.version for column in atlas.columns].index(release)
    found = {}
    for probe, dtype, output in MOVED:
        series = atlas.series[probe, "session", dtype, output]
        cell = series.cells[at]
        found[probe, dtype, output] = series.versions[cell]["digest"] if cell >= 0 else None
    return found


def test_the_installed_release_gives_the_bits_of_its_column_and_not_the_other_ones(tf1_python, tmp_path):
    release, found = recorded_here(tf1_python, tmp_path / "out.json")
    assert found == in_the_atlas(release)
    other = in_the_atlas("1.15.5" if release == "1.4.1" else "1.4.1")
    assert not any(found[key] == other[key] for key in MOVED)


def test_the_atlas_says_why_they_moved():
    symbols = {"softmax_5": "tf.nn.softmax", "train_Adadelta": "tf.train.AdadeltaOptimizer"}
    for (probe, _, _), kind in MOVED.items():
        if kind is not None:
            answers = lookup(symbols[probe], "1.4.1", "1.5.1")
            assert kind in {each.kind for each in answers if each.probe == probe}
    (slope,) = lookup("tf.nn.leaky_relu", "1.4.1", "1.15.5")
    assert (slope.release, slope.kind) == ("1.13.2", "other algorithm")
