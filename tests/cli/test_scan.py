"""The command ``tf-repro scan``."""

import json
import re
import subprocess
import sys

import pytest

from tests.migrate.scanner.programs import PROGRAM, ROOT

LINE = re.compile(r"(.+?):(\d+):(\d+): (TF\d{3}) ([^:]+): .+ \[(.+)\]")
BOOK = {"cells": [{"cell_type": "code", "source": "import tensorflow as tf\nx = tf.log(1)"}]}


def command(*arguments, stdin=None):
    script = "from tf_repro import cli; cli.main()"
    run = [sys.executable, "-c", script, "scan", *map(str, arguments)]
    return subprocess.run(run, capture_output=True, text=True, cwd=ROOT, timeout=60, input=stdin, check=False)


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "good.py"
    path.write_text(PROGRAM)
    return path


def test_lines_with_what_changes_numbers_first(program):
    done = command(program)
    assert (done.returncode, done.stderr) == (0, "")
    *lines, summary = done.stdout.splitlines()
    hits = [LINE.fullmatch(line).groups() for line in lines]
    assert hits[:2] == [
        (str(program), "14", "18", "TF502", "tf.contrib.layers.fully_connected", "numbers change"),
        (str(program), "15", "39", "TF506", "tf.nn.dropout", "numbers change"),
    ]
    effects = list(dict.fromkeys(hit[-1] for hit in hits))
    assert effects == ["numbers change", "numbers may change", "same numbers", "no arithmetic"]
    places = [(int(line), int(column)) for _, line, column, *_, effect in hits if effect == "same numbers"]
    assert places == sorted(places)
    assert summary == "18 uses of 16 TF1 symbols in 1 of 1 file; numbers change at 3, and may at 2"


def test_verbose_has_proofs_and_what_tf_upgrade_v2_does(program):
    done = command(program, "--verbose")
    assert "TF313 tf.train.AdamOptimizer\n" in done.stdout
    assert "tests/migrate/scanner/test_idioms.py::test_keras_adam_parts" in done.stdout
    assert "tf_upgrade_v2  renames it tf.compat.v1.train.AdamOptimizer" in done.stdout


def test_unreadable_files_are_named_and_the_others_listed(program, tmp_path):
    bad, saved = tmp_path / "bad.py", tmp_path / "hits.json"
    bad.write_text("x = (\n")
    done = command(program, bad, tmp_path / "nowhere.py", "--json", saved)
    assert done.returncode == 2
    assert [line.split(". ")[0] for line in done.stderr.splitlines()] == [
        "tf-repro: what to scan must be a file or a folder",
        "tf-repro: a program must be valid Python",
    ]
    assert "18 uses of 16 TF1 symbols in 1 of 2 files; numbers change at" in done.stdout
    rows = json.loads(saved.read_text())
    assert (rows[4]["symbol"], rows[4]["code"]) == ("tf.placeholder", "TF101")
    assert rows[4]["upgrade"]["action"] == "compat.v1"


def test_select_ignore_and_the_exit_code(program):
    done = command(program, "--select", "TF313,TF1", "--ignore", "TF102")
    assert {LINE.fullmatch(line)[4] for line in done.stdout.splitlines()[:-1]} == {"TF313", "TF101", "TF105"}
    assert done.returncode == 0
    assert command(program, "--select", "TF313", "--exit-code").returncode == 1
    assert command(program, "--select", "TF511", "--exit-code").returncode == 0


def test_explain():
    done = command("--explain", "TF313")
    assert done.returncode == 0
    assert done.stdout.startswith("# TF313 adam\n")
    assert "optimizer = tf_repro.optimizers.Adam(0.001)" in done.stdout
    assert "test_keras_adam_parts" in done.stdout


def test_sarif(program, tmp_path):
    (tmp_path / "book.ipynb").write_text(json.dumps(BOOK))
    done = command(program, tmp_path / "book.ipynb", "--sarif", tmp_path / "hits.sarif")
    assert done.returncode == 0
    log = json.loads((tmp_path / "hits.sarif").read_text())
    (run,) = log["runs"]
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    assert log["version"] == "2.1.0"
    assert len(results) == 19
    for result in results:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    adam = next(result for result in results if result["ruleId"] == "TF313")
    place = adam["locations"][0]["physicalLocation"]
    assert adam["level"] == "error"
    assert place["region"] == {"startLine": 21, "startColumn": 21}
    assert place["artifactLocation"]["uri"] == program.as_uri()
    assert results[-1]["locations"][0]["logicalLocations"] == [{"name": "cell 1"}]


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
@pytest.mark.parametrize("text", ["import tensorflow as tf\nx = tf.log(1)", json.dumps(BOOK)])
def test_standard_input(name, text):
    done = command(name, stdin=text)
    assert done.returncode == 0
    assert re.match(r"/dev/stdin:(cell 1:)?2:5: TF404 tf\.log: ", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([""], "what to scan must be a file or a folder. Received: '', an empty name"),
        ([], "scan must be given files or folders. Received: none"),
        (["examples", "--select", "E501"], "a code must be one of the table"),
        (["--explain", "TF999"], "a code must be one of the table"),
        (["examples", "--json", "nowhere/hits.json"], "--json must be a file in an existing folder"),
        (["examples", "--sarif", "nowhere/hits.json"], "--sarif must be a file in an existing folder"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message):
    done = command(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"tf-repro: {message}")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    (tmp_path / "long.py").write_text("import tensorflow as tf\n" + "tf.log(1)\n" * 5000)
    script = f"{sys.executable} -c 'from tf_repro import cli; cli.main()' scan {tmp_path} | head -n 1"
    done = subprocess.run(script, shell=True, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_help_says_what_the_exit_codes_are():
    done = command("--help")
    assert done.returncode == 0
    assert "Exit codes: 0" in done.stdout


def test_neither_tensorflow_nor_keras_nor_numpy_is_imported():
    script = (
        "import sys; from tf_repro import migrate; migrate.scan(['examples']);"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    )
    run = [sys.executable, "-c", script]
    done = subprocess.run(run, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
