"""The command in a pipe, on a full disk, without streams, interrupted: one word or none, and the code others expect."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEGACY = ROOT / "examples" / "two_layer_network" / "legacy.py"
PORT = LEGACY.with_name("port.py")
COMMAND = f"{sys.executable} -m tf_repro.cli"
QUICK = {
    "list": "list",
    "show": "show reverse_mode",
    "scan": f"scan {LEGACY}",
    "explain": "scan --explain TF101",
    "atlas": "atlas gelu",
    "help": "--help",
}


def shell(script, **environment):
    """The finished process of a line of bash."""
    return subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


@pytest.mark.parametrize("name", QUICK)
def test_a_reader_that_goes_away_a_full_disk_and_a_closed_stream_end_quietly(name):
    piped = shell(f"{COMMAND} {QUICK[name]} | head -n 1; exit ${{PIPESTATUS[0]}}")
    assert (piped.returncode in (0, 141), piped.stderr) == (True, "")
    full = shell(f"{COMMAND} {QUICK[name]} > /dev/full")
    assert full.returncode == 2
    assert full.stderr == "tf-repro: standard output must be writable. Received: No space left on device\n"
    closed = shell(f"{COMMAND} {QUICK[name]} >&-")
    assert (closed.returncode, closed.stderr) == (0, "")


def test_without_any_stream_a_file_is_written_and_nothing_else(tmp_path):
    done = shell(f"{COMMAND} scan {LEGACY} --json {tmp_path}/hits.json <&- >&- 2>&-")
    assert done.returncode == 0
    assert json.loads((tmp_path / "hits.json").read_text())[0]["file"] == str(LEGACY)


@pytest.mark.parametrize("option", ["--json", "--sarif"])
def test_a_dash_prints_the_json_alone(option, tmp_path):
    done = shell(f"cd {tmp_path} && {COMMAND} scan {LEGACY} {option} -")
    assert json.loads(done.stdout)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (f"scan {LEGACY} --json out --sarif out", "--sarif and --json must be two files. Received: out for both"),
        (f"check {LEGACY} {PORT} --json out --html out", "--html and --json must be two files. Received: out for both"),
        (f"check {LEGACY} {PORT} --seed -1", "--seed must be a whole number from 0 to 4294967295. Received: -1"),
        ("scan ''", "what to scan must be a file or a folder. Received: '', an empty name"),
    ],
)
def test_a_mistake_is_blamed_on_itself(arguments, message, tmp_path):
    done = shell(f"cd {tmp_path} && {COMMAND} {arguments}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"tf-repro: {message}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", ["/dev/stdin", "-", "<(cat {})"])
def test_pipes_are_read(source):
    done = shell(f"cat {LEGACY} | {COMMAND} scan {source.format(LEGACY)} | tail -n 1")
    direct = shell(f"{COMMAND} scan {LEGACY} | tail -n 1")
    assert done.stdout == direct.stdout
    assert re.match(r"\d+ uses of \d+ TF1 symbols in 1 of 1 file", done.stdout)


TRAINS = "import pathlib\nimport tensorflow as tf\npathlib.Path('trained').touch()\n"


def test_a_port_without_build_is_recognised_before_it_trains(tmp_path):
    """Of TF1 programs a script will do; it is run up to a training step, not through."""
    (tmp_path / "script.py").write_text(TRAINS)
    done = shell(f"cd {tmp_path} && {COMMAND} check {LEGACY} script.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "tf-repro: a program must define build(). Received: script.py without one\n"
    assert not (tmp_path / "trained").exists()


def test_the_top_level_help_has_examples_and_every_command_that_it_names():
    text = shell(f"{COMMAND} --help", COLUMNS="80").stdout
    examples = re.findall(r"^    tf-repro (\w+) .*$", text, re.MULTILINE)
    commands = re.findall(r"^  (\w+)  +[A-Z]", text.partition("Commands:")[2], re.MULTILINE)
    assert {"show", "scan", "run", "check", "report"} <= set(examples) <= set(commands)
    for command in ("run", "check", "scan", "show", "report", "compare"):
        assert f"tf-repro {command} " in shell(f"{COMMAND} {command} --help").stdout.partition("xample")[2], command


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        "run",
        "report --html page.html",
        f"check {LEGACY} {PORT} --steps 5000",
        f"check {LEGACY} {PORT} --keep-going --steps 5000",
    ],
)
@pytest.mark.parametrize("after", [1.0, 4.0, 9.0])
def test_an_interrupt_is_one_word_within_a_second_without_tensorflow_s_log(arguments, after, tmp_path):
    process = subprocess.Popen(
        [*COMMAND.split(), *arguments.split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(after)
    os.killpg(process.pid, signal.SIGINT)
    begun = time.monotonic()
    printed, errors = process.communicate(timeout=60)
    assert (printed, errors) == ("", "tf-repro: interrupted\n")
    assert process.returncode in (130, -signal.SIGINT), "Python may end by the signal itself; a shell says 130 of both"
    assert time.monotonic() - begun < 10, "a second, on an idle machine"
    assert list(tmp_path.iterdir()) == []
