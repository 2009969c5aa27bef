"""The command ``tf-repro scan``."""

import json
import subprocess
import sys

from tests.migrate.scanner.test_linter import PROGRAM, ROOT


def command(*arguments):
    script = "from tf_repro import cli; cli.main()"
    run = [sys.executable, "-c", script, "scan", *map(str, arguments)]
    return subprocess.run(run, capture_output=True, text=True, cwd=ROOT, timeout=60)


def test_command(tmp_path):
    good, bad, saved = tmp_path / "good.py", tmp_path / "bad.py", tmp_path / "hits.json"
    good.write_text(PROGRAM)
    bad.write_text("x = (\n")
    done = command(good, bad, tmp_path / "nowhere.py", "--json", saved)
    assert done.returncode == 2
    assert [line.split(". ")[0] for line in done.stderr.splitlines()] == [
        "tf-repro: what to scan must be a file or a folder",
        "tf-repro: a program must be valid Python",
    ]
    assert "18 uses of 16 TF1 symbols in 1 of 2 files; numbers change at" in done.stdout
    assert "tests/migrate/scanner/test_idioms.py::test_keras_adam_parts" in done.stdout
    rows = json.loads(saved.read_text())
    assert rows[4]["symbol"] == "tf.placeholder"
    assert rows[4]["upgrade"]["action"] == "compat.v1"
    assert command(good).returncode == 0


def test_help_says_what_the_exit_codes_are():
    done = command("--help")
    assert done.returncode == 0
    assert "Exit codes: 0" in done.stdout


def test_neither_tensorflow_nor_keras_nor_numpy_is_imported():
    script = (
        "import sys; from tf_repro import migrate; migrate.scan(['examples']);"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
