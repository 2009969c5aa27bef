"""tf-repro run and compare: the machine, what is left out, what isolates a difference, how an interrupt ends."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from tests.cli.test_cli import tf_repro
from tf_repro.suite import claims

command = importlib.import_module("tf_repro.cli.run")  # the package's own `run` is the function


def test_a_quick_run_says_what_it_left_out():
    result = tf_repro("run", "reverse_mode", "softmax_regression", "--quick")
    assert result.returncode == 0, result.stdout + result.stderr
    (left_out,) = [line for line in result.stdout.splitlines() if line.startswith("left out by --quick: ")]
    assert "softmax_regression on eager" in left_out
    assert "reverse_mode on xla" in left_out
    assert "reverse_mode on eager" not in left_out


@pytest.mark.parametrize(("switch", "state"), [("0", "off"), pytest.param("1", "on", marks=pytest.mark.slow)])
def test_the_run_tells_the_machine(switch, state, tmp_path):
    out = tmp_path / "findings.json"
    result = tf_repro("run", "reverse_mode", "--engine", "eager", "--json", out, TF_ENABLE_ONEDNN_OPTS=switch)
    told = f"oneDNN {state} (TF_ENABLE_ONEDNN_OPTS={switch})"
    assert told in result.stdout
    assert "float32 lanes" in result.stdout
    assert all(told in finding["machine"] for finding in json.loads(out.read_text(encoding="utf-8")))


def test_a_run_without_tensorflow_tells_the_machine_too(tmp_path):
    out = tmp_path / "findings.json"
    result = tf_repro("run", "reverse_mode", "--engine", "derivation", "--engine", "tf-1.4.1", "--json", out)
    assert result.returncode == 0, result.stderr
    (told,) = [line for line in result.stdout.splitlines() if "float32 lanes; NumPy" in line]
    machines = {f["engine"]: f["machine"] for f in json.loads(out.read_text(encoding="utf-8"))}
    assert told == f"on {machines['derivation']}"
    assert "TensorFlow 1.4.1" in machines["tf-1.4.1"], "the recording's own"


@pytest.mark.parametrize(
    ("engine", "repeated", "told"),
    [
        ("eager", {"TF_ENABLE_ONEDNN_OPTS=0": 0}, ["is as declared with TF_ENABLE_ONEDNN_OPTS=0"]),
        (
            "eager",
            {"TF_ENABLE_ONEDNN_OPTS=0": 2},
            ["is not as declared with TF_ENABLE_ONEDNN_OPTS=0 either: 2 are not"],
        ),
        (
            "xla",
            {"TF_ENABLE_ONEDNN_OPTS=0": None, "XLA_FLAGS=--xla_cpu_max_isa=AVX": 0},
            [
                "could not be repeated with TF_ENABLE_ONEDNN_OPTS=0",
                "is as declared with XLA_FLAGS=--xla_cpu_max_isa=AVX",
            ],
        ),
        ("tf-1.4.1", {}, ["runs without TensorFlow: none of its settings moves it"]),
    ],
)
def test_what_is_not_as_declared_is_repeated_with_other_settings(engine, repeated, told, monkeypatch, capsys):
    def repeat(options, setting):
        ((name, value),) = setting.items()
        assert options[:3] == ["reverse_mode", "--engine", engine]
        return repeated.pop(f"{name}={value}")

    monkeypatch.delenv("XLA_FLAGS", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(command, "_repeated", repeat)
    wrong = SimpleNamespace(document="reverse_mode", engine=engine, machine="a processor; oneDNN on (by default)")
    command._isolate([wrong, wrong], "digits", claims.DIRECTORY)
    assert capsys.readouterr().out.splitlines() == [f"reverse_mode on {engine} {line}" for line in told]
    assert not repeated, "not tried"


@pytest.mark.slow
def test_two_machines_records_are_shown_side_by_side(tmp_path):
    ours, theirs = tmp_path / "ours.json", tmp_path / "theirs.json"
    for path, switch in ((ours, "0"), (theirs, "1")):
        chosen = ["softmax_backprop", "--engine", "eager", "--engine", "eager:tf1", "--engine", "lanes-8"]
        assert tf_repro("run", *chosen, "--record", path, TF_ENABLE_ONEDNN_OPTS=switch).returncode == 0
    same = tf_repro("compare", ours, ours)
    assert (same.returncode, same.stdout.count("\n")) == (0, 1)
    assert ", 0 differ" in same.stdout
    apart = tf_repro("compare", ours, theirs, COLUMNS="200")
    assert "off (TF_ENABLE_ONEDNN_OPTS=0)" in apart.stdout
    assert apart.returncode == (0 if ", 0 differ" in apart.stdout else 1)
    assert "eager:tf1" not in apart.stdout, "what is ours has the same bits on both"


@pytest.mark.slow
def test_a_difference_that_hangs_on_onednn_is_isolated(edited):
    """The figure is what eager prints without oneDNN, or what it prints with it: one of the two must fail here."""
    outcomes = []
    for switch in ("0", "1"):
        printed = tf_repro("run", "softmax_backprop", "--engine", "eager", "--json", "-", TF_ENABLE_ONEDNN_OPTS=switch)
        values = {f["index"]: f["value"] for f in json.loads(printed.stdout) if f["claim"] == "after.y"}
        outcomes.append(values[1])
    if outcomes[0] == outcomes[1]:
        pytest.skip("oneDNN changes no digit of this figure on this processor")
    directory = edited(
        "softmax_backprop",
        'where = "before training, W"\n',
        'where = "before training, W"\n\n[[claim]]\nid = "planted"\nmoment = "after"\nquantity = "y"\n'
        f'rule = "exact"\nonly = ["eager"]\nwhere = "-"\nprinted = {json.dumps(ys())}\n',
    )
    result = tf_repro("run", "softmax_backprop", "--engine", "eager", "--claims", directory, TF_ENABLE_ONEDNN_OPTS="1")
    assert result.returncode == 1
    assert result.stdout.splitlines()[-1] == "softmax_backprop on eager is as declared with TF_ENABLE_ONEDNN_OPTS=0"


def ys():
    """The probabilities after training as eager mode computes them without oneDNN, exactly."""
    printed = tf_repro("run", "softmax_backprop", "--engine", "eager", "--json", "-", TF_ENABLE_ONEDNN_OPTS="0")
    return [repr(f["value"]) for f in json.loads(printed.stdout) if f["claim"] == "after.y"]


def test_one_file_for_two_outputs_is_refused(tmp_path):
    out = tmp_path / "out.json"
    result = tf_repro("run", "reverse_mode", "--json", out, "--record", out)
    assert result.returncode == 2
    assert f"--record and --json must be two files. Received: {out} for both" in result.stderr
    assert not out.exists()


def test_a_full_disk_is_one_line():
    script = f"{sys.executable} -m tf_repro.cli list > /dev/full"
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert result.stderr == "tf-repro: standard output must be writable. Received: No space left on device\n"


@pytest.mark.parametrize(
    "after", [2.5, pytest.param(12.0, marks=pytest.mark.slow)], ids=["while TensorFlow is imported", "in the training"]
)
def test_an_interrupt_ends_the_run_within_a_second_with_one_line(after, tmp_path):
    out = tmp_path / "findings.json"
    command = [sys.executable, "-m", "tf_repro.cli", "run", "--json", str(out)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ, start_new_session=True
    )
    time.sleep(after)
    os.killpg(process.pid, signal.SIGINT)
    started = time.monotonic()
    printed, errors = process.communicate(timeout=60)
    seconds = time.monotonic() - started
    assert (process.returncode, printed, errors) == (130, "", "tf-repro: interrupted\n")
    assert seconds < 3, "a second, on an idle machine"
    assert list(tmp_path.iterdir()) == []
