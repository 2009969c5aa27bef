"""What the scanner says of ``tf_upgrade_v2``; the oracle is ``tf_upgrade_v2`` itself."""

import inspect
import io
import warnings

import pytest

from tests.migrate.scanner.programs import scanned
from tf_repro.migrate.scanner import linter
from tf_repro.migrate.scanner.upgrade_tables import tables


def upgraded(text):
    """What tf_upgrade_v2 itself makes of a program; its parser warns on every Python since 3.8."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from tensorflow.tools.compatibility import ast_edits, tf_upgrade_v2

        out = io.StringIO()
        upgrader = ast_edits.ASTCodeUpgrader(tf_upgrade_v2.TFAPIChangeSpec())
        upgrader.process_opened_file("program.py", io.StringIO(text), "out.py", out)
    return out.getvalue()


def test_methods_that_only_tf1_has(tmp_path):
    text = "import tensorflow as tf\nx = tf.data.Dataset.range(3).batch(2).make_one_shot_iterator()\n"
    (hit,) = scanned(tmp_path, text + "def f(o): return o.minimize(3)\n")
    assert (hit.line, hit.symbol) == (2, "tf.data.Dataset.make_one_shot_iterator")
    assert hit.upgrade.text == "rewrites the call"
    assert "tf.compat.v1.data.make_one_shot_iterator(" in upgraded(text)
    (hit,) = scanned(tmp_path, text.splitlines()[0] + "\ndef f(o): return o.compute_gradients(3)\n")
    assert hit.symbol == "tf.train.Optimizer.compute_gradients"
    assert "GradientTape" in hit.native


def test_what_tf_upgrade_v2_renames(tmp_path):
    """One use of every symbol in TensorFlow's table, held against the tool's own output."""
    names = [name for name in tables().renames if not name.startswith(("tf.contrib.", "tf.keras."))]
    text = "import tensorflow as tf\n" + "".join(f"x = {name}\n" for name in names)
    expected = upgraded(text).splitlines()[1:]
    hits = {hit.line: hit for hit in scanned(tmp_path, text)}
    assert len(hits) == len(names) > 800
    for line, (name, written) in enumerate(zip(names, expected, strict=True), 2):
        assert hits[line].symbol == name
        assert f"x = {hits[line].upgrade.target}" == written


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tf.reduce_sum(x, keep_dims=True)", "makes keep_dims keepdims"),
        ("tf.argmax(x, dimension=1)", "makes dimension axis"),
        ("tf.nn.dropout(x, 0.5)", "may rewrite the call"),
        ("tf.app.flags.DEFINE_string('a', 'b', 'c')", "have been removed, please use the argparse"),
        ("tf.contrib.layers.xavier_initializer()", "cannot be converted automatically"),
        ("tf.layers.dense(x, 3)", "nothing"),
        ("tf.GraphKeys.UPDATE_OPS", "renames it tf.compat.v1.GraphKeys.UPDATE_OPS"),
        ("tf.train.exponential_decay(0.1, 1, 2, 3)", "switch to the schedules"),
    ],
)
def test_what_tf_upgrade_v2_does_besides(tmp_path, text, said):
    (hit,) = scanned(tmp_path, f"import tensorflow as tf\nx = 1\n{text}\n")
    assert said in hit.upgrade.text


def test_versioned_import_stops_tf_upgrade_v2(tmp_path):
    text = "import tensorflow.compat.v1 as tf\nx = tf.placeholder\n"
    (hit,) = scanned(tmp_path, text)
    assert hit.upgrade.text == "nothing: compat.v1 is imported by name"
    assert upgraded(text) == text


def test_one_function_under_both_names():
    """Where the scan says "same" because two names are one function, they are."""
    import tensorflow as tf

    def found(root, name):
        for part in name.split(".")[1:]:
            root = getattr(root, part)
        return root

    pairs = [(old, new) for old, new in tables().renames.items() if not new.startswith("tf.compat.v1.")]
    same = [pair for pair in pairs if linter.compared(*pair).numbers == "same"]
    assert len(same) > 200
    for old, new in same:
        first, second = found(tf.compat.v1, old), found(tf, new)
        assert inspect.unwrap(first) == inspect.unwrap(second), (old, new)


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [
        ("tf.while_loop", "TF912", "the names of the two versions are not one function"),
        ("tf.read_file", "TF911", "both names are tensorflow.python.ops.io_ops.read_file"),
        ("tf.sparse_merge", "TF913", "TensorFlow 2 has it in compat.v1 only"),
        ("tf.no_such_function", "TF913", "TensorFlow 2 does not have it"),
    ],
)
def test_what_the_lists_of_names_tell(tmp_path, name, code, why):
    hits = scanned(tmp_path, f"import tensorflow as tf\ntf.Session()\n{name}(x)\n")
    assert [(hit.code, hit.why) for hit in hits[1:]] == [(code, why)]


def test_an_import_by_another_name_does_not_stop_tf_upgrade_v2(tmp_path):
    text = "import tensorflow.compat.v1 as v1\nimport tensorflow as tf\nx = tf.placeholder\n"
    *_, hit = scanned(tmp_path, text)
    assert hit.upgrade.text == "renames it tf.compat.v1.placeholder"
    assert "x = tf.compat.v1.placeholder" in upgraded(text)
