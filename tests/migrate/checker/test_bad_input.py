"""What a user gets wrong is one line: the rule, what was received, how to mend it."""

import os
import stat
import sys
import time

import numpy as np
import pytest

from tests.migrate.checker.programs import LEGACY, PORT, changed, written
from tf_repro import migrate
from tf_repro.core.errors import InputError

NO_BUILD = "import tensorflow as tf\n"
RAISES = "import tensorflow as tf\nraise RuntimeError('no data')\n"

LEGACIES = {
    "no build, no session": (NO_BUILD, r"build\(\), or be a script that runs a tf\.Session\. Rec.*legacy\.py"),
    "raises on import": (RAISES, r"a script must run up to .*Received: legacy\.py, line 2: RuntimeError: no data"),
    "syntax error": ("def build(:\n", r"must load\. Received: legacy\.py.*SyntaxError"),
    "build raises": ("def build():\n    return 1 / 0\n", r"build\(\) must succeed\. .*line 2: ZeroDivisionError"),
    "returns nothing": ("def build():\n    pass\n", r"must return .* Received: NoneType"),
    "no fetches": ("def build():\n    return {'placeholders': {}}\n", r"Received: the keys placeholders"),
    "not a placeholder": (
        changed(LEGACY, ('{"x": x, "y": y}', '{"x": x, "y": loss}')),
        r"must be tf\.placeholder tensors\. Received: 'y'",
    ),
    "text fetched": (
        changed(LEGACY, ('"loss": loss}', '"loss": loss, "merged": tf.summary.scalar("loss", loss)}')),
        r"fetches must be dense tensors of real numbers\. Received: 'merged', a .*Tensor of dtype string",
    ),
    "operation fetched": (
        changed(LEGACY, ('"loss": loss}', '"loss": loss, "none": tf.no_op()}')),
        r"fetches must be dense tensors of real numbers\. Received: 'none', a Operation of dtype none",
    ),
    "lost from TensorFlow 2": (
        changed(LEGACY, ("tf.nn.relu", "tf.contrib.layers.relu")),
        r"AttributeError: .*contrib.*give a TF1 interpreter with --tf1-python",
    ),
    "lost with Keras 3": (
        changed(LEGACY, ("tf.nn.relu", "tf.layers.dense")),
        r"AttributeError: .dense. is not available with Keras 3; tf\.layers and .* need a TF1 .* --tf1-python$",
    ),
    "scalar without a feed": (
        changed(LEGACY, ('"y": y}', '"y": y, "rate": tf.placeholder(tf.float32, [])}')),
        r"must be given a feed\. Received: 'rate'",
    ),
    "fails in the session": (
        changed(LEGACY, ("hidden = tf.nn.relu", "hidden = tf.check_numerics(x / 0, 'x is') + tf.nn.relu")),
        r"the TF1 program must run\. Received: .*InvalidArgumentError: x is : Tensor had Inf",
    ),
}  # fmt: skip

PORTS = {
    "no build": (NO_BUILD, r"must define build\(\)\. Received: port\.py without one"),
    "raises on import": (RAISES, r"must load\. Received: port\.py, line 2: RuntimeError: no data"),
    "returns a list": ("def build():\n    return []\n", r"must return .* Received: list"),
    "unknown key": (changed(PORT, ('"optimizer": opt', '"optimiser": opt')), r"Received: the keys .*optimiser"),
    "missing fetch": (
        changed(PORT, ('{"logits": logits, "loss": loss}', '{"loss": loss}')),
        r"must return every fetch .* Received: loss without logits; return it",
    ),
    "variable twice": (
        changed(PORT, ("variables = [w1, b1, w2, b2]", "variables = [w1, b1, w2, w2]")),
        r"each variable must be listed once\. Received: one twice in w1, b1, w2, w2",
    ),
    "one name twice": (
        changed(PORT, ('name="b2"', 'name="b1"')),
        r"names of variables must differ\. Received: 'b1' twice",
    ),
    "variables made in forward": (
        changed(PORT, ("hidden = tf.nn.relu(", 'hidden = tf.Variable(0.0, name="late") + tf.nn.relu(')),
        r"created once, in build\(\)\. Received: forward\(\) created late twice",
    ),
    "variables made in step": (
        changed(
            PORT,
            ("        with tf.GradientTape", "        tf.Variable(0.0, name='late')\n        with tf.GradientTape"),
        ),
        r"created once\. Received: step\(\) created late again",
    ),
    "not variables": (
        changed(PORT, ('"variables": variables', '"variables": [1.0]')),
        r"a dict, a list of variables or a Keras model\. Received: \[1\.0\]",
    ),
    "not an optimizer": (
        changed(PORT, ('"optimizer": optimizer', '"optimizer": rate')),
        r"must be a Keras optimizer\. Received: ExponentialDecay",
    ),
    "forward raises": (
        changed(PORT, ('feeds["y"]', 'feeds["label"]')),
        r"forward\(\) of the port must succeed\. Received: port\.py, line 19: KeyError: 'label'",
    ),
}


def one_line(message):
    assert "\n" not in message
    assert "Received: " in message
    return message


@pytest.mark.parametrize("name", LEGACIES)
def test_tf1_program(tmp_path, name):
    legacy, message = LEGACIES[name]
    with pytest.raises(InputError, match=message) as caught:
        migrate.check(*written(tmp_path, legacy=legacy))
    one_line(str(caught.value))


@pytest.mark.parametrize("name", PORTS)
def test_port(tmp_path, name):
    port, message = PORTS[name]
    with pytest.raises(InputError, match=message) as caught:
        migrate.check(*written(tmp_path, port=port), steps=2)
    one_line(str(caught.value))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be a whole number"),
        ({"max_ulp": -1}, "max_ulp must be a whole number of at least 0"),
        ({"time_limit": 0}, "time_limit must be a positive number"),
        ({"feeds": {"z": np.zeros(3)}}, r"must name one of the placeholders x, y\. Received: 'z'"),
        ({"feeds": {"x": np.zeros([3, 5])}}, r"'x' must have shape .* Received: shape \(3, 5\)"),
        ({"feeds": {"x": np.full([3, 6], np.nan)}}, "'x' must be finite"),
        ({"feeds": {"x": np.array(["a"])}}, "'x' must hold numbers of dtype float32. Received: dtype <U1"),
        ({"name_map": {"w9": "w1"}}, r"the TF1 program's variables \(.*\)\. Received: 'w9'"),
        ({"name_map": {"w1": "w9"}}, r"the port program's variables \(w1, b1, w2, b2\)\. Received: 'w9'"),
        ({"name_map": {"w1": "w1", "w2": "w1"}}, "each port variable once"),
        ({"tf1_python": "/no/such/python"}, "must be an executable Python interpreter. Received: /no/such/python"),
    ],
)
def test_options(tmp_path, options, message):
    with pytest.raises(InputError, match=message) as caught:
        migrate.check(*written(tmp_path), **options)
    one_line(str(caught.value))


def test_arguments_in_the_wrong_order(tmp_path):
    legacy, port = written(tmp_path)
    with pytest.raises(InputError, match=r"must come first, .*\. Received: port\.py, .* legacy\.py") as caught:
        migrate.check(port, legacy)
    one_line(str(caught.value))


def test_feeds_file_that_is_no_archive(tmp_path):
    (tmp_path / "feeds.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(InputError, match=r"must be an \.npz file of arrays\. Received: .*feeds\.npz"):
        migrate.check(*written(tmp_path), feeds=tmp_path / "feeds.npz")


def test_feeds_file_is_used(tmp_path):
    values = np.random.RandomState(5).randn(3, 4, 6)  # three steps of four rows
    np.savez(tmp_path / "feeds.npz", x=values)
    report = migrate.check(*written(tmp_path), feeds=tmp_path / "feeds.npz", steps=2)
    np.testing.assert_array_equal(report.legacy["feeds"]["x"], values.astype(np.float32))


def test_variable_left_out_by_the_name_map(tmp_path):
    legacy = changed(LEGACY, ("    hidden =", '    tf.get_variable("unused", [2], trainable=False)\n    hidden ='))
    files = written(tmp_path, legacy=legacy)
    report = migrate.check(*files, steps=1)
    assert report.failed.name == "variables"
    assert "only in the TF1 program: unused" in report.failed.detail
    assert migrate.check(*files, steps=1, name_map={"unused": None}).passed


def fake_interpreter(folder, script):
    """An executable that stands in for a TF1 Python."""
    path = folder / "python"
    path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("os.abort()", r"to its end\. Received: .* ended with signal 6 and printed: nothing"),
        ("print('Segmentation'); sys.exit(7)", r"ended with exit code 7 and printed: Segmentation"),
        ("open(sys.argv[5] + '/run.json', 'w').write('{gar')", r"ended with exit code 0 and printed: nothing"),
        ("open(sys.argv[5] + '/run.json', 'w').write('[]')", r"ended with exit code 0"),
    ],
)
def test_interpreter_that_misbehaves(tmp_path, script, message):
    with pytest.raises(InputError, match=message) as caught:
        migrate.check(*written(tmp_path), tf1_python=fake_interpreter(tmp_path, script))
    one_line(str(caught.value))


def test_interpreter_of_another_version(tmp_path):
    (tmp_path / "tensorflow.py").write_text("__version__ = '2.4.1'\n")
    with pytest.raises(InputError, match=r"must have TensorFlow 1\.x\. Received: .* with TensorFlow 2\.4\.1"):
        migrate.check(*written(tmp_path), tf1_python=sys.executable)


def test_interpreter_without_tensorflow(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('libcudart')\n")
    with pytest.raises(InputError, match=r"must have TensorFlow 1\.x\. Received: .*: libcudart"):
        migrate.check(*written(tmp_path), tf1_python=sys.executable)


def test_hanging_interpreter_is_ended_with_its_children(tmp_path):
    children = tmp_path / "children"
    script = f"os.fork(); open({str(children)!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(600)"
    with pytest.raises(InputError, match=r"within the time limit\. Received: .* still running after 1 s; .* longer"):
        migrate.check(*written(tmp_path), tf1_python=fake_interpreter(tmp_path, script), time_limit=1)
    pids = [int(pid) for pid in children.read_text().split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 5
    while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_alive(pid) for pid in pids)


def is_alive(pid):
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_nan_on_one_side_fails_its_rung(tmp_path):
    port = changed(PORT, ("loss = tf.reduce_mean(", "loss = tf.math.log(-1.0) + tf.reduce_mean("))
    report = migrate.check(*written(tmp_path, port=port))
    assert (report.failed.name, report.failed.tensor) == ("forward", "loss")
    assert "look for log(0), 0/0 or an overflow before the nan" in str(report)


def test_nan_on_both_sides_is_agreement_and_is_said(tmp_path):
    nan = '"nan": tf.sqrt([-1.0, 4.0]), "loss": loss}'
    files = written(tmp_path, changed(LEGACY, ('"loss": loss}', nan)), changed(PORT, ('"loss": loss}', nan)))
    report = migrate.check(*files, steps=1)
    assert report.passed
    assert "3 tensors, bit-equal, 1 element nan on both sides" in str(report)


def test_slot_that_the_port_lacks_fails_its_rung(tmp_path):
    legacy = changed(LEGACY, ("tf.train.GradientDescentOptimizer(rate)", "tf.train.AdamOptimizer(rate)"))
    slots = '"slots": {f"{v.name.split(chr(58))[0]}/m": m for v, m in zip(variables, optimizer._slots["m"])}}'
    built = "optimizer = optimizers.Adam(rate); optimizer.build(variables)"
    port = changed(
        PORT,
        ("optimizer = optimizers.GradientDescent(rate)", built),
        ('"optimizer": optimizer}', f'"optimizer": optimizer, {slots}'),
    )
    report = migrate.check(*written(tmp_path, legacy, port), steps=2)
    assert report.failed.name == "slots", str(report)
    assert "the port lacks slots of the TF1 program: w1/v, b1/v, w2/v, b2/v" in report.failed.detail


def test_program_that_draws_anew_each_time_is_named(tmp_path):
    port = changed(PORT, ("loss = tf.reduce_mean(", "loss = np.random.rand() + tf.reduce_mean("))
    report = migrate.check(*written(tmp_path, port=port))
    assert "the port computes another loss each time it is run" in report.failed.detail
    assert not report.failed.causes
