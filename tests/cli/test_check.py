"""``tf-repro check`` as a shell sees it: exit code, ladder, one line, JSON."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.migrate.checker.programs import LEGACY, PORT, changed, written

ROOT = Path(__file__).parents[2]


@pytest.fixture
def check(monkeypatch, capsys):
    """Run the command in this process; exit code, standard output, standard error."""

    def run(*arguments):
        from tf_repro import cli

        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setattr(sys, "argv", ["tf-repro", "check", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_equal_programs(check, tmp_path):
    code, out, err = check(*written(tmp_path), "--steps", "3", "--json", tmp_path / "report.json")
    assert code == 0
    assert err == ""
    assert "bit for bit, on all 6 rungs that apply" in out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["passed"] is True
    assert [rung["status"] for rung in report["rungs"]] == ["passed"] * 6 + ["skipped"]
    assert report["name_map"]["w1"] == "w1"


def test_programs_that_part(check, tmp_path):
    files = written(tmp_path, port=changed(PORT, ("tf.reduce_mean", "tf.reduce_sum")))
    code, out, _ = check(*files, "--json", tmp_path / "report.json", "--html", tmp_path / "page.html")
    assert code == 1
    assert "parts at forward: loss scalar TF1 program " in out
    assert "cause mean for sum: with tf.reduce_mean for tf.reduce_sum on port.py:19, the rung passes" in out
    failed = json.loads((tmp_path / "report.json").read_text())["rungs"][2]
    assert failed["status"] == "failed"
    assert failed["received"] == pytest.approx(8 * failed["expected"])
    assert failed["causes"][0]["name"] == "mean for sum"
    page = (tmp_path / "page.html").read_text()
    assert '<td class="passed">the rung passes</td><td>with tf.reduce_mean for tf.reduce_sum on port.py:19</td>' in page
    assert f"<dt>Port</dt><dd><code>{failed['received']:.9g}" in page


@pytest.mark.slow
def test_tolerance_is_in_ulp(check, tmp_path):
    files = written(tmp_path, port=changed(PORT, ("(g, 0.5)", "(g, 0.5000001)")))
    assert check(*files, "--steps", "1", "--strict")[0] == 1
    code, out, _ = check(*files, "--steps", "1")
    assert code == 0
    assert "computes, up to rounding, on all" in out
    code, out, _ = check(*files, "--steps", "1", "--max-ulp", "1000")
    assert code == 0
    assert "within 1000 ULP, on all" in out
    code, out, _ = check(*files, "--steps", "1", "--max-ulp", "8", "--scaled")
    assert code == 0
    assert "within 8 ULP of each tensor's largest element" in out


@pytest.mark.slow
def test_map_option(check, tmp_path):
    swapped = changed(PORT, ('"variables": variables', '"variables": {"w2": w1, "b1": b1, "w1": w2, "b2": b2}'))
    files = written(tmp_path, port=swapped)
    assert check(*files, "--steps", "1")[0] == 1
    assert check(*files, "--steps", "1", "--map", "w1=w2", "--map", "w2=w1")[0] == 0


@pytest.mark.slow
def test_inputs_reach_both_programs(check, tmp_path):
    """Both programs get the rate; a port that has another default for it is then equal."""
    legacy = changed(LEGACY, ("build()", "build(rate=0.1)"), ("exponential_decay(0.1", "exponential_decay(rate"))
    port = changed(PORT, ("build()", "build(rate=0.2)"), ("ExponentialDecay(0.1", "ExponentialDecay(rate"))
    files = written(tmp_path, legacy, port)
    assert check(*files, "--steps", "1")[0] == 1
    assert check(*files, "--steps", "1", "--input", "rate=0.3")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "0"], "steps must be a whole number of at least 1. Received: 0"),
        (["--steps", "many"], "Invalid value for '--steps'"),
        (["--map", "w1"], "--map must be TF1=PORT"),
        (["--input", "rate"], "--input must be NAME=VALUE with VALUE in JSON"),
        (["--input", "rate=0.1.2"], "--input must be NAME=VALUE with VALUE in JSON"),
        (["--input", "speed=1"], "unexpected keyword argument 'speed'"),
        (["--json", "no/folder/report.json"], "--json must be a file in an existing folder"),
        (["--html", "no/folder/page.html", "--tf1-python", "/no/such"], "--html must be a file in an existing folder"),
        (["--tf1-python", "/no/such/python"], "--tf1-python must be an executable Python interpreter"),
        (["--feeds", "/no/feeds.npz"], "feeds must be an .npz file of arrays"),
    ],
)
def test_wrong_usage_is_one_line(check, tmp_path, arguments, message):
    code, out, err = check(*written(tmp_path), *arguments)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert message in err


def test_missing_file(check, tmp_path):
    code, _, err = check(tmp_path / "legacy.py", tmp_path / "port.py")
    assert (code, err.count("\n")) == (2, 1)
    assert "the TF1 program must be a Python file. Received: " in err


def test_help_imports_no_tensorflow():
    script = (
        "import atexit, sys; from tf_repro import cli\n"
        "atexit.register(lambda: print('imported:', {'tensorflow', 'numpy'} & set(sys.modules)))\n"
        "cli.main()"
    )
    command = [sys.executable, "-c", script, "check", "--help"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--max-ulp" in result.stdout
    assert result.stdout.endswith("imported: set()\n")
