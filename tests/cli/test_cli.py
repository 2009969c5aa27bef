import json
import os
import subprocess
import sys

import pytest

from tf_repro import __version__ as tf_repro_version


def tf_repro(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", "from tf_repro.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100", **environment},
        timeout=120,
    )


def test_run_prints_every_claim_and_saves_json(tmp_path):
    out = tmp_path / "findings.json"
    result = tf_repro("run", "reverse_mode", "softmax_backprop", "--engine", "eager", "--json", out)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "all as declared" in result.stdout
    findings = json.loads(out.read_text(encoding="utf-8"))
    contract = {"document", "claim", "moment", "index", "printed", "engine", "value", "value_hex", "ulp", "bound"}
    assert contract | {"verdict", "declared", "explained_by"} <= set(findings[0])
    assert len(findings) == 24 + 42
    drifted = next(f for f in findings if f["claim"] == "after.w" and f["document"] == "softmax_backprop")
    assert drifted["printed"] == "-0.16000001"
    assert float.fromhex(drifted["value_hex"]) == drifted["value"]
    assert (drifted["verdict"], drifted["declared"]) == ("drifted", "reproduced or drifted")
    assert abs(drifted["value"] - drifted["truth"]) <= drifted["bound"] < 1e-6
    assert "oneDNN o" in drifted["machine"]
    assert drifted["origin"] == "printed"


def test_a_wrong_digit_exits_1_and_names_the_claim(edited):
    directory = edited("reverse_mode", '"-25"', '"-24"')
    result = tf_repro("run", "reverse_mode", "--engine", "derivation", "--claims", directory)
    assert result.returncode == 1
    assert "not as declared reverse_mode/after.w[1] on derivation: printed -24, measured -25.0" in result.stdout


def test_nan_is_valid_json(tmp_path):
    out = tmp_path / "findings.json"
    assert tf_repro("run", "softmax_cross_entropy", "--engine", "derivation", "--json", out).returncode == 0
    findings = json.loads(out.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    naive = next(f for f in findings if f["claim"] == "overflow.naive")
    assert (naive["value"], naive["value_hex"], naive["verdict"]) == (None, "nan", "reproduced")


def test_unknown_document_names_the_folder_that_was_searched(edited):
    directory = edited("reverse_mode", '"-25"', '"-24"')
    result = tf_repro("run", "nonsense", "--claims", directory)
    assert f"softmax_regression in {directory}. Received: 'nonsense'" in result.stderr


def test_version():
    result = tf_repro("--version")
    assert (result.returncode, result.stdout) == (0, f"tf-repro {tf_repro_version}\n")


def test_show_puts_program_port_and_figures_side_by_side():
    result = tf_repro("show", "softmax_backprop", COLUMNS="160")
    assert result.returncode == 0
    assert "GradientDescentOptimizer" in result.stdout
    assert "GradientTape" in result.stdout
    assert "after.w[3]" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nonsense"], "document must be one of reverse_mode,"),
        (["run", "--engine", "cuda"], "engine must be one of tf-1.4.1,"),
        (["run", "--data", "cifar"], "data must be one of digits, mnist. Received: 'cifar'"),
        (["show", "nonsense"], "document must be one of"),
        (["run", "--json", "no/such/folder/f.json"], "--json must be a file in an existing folder"),
        (["run", "--claims", "no/such/folder"], "a claims folder must hold TOML files"),
        (["nonsense"], "No such command"),
        (["run", "--nonsense"], "No such option"),
    ],
)
def test_bad_usage_is_one_line_and_exits_2(arguments, message):
    result = tf_repro(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("tf-repro: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"-25"', '"-2x5"', "reverse_mode.toml: claim 'after.w': a figure must be a number. Received: '-2x5'"),
        ('id = "after.w"', 'id = "before.w"', "claim ids must be unique. Received: 'before.w' twice"),
        ('["-4", "-25"]', "[]", "figures must be a text or a non-empty list of texts"),
        ("[[claim]]", "[[claim", "claims must be valid TOML"),
        ('quantity = "w"', 'quantity = "q"', "claim 'before.w': a claim's moment and quantity must be in the record"),
    ],
)
def test_bad_claims_are_one_line_and_exit_2(edited, tmp_path, old, new, message):
    out = tmp_path / "findings.json"
    directory = edited("reverse_mode", old, new)
    result = tf_repro("run", "reverse_mode", "--engine", "derivation", "--claims", directory, "--json", out)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["run", "nonsense"], ["run", "--help"]])
def test_answers_without_tensorflow_or_numpy(arguments):
    code = (
        "import sys\nfrom tf_repro.cli import main\ntry:\n    main()\nfinally:\n"
        "    assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules), 'imported'\n"
    )
    result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    assert "imported" not in result.stderr


def test_importing_the_package_imports_no_tensorflow():
    code = "import sys, tf_repro; assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
