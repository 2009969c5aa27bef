"""The TF1 program in this process: every way to import TensorFlow, and nothing left behind."""

import sys

import pytest
import tensorflow as tf

from tests.migrate.programs import LEGACY, changed, written
from tf_repro.migrate.oracle import run_legacy

HELPER = "import tensorflow as tf\n\ndef width(tensor):\n    return tensor.shape[1].value\n"

SPELLINGS = {
    "tensorflow": "import tensorflow as tf",
    "compat.v1": "import tensorflow.compat.v1 as tf",
    "from compat": "from tensorflow.compat import v1 as tf",
    "behaviour switched off": "import tensorflow.compat.v1 as tf\ntf.disable_v2_behavior()",
    "helper module": "import tensorflow as tf\nfrom helper_of_tf1 import width",
    "internal module": "import tensorflow as tf\nfrom tensorflow.python.framework import ops",
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_program_gets_version_1_and_leaves_version_2(tmp_path, name):
    (tmp_path / "helper_of_tf1.py").write_text(HELPER)
    text = changed(LEGACY, ("import tensorflow as tf", SPELLINGS[name]))
    if "helper" in name:
        text = changed(text, ("    w1 =", "    assert width(x) == 6\n    w1 ="))
    path, _ = written(tmp_path, legacy=text)
    before, path_before = sys.modules["tensorflow"], list(sys.path)

    record, description = run_legacy(path, steps=2, seed=0, feeds=None)

    assert list(record["step 2"]) == ["w1", "b1", "w2", "b2", "global_step"]
    assert description["optimizers"] == [{"kind": "GradientDescent", "hyperparameters": {}}]
    assert sys.modules["tensorflow"] is before is tf
    assert sys.path == path_before
    assert "helper_of_tf1" not in sys.modules
    assert tf.executing_eagerly()
    assert tf.zeros([2]).shape[0] == 2


def test_same_seed_gives_the_same_record(tmp_path):
    path, _ = written(tmp_path)
    first, _ = run_legacy(path, steps=2, seed=3, feeds=None)
    again, _ = run_legacy(path, steps=2, seed=3, feeds=None)
    other, _ = run_legacy(path, steps=2, seed=4, feeds=None)
    assert first == again
    assert first != other


def test_rates_and_slots_are_recorded(tmp_path):
    momentum = ("tf.train.GradientDescentOptimizer(rate)", "tf.train.MomentumOptimizer(rate, 0.9)")
    path, _ = written(tmp_path, legacy=changed(LEGACY, momentum))
    record, description = run_legacy(path, steps=4, seed=0, feeds=None)
    rates = [float(rate) for rate in record["learning rate"].values()]
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.05])
    assert list(record["slots"]) == [f"{name}/momentum" for name in ("w1", "b1", "w2", "b2")]
    assert description["optimizers"][0]["hyperparameters"] == {"momentum": 0.9, "use_nesterov": False}
