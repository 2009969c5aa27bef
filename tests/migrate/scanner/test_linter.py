"""Whole programs, scanned."""

import io

import pytest
from rich.console import Console

from tests.migrate.scanner.programs import PROGRAM, ROOT, places, scanned
from tf_repro import migrate
from tf_repro.report import scan as report


def test_program(tmp_path):
    assert places(scanned(tmp_path, PROGRAM)) == [
        (5, "tf.examples.tutorials.mnist.input_data"),
        (7, "tf.app.flags"),
        (8, "tf.app.flags.DEFINE_float"),
        (9, "tf.app.flags.FLAGS"),
        (13, "tf.placeholder"),
        (14, "tf.contrib.layers.fully_connected"),
        (15, "tf.layers.dense"),
        (15, "tf.nn.dropout"),
        (16, "tf.Session"),
        (19, "tf.nn.softmax_cross_entropy_with_logits"),
        (20, "tf.reduce_mean"),
        (21, "tf.train.AdamOptimizer"),
        (22, "tf.train.AdamOptimizer.minimize"),
        (22, "tf.log"),
        (23, "tf.Session.run"),
        (23, "tf.global_variables_initializer"),
        (24, "tf.Session.run"),
        (24, "tf.examples.tutorials.mnist.input_data"),
    ]


@pytest.mark.parametrize("name", ["checkpoint", "optimizers"])
def test_the_suites_own_session_programs(name):
    """The oracle is the text: where it says ``tf.Session(`` and ``session.run(``."""
    path = ROOT / "legacy_tf1" / f"{name}.py"
    lines = list(enumerate(path.read_text(encoding="utf-8").splitlines(), 1))
    hits = migrate.scan([path])
    for symbol, spelling in [("tf.Session", "tf.Session("), ("tf.Session.run", "session.run(")]:
        expected = [number for number, line in lines if spelling in line]
        assert expected
        assert sorted({hit.line for hit in hits if hit.symbol == symbol}) == expected


PORTS = [*sorted((ROOT / "tf_repro" / "ports").glob("*.py")), *sorted((ROOT / "examples").rglob("port*.py"))]


@pytest.mark.parametrize(
    "path", [*PORTS, ROOT / "tf_repro" / "nn", ROOT / "tf_repro" / "layers"], ids=lambda path: "/".join(path.parts[-2:])
)
def test_ports_and_components_are_free_of_hits(path):
    private = "TF933"  # nn asks TensorFlow about XLA and oneDNN; tests/test_private_api.py holds what it asks
    assert [hit for hit in migrate.scan([path]) if hit.code != private] == []


def test_markup_in_a_file_name_is_shown_as_it_is(tmp_path):
    console = Console(file=io.StringIO(), width=200)
    report.show_hits(console, scanned(tmp_path, "import tensorflow as tf\ntf.log(1)", "[red]a.py"), 1)
    assert "[red]a.py" in console.file.getvalue()
