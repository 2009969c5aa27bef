"""The ladder on genuine TensorFlow 1.15.5 and 1.4.1, or another ``--tf1-python PYTHON``: ``-m genuine_tf1``."""

import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.migrate.checker.programs import LEGACY, PORT, changed, written
from tf_repro import migrate

ROOT = Path(__file__).parents[3]

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


def test_reverse_mode_is_bit_equal(tf1_python):
    assert climbed("reverse_mode", tf1_python, strict=True).passed


def test_document_is_bit_equal_on_the_softmax_that_its_release_had(tf1_python):
    """On 1.4.1, whose softmax numerics="tf1" is; a later release sums by eights."""
    report = climbed("softmax_backprop on TF1's softmax", tf1_python, strict=True)
    assert report.passed is is_before_1_5(report), str(report)


def is_before_1_5(report):
    return int(report.legacy.provenance["tensorflow"].split(".")[1]) < 5


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


LAYERS = """
import tensorflow as tf


def build():
    x = tf.placeholder(tf.float32, [None, 3])
    hidden = tf.nn.elu(tf.layers.dense(x, 4, name="hidden"))
    return {"placeholders": {"x": x}, "fetches": {"y": hidden}}
"""
LAYERS_PORT = """
import keras


def build():
    layer = keras.layers.Dense(4, name="hidden", activation="relu")
    layer.build([None, 3])
    return {"variables": layer, "forward": lambda feeds: {"y": layer(feeds["x"])}}
"""


def test_a_program_that_only_genuine_tf1_runs_is_bisected_there(tf1_python, tmp_path):
    """``tf.layers`` does not run under Keras 3, so that a trace by compat.v1 found no cause."""
    legacy, port = written(tmp_path, LAYERS, LAYERS_PORT)
    report = migrate.check(legacy, port, tf1_python=tf1_python)
    assert report.failed.causes[0].name == "activation", str(report)
