"""The command ``tf-repro atlas``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tf_repro.atlas import load

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "import tensorflow as T\ny = T.nn.softmax(T.placeholder(T.float32, [5]))\n"


def command(*arguments, columns=120):
    script = "import sys; from tf_repro import cli\ntry: cli.main()\nfinally: assert 'tensorflow' not in sys.modules"
    run = [sys.executable, "-c", script, "atlas", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": str(columns)}
    return subprocess.run(run, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False, env=environment)


def test_a_probe_is_told_with_its_releases_and_the_tested_reason():
    done = command("softmax_5", "--to", "1.5")
    assert (done.returncode, done.stderr) == (0, "")
    assert "1.5.1" in done.stdout
    assert "order of summation: the wheel adds eight floats at a time" in done.stdout


def test_a_program_is_told_what_it_names_and_nothing_else(tmp_path):
    program, saved = tmp_path / "legacy.py", tmp_path / "changes.json"
    program.write_text(PROGRAM)
    done = command("--from", "1.4", "--to", "1.5", program, "--json", saved)
    assert (done.returncode, done.stderr) == (0, "")
    probes = {change["probe"] for change in json.loads(saved.read_text())}
    assert {"softmax_5", "softmax_wide"} <= probes
    assert probes <= {"softmax", "softmax_5", "softmax_wide", "default_nn.softmax"}
    assert "tf.nn.softmax" in done.stdout
    assert "no probe exercises: tf.float32, tf.placeholder" in done.stdout


def test_json_goes_to_the_terminal_alone():
    done = command("leaky_relu", "--json", "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert {change["after"] for change in json.loads(done.stdout)} >= {"1.13.2"}


def test_a_default_is_told_before_what_only_rounds(tmp_path):
    program = tmp_path / "legacy.py"
    program.write_text("import tensorflow as tf\ntf.keras.layers.GRU(3)\ntf.nn.softmax([1.0])\n")
    done = command("--from", "1.15", "--to", "2.21", program)
    words = " ".join(done.stdout.split())
    assert "2.0: reset_after False → True" in words
    assert "2.16 in tf.compat.v1: reset_after False → True" in words
    assert done.stdout.index("other default") < done.stdout.index("order of")


def test_an_operation_is_asked_for_by_its_name():
    done = command("tf.nn.leaky_relu", "--from", "1.12")
    assert (done.returncode, done.stderr) == (0, "")
    assert "other algorithm" in done.stdout
    assert "1.13" in done.stdout


def test_no_name_is_cut_on_a_narrow_terminal():
    done = command(columns=80)
    assert (done.returncode, done.stderr) == (0, "")
    assert "document_softmax_cross_entropy" in done.stdout
    assert "…" not in done.stdout
    assert "\nsoftmax_5; since 1.5; order of summation; " in done.stdout


def test_a_program_without_tensorflow_is_said_to_name_nothing(tmp_path):
    (tmp_path / "empty.py").touch()
    done = command(tmp_path / "empty.py")
    assert (done.returncode, done.stdout) == (0, "the program names nothing of TensorFlow\n")


def test_a_documents_figures_have_their_history():
    done = command("softmax_backprop")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = [line for line in done.stdout.splitlines() if "after.w" in line]
    assert "0.12.1 to 1.4.1" in line
    assert "1.5.1 to 2.21.0" in line


def test_the_page_names_every_release_and_probe(tmp_path):
    done = command("--html", tmp_path / "atlas.html")
    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "atlas.html").read_text()
    for column in load().columns:
        minor = ".".join(map(str, column.release[:2]))
        assert f'<th scope="col">{minor}</th>' in page
    assert "softmax_5, 1.5.1 (after 1.4.1): order of summation" in page
    assert "oneDNN is on by itself since 2.9: with TF_ENABLE_ONEDNN_OPTS unset, 2.8.4 gave the bits of =0" in page
    assert "none is left that is not attributed" in page
    assert '<th scope="row">compat.v1.keras.layers.GRU</th><td>reset_after: False → True</td>' in page
    assert "<b>matmul_batch</b>: not within the rounding bound of its formula (2.5.3 eager" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gelo"], "atlas must be given a probe, an operation, or a file. Received: 'gelo'; near it are gelu"),
        (["--from", "soon"], "--from must be a release such as 1.15. Received: 'soon'"),
        (["--to", "2.99"], "--to must be a release of TensorFlow from 0.12 to 2.21. Received: '2.99'"),
        (["--from", "2.4", "--to", "1.15"], "--from must be a release before --to. Received: --from 2.4 --to 1.15"),
    ],
)
def test_a_mistake_is_one_line(arguments, message):
    done = command(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("tf-repro: " + message)
    assert done.stderr.count("\n") == 1
