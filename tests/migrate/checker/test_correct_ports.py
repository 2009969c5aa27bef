"""No correct port is accused: one per optimizer, several layers, and the examples, bit for bit."""

from pathlib import Path

import pytest

from legacy_tf1.documents import DOCUMENTS
from tests.migrate.checker.correct_programs import PROGRAMS
from tests.migrate.checker.programs import LEGACY, PORT, changed, written
from tf_repro import migrate

ROOT = Path(__file__).parents[3]
PAIRS = {path.parent.name: (path, path.with_name("port.py")) for path in ROOT.glob("examples/*/legacy.py")} | {
    name: (ROOT / f"legacy_tf1/{name}.py", ROOT / f"tf_repro/ports/{name}.py")
    for name in DOCUMENTS
    if (ROOT / f"legacy_tf1/{name}.py").exists()
}

OPTIMIZERS = {
    "gradient descent": ("GradientDescentOptimizer(rate)", "GradientDescent(rate)"),
    "momentum": ("MomentumOptimizer(rate, 0.9)", "Momentum(rate, 0.9)"),
    "nesterov": ("MomentumOptimizer(rate, 0.9, use_nesterov=True)", "Momentum(rate, 0.9, use_nesterov=True)"),
    "adagrad": ("AdagradOptimizer(rate)", "Adagrad(rate)"),
    "adam": ("AdamOptimizer(rate)", "Adam(rate)"),
    "rmsprop": ("RMSPropOptimizer(rate, momentum=0.5)", "RMSProp(rate, momentum=0.5)"),
    "centered rmsprop": ("RMSPropOptimizer(rate, centered=True)", "RMSProp(rate, centered=True)"),
    "adadelta": ("AdadeltaOptimizer(rate)", "Adadelta(rate)"),
    "ftrl": (
        "FtrlOptimizer(rate, l1_regularization_strength=0.01)",
        "Ftrl(rate, l1_regularization_strength=0.01)",
    ),
}


def slow_but(*quick, names):
    """The names, all but these marked as slow."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", slow_but("adam", "gradient descent", names=OPTIMIZERS))
def test_port_with_this_optimizer_climbs_the_whole_ladder(tmp_path, name):
    theirs, ours = OPTIMIZERS[name]
    legacy = changed(LEGACY, ("tf.train.GradientDescentOptimizer(rate)", f"tf.train.{theirs}"))
    port = changed(PORT, ("optimizers.GradientDescent(rate)", f"optimizers.{ours}"))
    report = migrate.check(*written(tmp_path, legacy, port), steps=6)
    assert report.passed, str(report)
    skipped = [rung.name for rung in report.rungs if rung.status != "passed"]
    assert skipped == (["slots"] if name == "gradient descent" else [])


@pytest.mark.parametrize("name", slow_but("convolution", "an LSTM by hand in a while_loop", names=PROGRAMS))
def test_port_of_this_program_climbs_the_whole_ladder(tmp_path, name):
    report = migrate.check(*written(tmp_path, *PROGRAMS[name]), steps=6)
    assert report.passed, str(report)
    assert {rung.status for rung in report.rungs[:-1]} == {"passed"}


def test_port_in_graph_mode(tmp_path):
    port = changed(
        PORT,
        ("    def forward", "    @tf.function\n    def forward"),
        ("    def step", "    @tf.function\n    def step"),
    )
    report = migrate.check(*written(tmp_path, port=port), steps=6)
    assert report.passed, str(report)


@pytest.mark.parametrize(
    "name", slow_but("softmax_backprop", "softmax_cross_entropy", "two_layer_network", names=PAIRS)
)
def test_documents_and_examples(name):
    report = migrate.check(*PAIRS[name])
    assert report.passed, str(report)


IN_GRAPH_MODE = """
import importlib.util
import tensorflow as tf

spec = importlib.util.spec_from_file_location("eager_port", {port!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

def build():
    program = module.build()
    return program | {{name: tf.function(program[name]) for name in ("forward", "step")}}
"""


@pytest.mark.parametrize("name", slow_but("softmax_backprop", names=PAIRS))
def test_documents_and_examples_in_graph_mode(name, tmp_path):
    legacy, eager_port = PAIRS[name]
    port = tmp_path / "port.py"
    port.write_text(IN_GRAPH_MODE.format(port=str(eager_port)))
    report = migrate.check(legacy, port)
    assert report.passed, str(report)
