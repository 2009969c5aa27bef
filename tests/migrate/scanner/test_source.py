"""Files, folders, pipes, notebooks, Python 2, and what cannot be read."""

import json
import os
import threading
from pathlib import Path

import pytest

from tests.migrate.scanner.programs import places, scanned
from tf_repro import migrate
from tf_repro.core.errors import InputError

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
