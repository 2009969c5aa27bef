"""The TF1 program in this process: every way to import TensorFlow, and nothing left behind."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.migrate.checker.programs import LEGACY, PORT, changed, written
from tf_repro import migrate
from tf_repro.core.errors import InputError
from tf_repro.programs.tf1 import _with_mend, run_legacy, run_tf1

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


def test_flags_are_the_programs_own_and_defined_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tf-repro", "check", "--steps", "4"])
    flags = 'import tensorflow as tf\ntf.app.flags.DEFINE_float("rate", 0.25, "")\nFLAGS = tf.app.flags.FLAGS'
    text = changed(
        LEGACY, ("import tensorflow as tf", flags), ("exponential_decay(0.1,", "exponential_decay(FLAGS.rate,")
    )
    path, _ = written(tmp_path, legacy=text)
    for _ in range(2):
        record, _ = run_legacy(path, steps=1, seed=0, feeds=None)
        assert float(record["learning rate"]["step 1"]) == 0.25


def test_module_that_both_programs_import_is_loaded_for_each(tmp_path):
    (tmp_path / "shared.py").write_text("import tensorflow as tf\nVERSION_1 = hasattr(tf, 'placeholder')\n")
    shared = "import tensorflow as tf\nimport shared\nassert shared.VERSION_1 is {}"
    legacy = changed(LEGACY, ("import tensorflow as tf", shared.format(True)))
    port = changed(PORT, ("import tensorflow as tf", shared.format(False)))
    assert migrate.check(*written(tmp_path, legacy, port), steps=1).passed


def test_port_gets_the_module_of_its_own_folder(tmp_path):
    for place, rate in (("one", 0.1), ("two", 0.2)):
        folder = tmp_path / place
        folder.mkdir()
        (folder / "settings.py").write_text(f"RATE = {rate}\n")
        legacy = changed(LEGACY, ("exponential_decay(0.1,", f"exponential_decay({rate},"))
        port = changed(
            PORT,
            ("import keras", "import keras, settings"),
            ("ExponentialDecay(0.1,", "ExponentialDecay(settings.RATE,"),
        )
        assert migrate.check(*written(folder, legacy, port), steps=1).passed


def test_same_seed_gives_the_same_record(tmp_path):
    path, _ = written(tmp_path)
    first, _ = run_legacy(path, steps=2, seed=3, feeds=None)
    again, _ = run_legacy(path, steps=2, seed=3, feeds=None)
    other, _ = run_legacy(path, steps=2, seed=4, feeds=None)
    assert first == again
    assert first != other


def test_updates_before_the_train_op_run_once_a_step(tmp_path):
    """The learning rate's tensor, made under the same control dependency, would run them as well."""
    count = 'count = tf.get_variable("count", [], initializer=tf.zeros_initializer(), trainable=False)'
    text = changed(
        LEGACY,
        ("    train =", "    with tf.control_dependencies([tf.assign_add(count, 1.0)]): train ="),
        ("    hidden =", f"    {count}\n    hidden ="),
    )
    path, _ = written(tmp_path, legacy=text)
    record, _ = run_legacy(path, steps=3, seed=0, feeds=None)
    assert [float(record[f"step {step}"]["count"]) for step in (1, 2, 3)] == [1.0, 2.0, 3.0]
    assert float(record["initial"]["count"]) == 0.0


def test_rates_and_slots_are_recorded(tmp_path):
    momentum = ("tf.train.GradientDescentOptimizer(rate)", "tf.train.MomentumOptimizer(rate, 0.9)")
    path, _ = written(tmp_path, legacy=changed(LEGACY, momentum))
    record, description = run_legacy(path, steps=4, seed=0, feeds=None)
    rates = [float(rate) for rate in record["learning rate"].values()]
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.05])
    assert list(record["slots"]) == [f"{name}/momentum" for name in ("w1", "b1", "w2", "b2")]
    assert description["optimizers"][0]["hyperparameters"] == {"momentum": 0.9, "use_nesterov": False}


WITH_INPUTS = """
import tensorflow as tf

def build(rate=0.5, start=(1.0, 2.0)):
    x = tf.placeholder(tf.float32, [2])
    w = tf.Variable(tf.constant(start))
    loss = tf.reduce_sum(tf.square(w * x))
    train = tf.train.GradientDescentOptimizer(rate).minimize(loss)
    return {"placeholders": {"x": x}, "fetches": {"w": w}, "train": train, "feeds": {"x": [1.0, 1.0]}}

def without_training(offset):
    return {"placeholders": {}, "fetches": {"sum": tf.constant(1.0) + offset}}
"""


def test_suite_gets_before_and_after_of_its_inputs(tmp_path):
    path, _ = written(tmp_path, legacy=WITH_INPUTS)
    record = run_tf1(path, inputs={"rate": 0.25, "start": [4.0, 8.0]}, steps=2)
    assert list(record) == ["before", "after"]
    np.testing.assert_array_equal(record["before"]["w"], np.float32([4, 8]))
    np.testing.assert_array_equal(record["after"]["w"], np.float32([1, 2]))
    assert record.provenance["execution"].startswith("tf.Session of ")


def test_another_function_of_the_file_and_no_training(tmp_path):
    path, _ = written(tmp_path, legacy=WITH_INPUTS)
    record = run_tf1(path, program="without_training", inputs={"offset": 2.0})
    assert {moment: dict(quantities) for moment, quantities in record.items()} == {"before": {"sum": 3.0}}


@pytest.mark.parametrize(
    ("program", "inputs", "message"),
    [
        ("absent", {}, r"must define absent\(\)\. Received: legacy\.py without one"),
        ("build", {"speed": 1.0}, r"build\(\) must succeed\. Received: .*unexpected keyword argument 'speed'"),
        ("without_training", {}, r"without_training\(\) must succeed\. Received: .*'offset'"),
    ],
)
def test_inputs_that_do_not_fit_are_one_line(tmp_path, program, inputs, message):
    path, _ = written(tmp_path, legacy=WITH_INPUTS)
    with pytest.raises(InputError, match=message):
        run_tf1(path, program=program, inputs=inputs)


@pytest.mark.parametrize("place", ["at import", "in build"])
def test_program_may_reset_the_default_graph(tmp_path, place):
    reset = {
        "at import": ("def build", "tf.constant(1.0)\ntf.reset_default_graph()\n\ndef build"),
        "in build": ("    x =", "    tf.reset_default_graph()\n    x ="),
    }[place]
    path, _ = written(tmp_path, legacy=changed(LEGACY, reset))
    plain, _ = written(tmp_path / "plain")
    assert run_tf1(path)["after"]["loss"] == run_tf1(plain)["after"]["loss"]


def test_program_may_have_a_graph_of_its_own(tmp_path):
    own = (
        "def build():",
        "def build():\n    with tf.Graph().as_default():\n        tf.set_random_seed(0)\n        return within()\n\n"
        "def within():",
    )
    path, _ = written(tmp_path, legacy=changed(LEGACY, own))
    plain, _ = written(tmp_path / "plain")
    assert run_tf1(path)["after"]["loss"] == run_tf1(plain)["after"]["loss"]


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        ("`tf.layers` is not available with Keras 3.", "; tf.layers and tf.nn.rnn_cell need a TF1 interpreter"),
        ("AttributeError: no attribute 'contrib'", "; TensorFlow 2 may lack it"),
        ("ValueError: shapes differ", ""),
    ],
)
def test_a_failure_is_told_with_its_mend(said, mend):
    told = _with_mend(said)
    assert told.startswith(said.rstrip("."))
    assert told.removeprefix(said.rstrip(".")).partition(",")[0] == mend
