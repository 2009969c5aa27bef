"""What the atlas adds to a check whose cause is TensorFlow's own kernels."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from tf_repro.report.atlas_program import show_kernels, symbols_of

PROGRAM = "import tensorflow as T\ny = T.nn.l2_normalize(T.placeholder(T.float32, [5, 3]), 1)\n"


def said(tmp_path, cause, name="legacy.py"):
    """What is printed of a check with one cause, from 1.15.5 to 2.4.4."""
    legacy, out = tmp_path / name, io.StringIO()
    legacy.write_text(PROGRAM)
    report = SimpleNamespace(
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


def test_the_names_are_those_behind_an_alias(tmp_path):
    path = tmp_path / "legacy.py"
    path.write_text(PROGRAM)
    assert symbols_of(path) == ["tf.float32", "tf.nn.l2_normalize", "tf.placeholder"]
