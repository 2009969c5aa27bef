"""The ladder on genuine TensorFlow 1.15.5 and 1.4.1, or another ``--tf1-python PYTHON``: run with ``-m genuine_tf1``.

Where kernels round otherwise, a bound is declared per program and release, in ULP of each tensor's largest element, as
measured. Its reason is tested: against the same program on this TensorFlow every rung is equal, and where single
entries are further apart, both releases are within one ULP of the terms that were summed for them.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.migrate.checker.programs import LEGACY, PORT, changed, written
from tf_repro import migrate

EXAMPLES = Path(__file__).parents[3] / "examples"

# The last release with this bound, in ULP of each tensor's largest element over ten steps, port by port.
BOUNDS = {
    "softmax_backprop/port.py": {"1.4": 32, "1.15": 0},
    "softmax_backprop/port_tf1_rounding.py": {"1.4": 16},
    "softmax_cross_entropy/port.py": {"1.4": 64, "1.15": 4},
    "reverse_mode/port.py": {"1.4": 0, "1.15": 0},
    "two_layer_network/port.py": {"1.4": 16, "1.15": 16},
}

pytestmark = pytest.mark.genuine_tf1


@cache
def climbed(name, tf1_python, **options):
    """The ladder of an example's port."""
    port = EXAMPLES / name
    return migrate.check(port.parent / "legacy.py", port, tf1_python=tf1_python, **options)


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
    if not bound(name, report) or name == "softmax_backprop/port_tf1_rounding.py":
        return  # nothing drifts, or what does has a test of its own
    cause = report.failed.causes[0]
    assert cause.name == ("numerics" if name.startswith("softmax_backprop") else "kernels"), str(report)
    assert cause.passes


def test_document_is_bit_equal_on_the_softmax_that_its_release_had(tf1_python):
    """For the one step that the document takes."""
    report = climbed("softmax_backprop/port.py", tf1_python, steps=1)
    if is_before_1_5(report):
        assert report.failed.name == "gradients"
        report = climbed("softmax_backprop/port_tf1_rounding.py", tf1_python, steps=1)
    assert report.passed, str(report)


def test_document_drifts_from_the_third_step_by_the_rounding_of_its_terms(tf1_python):
    """On 1.4's own softmax: it sums and exponentiates otherwise, and what is left of 24 where terms cancel is 0.07."""
    report = climbed("softmax_backprop/port_tf1_rounding.py", tf1_python, max_ulp=2**31, steps=3)
    if not is_before_1_5(report):
        pytest.skip("this port is for releases before 1.5")
    np.testing.assert_array_equal(report.port["step 2"]["w"], report.legacy["step 2"]["w"])
    w = report.legacy["step 2"]["w"].astype(np.float64)
    x, y_true = (report.legacy["feeds"][name][0].astype(np.float64) for name in ("x", "y_true"))
    y = softmax((x * w)[None])[0]
    dy, dy_size = 0.4 * (y - y_true), 0.4 * (y + y_true)
    expected = w - x * y * (dy - dy @ y)
    one_ulp = np.finfo(np.float32).eps * (np.abs(w) + x * y * (dy_size + dy_size @ y))
    for record in (report.legacy, report.port):
        assert (np.abs(record["step 3"]["w"] - expected) < one_ulp).all()


def is_before_1_5(report):
    return int(report.legacy.provenance["tensorflow"].split(".")[1]) < 5


def test_entries_that_cancel_are_within_the_rounding_of_their_terms(tf1_python):
    """Single gradients are up to 2e9 ULP apart: they are what is left of terms up to 1e7 times as large."""
    report = climbed("softmax_cross_entropy/port.py", tf1_python, max_ulp=64, scaled=True)
    truth, magnitude = gradients_in_float64(report.legacy)
    for name, expected in truth.items():
        one_ulp = np.finfo(np.float32).eps * magnitude[name]
        for record in (report.legacy, report.port):
            assert (np.abs(record["gradients"][name] - expected) < one_ulp).all(), name


def gradients_in_float64(legacy):
    """softmax_cross_entropy's gradients, and the summed magnitudes of the terms in them, the logits' own included."""
    w = {name: value.astype(np.float64) for name, value in legacy["initial"].items()}
    size = {name: np.abs(value) for name, value in w.items()}
    images, labels = (legacy["feeds"][name][0].astype(np.float64) for name in ("images", "labels"))
    hidden = images @ w["w_fc1"] + w["b_fc1"]
    hidden_size = np.abs(images) @ size["w_fc1"] + size["b_fc1"]
    labels, probabilities = softmax(labels), softmax(hidden @ w["w_fc2"] + w["b_fc2"])
    logits_size = hidden_size @ size["w_fc2"] + size["b_fc2"]
    mean_size = np.sum(probabilities * logits_size, axis=1, keepdims=True)
    logits_gradient = probabilities - labels
    logits_gradient_size = probabilities * (logits_size + mean_size) + probabilities + labels

    def gradients(images, hidden, logits_gradient, kernel):
        hidden_gradient = logits_gradient @ kernel.T
        return {
            "w_fc1": images.T @ hidden_gradient,
            "b_fc1": hidden_gradient.sum(0),
            "w_fc2": hidden.T @ logits_gradient,
            "b_fc2": logits_gradient.sum(0),
        }

    return (
        gradients(images, hidden, logits_gradient, w["w_fc2"]),
        gradients(np.abs(images), hidden_size, logits_gradient_size, size["w_fc2"]),
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
