"""Which symbols are found, under whatever name a program has for them, and which are left alone."""

import pytest

from tests.migrate.scanner.programs import places, scanned


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
        "import tensorflow as T\nclass A:\n    inner = T\n    def f(self): return inner.placeholder",
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
        ("tf.matmul(y, z).eval(batch, session)", "tf.Tensor.eval", "TF103"),
        ("tf.matmul(y, z)[0].eval(batch)", "tf.Tensor.eval", "TF103"),
        ("x, y = tf.split(z, 2, 0)\ny.eval(batch)", "tf.Tensor.eval", "TF103"),
        ("train.run({y: 1})", "tf.Operation.run", "TF104"),
        ("train.run(feed_dict=feeds)", "tf.Operation.run", "TF104"),
        ("init = tf.group(a, b)\ninit.run()", "tf.Operation.run", "TF104"),
        ("init = tf.group(a, b)\ninit.run(feeds, s)", "tf.Operation.run", "TF104"),
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
        ("tf.compat.v1.shape(x)", "tf.shape", "TF912"),
        ("tf.no_such_function(x)", "tf.no_such_function", "TF913"),
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


def test_a_star_import_gives_names_but_no_attributes(tmp_path):
    text = "from tensorflow import *\nclass A:\n    def f(self): return self.placeholder, placeholder\n"
    assert places(scanned(tmp_path, text)) == [(1, "tf.*"), (3, "tf.placeholder")]


def test_flags_are_listed_where_they_are_reached_not_at_each_reading(tmp_path):
    text = "import tensorflow as tf\nF = tf.app.flags.FLAGS\nprint(F.rate, F.size)\nx = tf.app.flags.FLAGS.rate\n"
    assert places(scanned(tmp_path, text)) == [(2, "tf.app.flags.FLAGS"), (4, "tf.app.flags.FLAGS.rate")]


def test_attributes_of_self_are_followed_from_method_to_method(tmp_path):
    text = "import tensorflow as tf\nclass A:\n    def __init__(self): self.s = tf.Session()\n"
    text += "    def f(self): return self.s.run(1)\n"
    assert places(scanned(tmp_path, text)) == [(3, "tf.Session"), (4, "tf.Session.run")]
