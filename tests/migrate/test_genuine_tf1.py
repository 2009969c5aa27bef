"""The ladder on a genuine TensorFlow 1.x: run with ``-m genuine_tf1 --tf1-python PYTHON``.

The declared ULP are measured on 1.4.1, 1.5.1 and 1.15.5; their reason, kernels that round otherwise, is tested by the
checker itself: against the same program on this TensorFlow every rung is equal.
"""

from pathlib import Path

import pytest

from tests.migrate.programs import LEGACY, PORT, changed, written
from tf_repro import migrate

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.genuine_tf1


def test_document_is_bit_equal_on_the_softmax_that_its_release_had(tf1_python):
    folder = EXAMPLES / "softmax_backprop"
    report = migrate.check(folder / "legacy.py", folder / "port.py", tf1_python=tf1_python, steps=1)
    if int(report.legacy.provenance["tensorflow"].split(".")[1]) < 5:
        assert report.failed.name == "gradients"
        assert [cause.name for cause in report.failed.causes] == ["kernels"]
        rounding = folder / "port_tf1_rounding.py"
        report = migrate.check(folder / "legacy.py", rounding, tf1_python=tf1_python, steps=1)
    assert report.passed, str(report)


def test_document_without_a_matrix_product_is_bit_equal_on_every_release(tf1_python):
    folder = EXAMPLES / "reverse_mode"
    report = migrate.check(folder / "legacy.py", folder / "port.py", tf1_python=tf1_python)
    assert report.passed, str(report)


@pytest.mark.parametrize(("name", "max_ulp"), [("two_layer_network", 4096), ("softmax_cross_entropy", 2**21)])
def test_example_drifts_within_its_declaration_and_for_its_reason(tf1_python, name, max_ulp):
    """The larger bound is that of gradient entries in which hundreds of terms cancel."""
    files = EXAMPLES / name / "legacy.py", EXAMPLES / name / "port.py"
    exact = migrate.check(*files, tf1_python=tf1_python)
    assert [cause.name for cause in exact.failed.causes] == ["kernels"], str(exact)
    assert exact.failed.causes[0].passes
    drifted = migrate.check(*files, tf1_python=tf1_python, max_ulp=max_ulp)
    assert drifted.passed, str(drifted)


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
