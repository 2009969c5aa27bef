"""What the atlas adds to a check whose cause is TensorFlow's own kernels."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from tf_repro.report.atlas_program import show_kernels, symbols_of

PROGRAM = "import tensorflow as T\ny = T.nn.l2_normalize(T.placeholder(T.float32, [5, 3]), 1)\n"


def said(tmp_path, cause, name="legacy.py", program=PROGRAM, passed=False):
    """What is printed of a check with one cause, from 1.15.5 to 2.4.4."""
    legacy, out = tmp_path / name, io.StringIO()
    legacy.write_text(program)
    report = SimpleNamespace(
        passed=passed,
        rungs=[SimpleNamespace(causes=[SimpleNamespace(name=cause)])],
        legacy=SimpleNamespace(provenance={"tensorflow": "1.15.5"}),
        port=SimpleNamespace(provenance={"tensorflow": "2.4.4"}),
    )
    show_kernels(Console(file=out, width=200), legacy, report)
    return out.getvalue()


def test_kernels_are_named_with_the_release_and_the_probe(tmp_path):
    assert said(tmp_path, "kernels").startswith(
        "kernels tf.nn.l2_normalize: order of summation since 2.3 (l2_normalize"
    )


@pytest.mark.parametrize(("cause", "name"), [("epsilon", "legacy.py"), ("kernels", "bundle.npz")])
def test_nothing_is_said_of_another_cause_or_of_a_bundle(tmp_path, cause, name):
    assert said(tmp_path, cause, name) == ""


LEFT = "import tensorflow as tf\ny = tf.keras.layers.GRU(3, {})\nrandom = tf.random_normal_initializer\n"


def test_a_default_that_the_program_leaves_is_named_with_the_release_that_changed_it(tmp_path):
    told = said(tmp_path, "another", program=LEFT.format(""))
    assert "default tf.keras.layers.GRU: reset_after is True since 2.0, and was False" in told
    assert "default tf.keras.layers.GRU: recurrent_activation is 'sigmoid' since 2.0" in told
    assert "random_normal_initializer" not in told  # it is not called


def test_an_argument_that_every_call_names_is_no_default(tmp_path):
    told = said(tmp_path, "another", program=LEFT.format("reset_after=False"))
    assert "reset_after" not in told
    assert "recurrent_activation" in told
    both = LEFT.format("reset_after=False") + "z = tf.keras.layers.GRU(3)\n"
    assert "reset_after" in said(tmp_path, "another", program=both)


def test_nothing_is_said_of_defaults_where_the_check_passed(tmp_path):
    assert said(tmp_path, "another", program=LEFT.format(""), passed=True) == ""


def test_the_names_are_those_behind_an_alias(tmp_path):
    path = tmp_path / "legacy.py"
    path.write_text(PROGRAM)
    assert symbols_of(path) == ["tf.float32", "tf.nn.l2_normalize", "tf.placeholder"]
