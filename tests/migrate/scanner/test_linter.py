"""Programs to scan; the oracle for what tf_upgrade_v2 does is tf_upgrade_v2 itself."""

import inspect
import io
import json
import os
import threading
import warnings
from pathlib import Path

import pytest
from rich.console import Console

import legacy_tf1
from tf_repro import migrate
from tf_repro.core.errors import InputError
from tf_repro.migrate.scanner import linter
from tf_repro.migrate.scanner.upgrade_tables import tables
from tf_repro.report import scan as report

ROOT = Path(legacy_tf1.__file__).parents[1]

PROGRAM = '''
"""Digits, as one wrote it."""
from __future__ import print_function
import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

flags = tf.app.flags
flags.DEFINE_float("learning_rate", 0.01, "step")
FLAGS = flags.FLAGS

class Model(object):
    def __init__(self):
        self.x = tf.placeholder(tf.float32, [None, 784], name="x")
        hidden = tf.contrib.layers.fully_connected(self.x, 256)
        self.logits = tf.layers.dense(tf.nn.dropout(hidden, keep_prob=0.5), 10)
        self.sess = tf.Session()

    def fit(self, y):
        each = tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=self.logits)
        loss = tf.reduce_mean(each, reduction_indices=[0])
        optimizer = tf.train.AdamOptimizer(FLAGS.learning_rate)
        train = optimizer.minimize(tf.log(loss))
        self.sess.run(tf.global_variables_initializer())
        self.sess.run(train, feed_dict={self.x: input_data})
        return tf.matmul(loss, loss)
'''


def scanned(folder, text, name="program.py"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return migrate.scan([path])


def upgraded(text):
    """What tf_upgrade_v2 itself makes of a program; its parser warns on every Python since 3.8."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from tensorflow.tools.compatibility import ast_edits, tf_upgrade_v2

        out = io.StringIO()
        upgrader = ast_edits.ASTCodeUpgrader(tf_upgrade_v2.TFAPIChangeSpec())
        upgrader.process_opened_file("program.py", io.StringIO(text), "out.py", out)
    return out.getvalue()


def places(hits):
    return [(hit.line, hit.symbol) for hit in hits]


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


def test_columns_and_the_programs_own_spelling(tmp_path):
    (hit,) = scanned(tmp_path, "import tensorflow as T\nx = [T.placeholder]\n")
    assert (hit.line, hit.column, hit.written) == (2, 6, "T.placeholder")
    assert hit.upgrade.text == "nothing: it follows only names that begin with tf."


@pytest.mark.parametrize(
    "text",
    [
        "import tensorflow as T; T.placeholder",
        "import tensorflow; tensorflow.placeholder",
        "import tensorflow.compat.v1 as tf; tf.placeholder",
        "import tensorflow as tf; tf.compat.v1.placeholder",
        "import tensorflow as tf; v1 = tf.compat.v1; v1.placeholder",
        "import tensorflow as tf; a = b = tf.compat; v1 = b.v1; v1.placeholder",
        "from tensorflow.compat import v1; v1.placeholder",
        "from tensorflow.compat import v1 as one; one.placeholder",
        "import tensorflow.compat.v1; tensorflow.compat.v1.placeholder",
        "from tensorflow import *; placeholder",
        "from common import tf; tf.placeholder",
        "try:\n    import tensorflow.compat.v1 as tf\nexcept ImportError:\n    import tensorflow as tf\ntf.placeholder",
        "import tensorflow as tf\ndef f():\n    return tf.placeholder",
        "def f():\n    import tensorflow as T\n    return T.placeholder",
        "import tensorflow as tf\nclass C:\n    kind = tf.placeholder",
        "import tensorflow as tf\ntf, other = tf, 1\ntf.placeholder",
    ],
)
def test_spellings_of_one_symbol(tmp_path, text):
    hits = scanned(tmp_path, text)
    assert [hit.symbol for hit in hits if hit.symbol != "tf.*"] == ["tf.placeholder"]


def test_from_import_is_listed_where_it_is_imported_and_used(tmp_path):
    assert places(scanned(tmp_path, "from tensorflow import placeholder as P, matmul\nP(1)\nmatmul(1, 2)\n")) == [
        (1, "tf.placeholder"),
        (2, "tf.placeholder"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as tf; tf.placeholder",
        "import tensorflow as tf\ndef f(tf): return tf.placeholder",
        "import tensorflow as tf\nf = lambda tf: tf.placeholder",
        "from mylib import placeholder; placeholder()",
        "import tensorflow_probability as tfp; tfp.placeholder",
        "import tensorflow.compat.v2 as tf; tf.placeholder",
        "# tf.placeholder\n'tf.placeholder'",
        "import tensorflow as tf\n@tf.function\ndef f(x): return tf.nn.relu(tf.matmul(x, x)) + tf.reduce_sum(x)",
        "import tensorflow as tf\nx = tf.optimizers.Adam(0.1); y = tf.initializers.RandomNormal()",
        "import tensorflow as tf\nx = tf.keras.layers.Dense(3); d = tf.data.Dataset.range(3).batch(2)",
        "import tensorflow as tf\nx = tf.keras.optimizers.Adam(0.1); y = tf.keras.layers.BatchNormalization()",
        "import tensorflow as tf\ntf.model = load()\ntf.model.predict(3)\nprint(tf.model.weights)",
        "import tensorflow as tf\nx = tf.ones_like(tf.nn.log_softmax(1)); y = tf.concat([x], 1), tf.split(x, 3, 0)",
        "import tensorflow as tf, pandas as pd, subprocess\npd.eval('1'); subprocess.run(['ls'], session=1)",
        "import tensorflow as tf\nfrom absl import app\napp.run()\nthread.run()\nx.shape[0]; y.value; n.value()",
        "import tensorflow as tf\nx = tf.where(tf.nn.dropout(y, rate=0.1)); tf.random.normal(tf.nn.softmax(x))",
        "import tensorflow as tf\nwith tf.name_scope('a'), tf.device('b'): tf.nn.conv2d(x, y)",
        "import tensorflow as tf, torch\nnet = torch.nn.Linear(1, 1)\nnet.eval()",
        "import tensorflow as tf\nclass A:\n    def eval(self): ...\nA().eval()",
        "def f(sess): sess.run(tf_free, feed_dict={})",
    ],
)
def test_what_is_no_tf1_symbol(tmp_path, text):
    assert scanned(tmp_path, text) == []


def test_sessions_are_followed(tmp_path):
    text = "import tensorflow as tf\nwith tf.Session() as s:\n    s.run(1)\ndef f(t: tf.Session):\n    t.run(2)\n"
    assert places(scanned(tmp_path, text)) == [
        (2, "tf.Session"),
        (3, "tf.Session.run"),
        (4, "tf.Session"),
        (5, "tf.Session.run"),
    ]


def test_methods_that_only_tf1_has(tmp_path):
    text = "import tensorflow as tf\nx = tf.data.Dataset.range(3).batch(2).make_one_shot_iterator()\n"
    (hit,) = scanned(tmp_path, text + "def f(o): return o.minimize(3)\n")
    assert (hit.line, hit.symbol) == (2, "tf.data.Dataset.make_one_shot_iterator")
    assert hit.upgrade.text == "rewrites the call"
    assert "tf.compat.v1.data.make_one_shot_iterator(" in upgraded(text)
    (hit,) = scanned(tmp_path, text.splitlines()[0] + "\ndef f(o): return o.compute_gradients(3)\n")
    assert hit.symbol == "tf.train.Optimizer.compute_gradients"
    assert "GradientTape" in hit.native


def test_values_are_no_symbols(tmp_path):
    text = "import tensorflow as tf\nreader = tf.train.NewCheckpointReader(1)\nnames = reader.names\nprint(names)\n"
    assert places(scanned(tmp_path, text)) == [
        (2, "tf.train.NewCheckpointReader"),
        (3, "tf.train.NewCheckpointReader"),
    ]


def test_names_bound_over_and_over_do_not_take_forever(tmp_path):
    text = "import tensorflow as tf\n" + "x = f(x) + y\ny = g(y)(x)\nx = y.h(x).z\n" * 60 + "tf.log(x)\n"
    assert places(scanned(tmp_path, text)) == [(182, "tf.log")]


def test_private_modules(tmp_path):
    (hit, use) = scanned(tmp_path, "from tensorflow.python.ops import rnn_cell\nrnn_cell.BasicLSTMCell(3)\n")
    assert hit.symbol == "tf.python.ops.rnn_cell"
    assert "private" in use.native


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
    assert migrate.scan([path]) == []


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


COMMANDS = ["%matplotlib inline\n", "!pip install x \\\n", "  y\n", "import tensorflow as T\n"]
TIMED = "%%time\nfiles = !ls\nT.placeholder?\nif True:\n    %time x = 1\n    T.placeholder(1)"
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": ["import tensorflow as tf"]},
        {"cell_type": "code", "source": COMMANDS},
        {"cell_type": "code", "source": "%%bash\npython -c 'tf.placeholder'"},
        {"cell_type": "code", "source": TIMED},
    ]
}  # fmt: skip


def test_notebook(tmp_path):
    (hit,) = scanned(tmp_path, json.dumps(NOTEBOOK), "book.ipynb")
    assert (hit.cell, hit.line, hit.column, hit.symbol) == (4, 6, 5, "tf.placeholder")


PYTHON2 = """# coding: utf-8
import tensorflow as tf
print "loss %d" % 3, tf.log(1.0)  # a comment
print >>sys.stderr, ("a"
                     "b") % 2
try:
    raise ValueError, "no"
except ValueError, error:
    print error
text = \"\"\"
print "inside"
\"\"\"
if x <> 0777L or `x` == ur"y": exec "code"
for i in xrange(3): print i,; x = lambda (a, b): a
print
print (tf.log(2.0))
print ("a %d") % tf.log(3.0)
"""


def test_python_2(tmp_path):
    first, *hits = scanned(tmp_path, PYTHON2)
    assert (first.symbol, first.line) == ("Python 2", 3)
    assert "cannot parse" in first.upgrade.text
    assert places(hits) == [(3, "tf.log"), (16, "tf.log"), (17, "tf.log")]
    assert hits[0].column == PYTHON2.splitlines()[2].index("tf.") + 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.py", "x = 1\ndef f(:\n    pass\n", r"valid Python\. Received: .*a\.py, line 2: invalid syntax: def f\(:"),
        ("a.py", 'print "x"\ndef f(a, (b, c)): pass\n', r"line 2: Python 2, and beyond what is converted"),
        ("a.py", "x = 'é'\n".encode("latin-1"), r"must be UTF-8, or say its encoding .*a\.py, line 1: "),
        ("a.py", b"# coding: klingon\n", r"unknown encoding"),
        ("a.py", b"x = 1\0", "null byte|line 1"),
        ("a.py", "(" * 3000 + ")" * 3000, r"must be valid Python\. Received: .*a\.py, line 1: too many nested"),
        ("a.py", "x = " + "1 + " * 500 + "1", r"not nest more than 150 deep\. Received: .*a\.py, line 1"),
        ("a.py", "x = " + "-" * 99999 + "1", "not nest more than 150 deep|too many|too complex"),
        ("a.ipynb", "{", r"must be JSON with a list of cells\. Received: .*a\.ipynb"),
        ("a.ipynb", "[]", "JSON with a list of cells"),
        ("a.ipynb", json.dumps({"cells": [{"cell_type": "code", "source": "x = ("}]}), r"a\.ipynb, cell 1, line 1"),
    ],
)
def test_unreadable(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message) as caught:
        scanned(tmp_path, content, name)
    assert "\n" not in str(caught.value)


def test_declared_encoding_and_byte_order_mark(tmp_path):
    text = "import tensorflow as tf\ntf.log('é')\r\n"
    assert len(scanned(tmp_path, ("# coding: latin-1\n" + text).encode("latin-1"))) == 1
    assert len(scanned(tmp_path, text.encode("utf-8-sig"))) == 1


def test_empty_file(tmp_path):
    assert scanned(tmp_path, "") == []


def test_missing(tmp_path):
    with pytest.raises(InputError, match=r"a file or a folder\. Received: .*nowhere, which does not exist"):
        migrate.scan([tmp_path / "nowhere"])
    with pytest.raises(InputError, match=r"must hold \.py or \.ipynb files"):
        migrate.scan([tmp_path])


def test_folder_goes_on_after_a_bad_file(tmp_path):
    (tmp_path / "sub" / ".hidden").mkdir(parents=True)
    (tmp_path / "bad.py").write_text("def\n")
    for folder in ("sub", "sub/.hidden"):
        (tmp_path / folder / "good.py").write_text("import tensorflow as tf\ntf.log(1.0)\n")
    errors = []
    hits = migrate.scan([tmp_path, tmp_path / "sub"], on_error=errors.append)
    assert [Path(hit.file).name for hit in hits] == ["good.py"]
    assert len(errors) == 1


def test_markup_in_a_file_name_is_shown_as_it_is(tmp_path):
    console = Console(file=io.StringIO(), width=200)
    report.show_hits(console, scanned(tmp_path, "import tensorflow as tf\ntf.log(1)", "[red]a.py"), 1)
    assert "[red]a.py" in console.file.getvalue()


def only(tmp_path, line):
    """The symbol and the code of the one hit in a line."""
    (hit,) = scanned(tmp_path, f"import tensorflow as tf\n{line}\n")
    assert hit.line == 2 + line.count("\n")
    return hit.symbol, hit.code


@pytest.mark.parametrize(
    ("line", "symbol", "code"),
    [
        ("x.eval()", "tf.Tensor.eval", "TF103"),
        ("x.eval({y: 1})", "tf.Tensor.eval", "TF103"),
        ("x.eval(session=s)", "tf.Tensor.eval", "TF103"),
        ("x = tf.matmul(y, z)\nx.eval(batch)", "tf.Tensor.eval", "TF103"),
        ("tf.matmul(y, z)[0].eval(batch)", "tf.Tensor.eval", "TF103"),
        ("x, y = tf.split(z, 2, 0)\ny.eval(batch)", "tf.Tensor.eval", "TF103"),
        ("train.run({y: 1})", "tf.Operation.run", "TF104"),
        ("train.run(feed_dict=feeds)", "tf.Operation.run", "TF104"),
        ("init = tf.group(a, b)\ninit.run()", "tf.Operation.run", "TF104"),
        ("def f(sess):\n    sess.run(x)", "tf.Session.run", "TF102"),
        ("def f(model):\n    model.session.run(x)", "tf.Session.run", "TF102"),
        ("def f(s):\n    s.run(x, feed_dict={y: 1})", "tf.Session.run", "TF102"),
        ("def f(s):\n    s.run(x, {y: 1})", "tf.Session.run", "TF102"),
        ("n = x.shape[0].value", "tf.Dimension.value", "TF109"),
        ("n = x.get_shape()[1].value", "tf.Dimension.value", "TF109"),
        ("shape = x.get_shape()\nn = shape[1:][0].value", "tf.Dimension.value", "TF109"),
        ("_, n = x.get_shape()\nprint(n.value)", "tf.Dimension.value", "TF109"),
        ("n = [d.value for d in self.x.shape]", "tf.Dimension.value", "TF109"),
        ("n = x.shape.dims[0].value", "tf.Dimension.value", "TF109"),
        ("tf.concat(1, [x, y])", "tf.concat", "TF924"),
        ("tf.concat(-1, x)", "tf.concat", "TF924"),
        ("tf.concat(axis, [x, y])", "tf.concat", "TF924"),
        ("tf.split(0, 3, x)", "tf.split", "TF925"),
        ("tf.split(split_dim=0, num_split=3, value=x)", "tf.split", "TF925"),
        ("tf.keras.optimizers.Adam(lr=0.1)", "tf.keras.optimizers.Adam", "TF320"),
        ("tf.keras.layers.CuDNNLSTM(3)", "tf.keras.layers.CuDNNLSTM", "TF913"),
        ("tf.nn.log_softmax(x, dim=1)", "tf.nn.log_softmax", "TF402"),
        ("tf.nn.sigmoid_cross_entropy_with_logits(logits, y)", "tf.nn.sigmoid_cross_entropy_with_logits", "TF926"),
        ("tf.image.resize_bilinear(x, s, align_corners=True)", "tf.image.resize_bilinear", "TF451"),
        ("tf.image.resize_bilinear(x, s)", "tf.image.resize_bilinear", "TF452"),
        ("tf.contrib.rnn.GRUCell(3)", "tf.contrib.rnn.GRUCell", "TF512"),
        ("tf.contrib.data.map_and_batch(f, 3)", "tf.contrib.data.map_and_batch", "TF702"),
        ("tf.contrib.layers.fully_connected(x, 3)", "tf.contrib.layers.fully_connected", "TF502"),
    ],
)
def test_codes(tmp_path, line, symbol, code):
    assert only(tmp_path, line) == (symbol, code)


def test_assigned_members_are_what_was_assigned(tmp_path):
    text = "import tensorflow as tf\ntf.model = 1\ntf.model.x\ntf.Session = tf.compat.v1.Session\n"
    text += "with tf.Session() as s: s.run(1)\n"
    assert places(scanned(tmp_path, text)) == [(4, "tf.Session"), (5, "tf.Session"), (5, "tf.Session.run")]


def test_names_of_both_versions_count_in_a_program_of_the_first_only(tmp_path):
    text = "import tensorflow as tf\nx = tf.where(tf.nn.softmax(y))\n"
    assert scanned(tmp_path, text) == []
    assert places(scanned(tmp_path, text + "tf.Session()\n")) == [
        (2, "tf.where"),
        (2, "tf.nn.softmax"),
        (3, "tf.Session"),
    ]


def test_a_cell_that_is_no_python_leaves_the_others(tmp_path):
    cells = [{"cell_type": "code", "source": text} for text in ("import tensorflow as tf", "tf.log(", "x = tf.log(1)")]
    (tmp_path / "book.ipynb").write_text(json.dumps({"cells": cells}))
    errors = []
    (hit,) = migrate.scan([tmp_path / "book.ipynb"], errors.append)
    assert (hit.cell, hit.line) == (3, 1)
    (error,) = errors
    assert "cell 2, line 1" in str(error)


@pytest.mark.parametrize("command", ["tf.nn.relu(x)?", "x[0]??", "?tf.log", "!ls", "%timeit tf.log(1)", "y = %pwd"])
def test_a_command_of_ipython_is_no_python(tmp_path, command):
    cells = [{"cell_type": "code", "source": f"import tensorflow as tf\n{command}\ntf.log(1)"}]
    (hit,) = scanned(tmp_path, json.dumps({"cells": cells}), "book.ipynb")
    assert (hit.symbol, hit.line) == ("tf.log", 3)


def test_nothing_and_a_pipe(tmp_path):
    with pytest.raises(InputError, match=r"must be a file or a folder\. Received: ''"):
        migrate.scan([""])
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=["import tensorflow as tf\ntf.log(1)\n"])
    writer.start()
    (hit,) = migrate.scan([pipe])
    writer.join()
    assert hit.symbol == "tf.log"
