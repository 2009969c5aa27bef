"""The ladder on genuine TensorFlow 1.15.5 and 1.4.1, or another ``--tf1-python PYTHON``: run with ``-m genuine_tf1``.

Where kernels round otherwise, a bound is declared per program and release, in ULP of each tensor's largest element, as
measured. Its reason is tested: against the same program on this TensorFlow every rung is equal, and where single
entries are further apart, both releases are within one ULP of the terms that were summed for them.
"""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.migrate.checker.programs import LEGACY, PORT, changed, written
from tf_repro import migrate

ROOT = Path(__file__).parents[3]

# The last release with this bound, in ULP of each tensor's largest element over ten steps, program by program.
BOUNDS = {
    "softmax_backprop": {"1.4": 32, "1.15": 0},
    "softmax_backprop on TF1's softmax": {"1.4": 0},
    "softmax_cross_entropy": {"1.4": 64, "1.15": 4},
    "reverse_mode": {"1.4": 0, "1.15": 0},
    "two_layer_network": {"1.4": 16, "1.15": 16},
}

ON_TF1S_SOFTMAX = """
from functools import partial

from tf_repro import nn
from tf_repro.ports import softmax_backprop


def build():
    return softmax_backprop.build(softmax=partial(nn.softmax, numerics="tf1"))
"""

pytestmark = pytest.mark.genuine_tf1


@cache
def climbed(name, tf1_python, **options):
    """The ladder of a document's port, of an example's, or of softmax_backprop on TF1's softmax."""
    document = name.partition(" ")[0]
    legacy, port = ROOT / "legacy_tf1" / f"{document}.py", ROOT / "tf_repro" / "ports" / f"{document}.py"
    if not legacy.exists():
        legacy, port = (ROOT / "examples" / document / file for file in ("legacy.py", "port.py"))
    with tempfile.TemporaryDirectory() as folder:
        if name != document:
            port = Path(folder, "port.py")
            port.write_text(ON_TF1S_SOFTMAX, encoding="utf-8")
        return migrate.check(legacy, port, tf1_python=tf1_python, **options)


def bound(name, report):
    """What is declared for the release that ran."""
    minor = int(report.legacy.provenance["tensorflow"].split(".")[1])
    return next((ulp for release, ulp in BOUNDS[name].items() if minor <= int(release[2:])), None)


@pytest.mark.parametrize("name", BOUNDS)
def test_port_drifts_within_its_declaration(tf1_python, name):
    declared = bound(name, climbed(name, tf1_python))
    if declared is None:
        pytest.skip("this port is for releases before 1.5")
    report = climbed(name, tf1_python, max_ulp=declared, scaled=True)
    assert report.passed, str(report)
    if declared == 0:
        assert climbed(name, tf1_python).passed


@pytest.mark.parametrize("name", BOUNDS)
def test_drift_is_of_the_kernels(tf1_python, name):
    report = climbed(name, tf1_python)
    if not bound(name, report):
        return  # nothing drifts
    cause = report.failed.causes[0]
    assert cause.name == ("numerics" if name.startswith("softmax_backprop") else "kernels"), str(report)
    assert cause.passes


def test_document_is_bit_equal_on_the_softmax_that_its_release_had(tf1_python):
    report = climbed("softmax_backprop", tf1_python)
    if is_before_1_5(report):
        assert report.failed.name == "gradients"
        report = climbed("softmax_backprop on TF1's softmax", tf1_python)
    assert report.passed, str(report)


def is_before_1_5(report):
    return int(report.legacy.provenance["tensorflow"].split(".")[1]) < 5


def test_entries_that_cancel_are_within_the_rounding_of_their_terms(tf1_python):
    """Single gradients are up to 2e9 ULP apart: they are what is left of terms up to 1e7 times as large."""
    report = climbed("softmax_cross_entropy", tf1_python, max_ulp=64, scaled=True)
    truth, magnitude = gradients_in_float64(report.legacy)
    for name, expected in truth.items():
        one_ulp = np.finfo(np.float32).eps * magnitude[name]
        for record in (report.legacy, report.port):
            assert (np.abs(record["gradients"][name] - expected) < one_ulp).all(), name


def gradients_in_float64(legacy):
    """softmax_cross_entropy's gradients, and the summed magnitudes of the terms in them, the logits' own included."""
    w = {name: value.astype(np.float64) for name, value in legacy["initial"].items()}
    size = {name: np.abs(value) for name, value in w.items()}
    images, labels = (legacy["feeds"][name][0].astype(np.float64) for name in ("features", "labels"))
    hidden = images @ w["W1"] + w["b1"]
    hidden_size = np.abs(images) @ size["W1"] + size["b1"]
    labels, probabilities = softmax(labels), softmax(hidden @ w["W2"] + w["b2"])
    logits_size = hidden_size @ size["W2"] + size["b2"]
    mean_size = np.sum(probabilities * logits_size, axis=1, keepdims=True)
    logits_gradient = probabilities - labels
    logits_gradient_size = probabilities * (logits_size + mean_size) + probabilities + labels

    def gradients(images, hidden, logits_gradient, kernel):
        hidden_gradient = logits_gradient @ kernel.T
        return {
            "W1": images.T @ hidden_gradient,
            "b1": hidden_gradient.sum(0),
            "W2": hidden.T @ logits_gradient,
            "b2": logits_gradient.sum(0),
        }

    return (
        gradients(images, hidden, logits_gradient, w["W2"]),
        gradients(np.abs(images), hidden_size, logits_gradient_size, size["W2"]),
    )


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_planted_fault_is_told_from_rounding(tf1_python, tmp_path):
    wrong = changed(PORT, ("tf.reduce_mean", "tf.reduce_sum"))
    report = migrate.check(*written(tmp_path, port=wrong), tf1_python=tf1_python, max_ulp=64)
    assert report.failed.name == "forward"
    assert [cause.name for cause in report.failed.causes] == ["mean for sum"], str(report)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tf.nn.relu(", "tf.nn.rulu(", r"build\(\) must succeed\. Received: legacy\.py, line 11: AttributeError"),
        ("def build", "import nothing_of_the_kind\ndef build", r"must load\. Received: legacy\.py, line 4: Module"),
        ("def build", "import os\nos.abort()\ndef build", r"ended with signal 6"),
        ("def build", "while True: pass\ndef build", r"within the time limit"),
    ],
)
def test_program_that_fails_there_is_one_line(tf1_python, tmp_path, old, new, message):
    files = written(tmp_path, legacy=changed(LEGACY, (old, new)))
    with pytest.raises(ValueError, match=message):
        migrate.check(*files, tf1_python=tf1_python, time_limit=15)
