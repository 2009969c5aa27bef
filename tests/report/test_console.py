"""The terminal: narrow and wide, without colours where none are wanted, in ASCII where there is nothing else."""

import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tf_repro import migrate
from tf_repro.core.record import Record
from tf_repro.core.ulp import difference
from tf_repro.migrate.checker.outcome import FAILED, NOT_REACHED, PASSED, Cause, CheckReport, NotTested, RuledOut, Rung
from tf_repro.report import comparison, ladder, scan, terminal
from tf_repro.report.console import transliterate
from tf_repro.report.outcomes import outcomes
from tf_repro.suite import claims
from tf_repro.suite import run as suite
from tf_repro.suite.saved import Apart, Comparison

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "list": ["list"],
    "run": ["run", "softmax_jacobian", "reverse_mode", "--engine", "tf-1.4.1", "--engine", "derivation"],
    "show": ["show", "softmax_backprop"],
    "scan": ["scan", "examples"],
    "help": ["check", "--help"],
    "error": ["run", "σ→…"],
}
ASCII = {"PYTHONIOENCODING": "ascii", "LANG": "C", "TERM": "dumb"}
C_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": ""}


def command(*arguments, **environment):
    """Exit code and output of the command, as bytes."""
    removed = {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}
    inherited = {name: value for name, value in os.environ.items() if name not in removed}
    done = subprocess.run(
        [sys.executable, "-c", "from tf_repro.cli import main; main()", *arguments],
        cwd=ROOT,
        env=inherited | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"} | environment,
        capture_output=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("environment", [ASCII, C_LOCALE], ids=["dumb terminal", "C locale"])
@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "run")) for name in COMMANDS])
def test_ascii(name, environment):
    code, out = command(*COMMANDS[name], **environment)
    assert code == (2 if name == "error" else 0), out.decode()
    text = out.decode("ascii")
    assert "UnicodeEncodeError" not in text
    if name == "error" and environment is ASCII:  # in the C locale, Python takes the argument for bytes
        assert "Received: 'sigma->...'" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_no_colour_when_piped(name):
    _, out = command(*COMMANDS[name])
    assert b"\x1b" not in out


def test_tables_fit_80_columns_when_piped():
    """What is not a table is left to the terminal to wrap, so that searching and copying find whole lines."""
    for name in ("list", "run", "scan"):
        _, out = command(*COMMANDS[name])
        rows = [line for line in out.decode().splitlines() if re.search(r"[─│]", line)]
        assert all(len(row) <= 80 for row in rows)


@pytest.mark.parametrize("arguments", [["atlas", "gelu"], ["atlas", "examples/text_classifier/legacy.py"], ["list"]])
def test_forty_columns_keep_whole_words(arguments):
    code, out = command(*arguments, COLUMNS="40")
    lines = out.decode().splitlines()
    assert code == 0
    assert "…" not in out.decode(), "nothing is cut off"
    assert (
        sum(len(line.split()[0]) == 1 for line in lines if line.strip() and not line.startswith(" ")) < len(lines) / 10
    )


@pytest.mark.parametrize("arguments", [COMMANDS["scan"], COMMANDS["show"]])
def test_reader_that_goes_away(arguments):
    script = f"{sys.executable} -c 'from tf_repro.cli import main; main()' {' '.join(arguments)} | head -n 1"
    done = subprocess.run(
        ["bash", "-c", f"{script}; exit ${{PIPESTATUS[0]}}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.returncode in (0, 141)  # 0 where all was written before the reader left


def failed_check():
    """A check that parted at the forward rung, with a tensor name and a cause that could be taken for markup."""
    apart = difference(np.float32([[1.0, 2.0]]), np.float32([[1.0, 2.5]]))
    cause = Cause("mean for sum", "with tf.reduce_mean for tf.reduce_sum on port.py:19", 0, True)
    ruled_out = [RuledOut("sign changed", "…"), RuledOut("from_logits", "a"), RuledOut("from_logits", "b")]
    rungs = [
        Rung("variables", PASSED, "1 variable: [bold]w[/]"),
        Rung("forward", FAILED, "1 of 2 tensors apart: [red]loss", "[red]loss", apart, apart.ulp, [cause], ruled_out),
        Rung("gradients", NOT_REACHED),
    ]
    legacy = Record({}, {"tensorflow": "2.21.0"})
    return CheckReport(rungs, {}, legacy, Record({}), 0)


def shown(show, *arguments, **options):
    """What is printed on a Console."""
    file = io.StringIO()
    show(Console(file=file, **options), *arguments)
    return file.getvalue()


def test_ladder_names_place_cause_and_what_was_ruled_out():
    text = shown(ladder.show_ladder, failed_check(), width=80)
    assert "parts at forward: [red]loss [0, 1] TF1 program 2, port 2.5: 2.1e+06 ULP of the largest element" in text
    assert "cause mean for sum: with tf.reduce_mean for tf.reduce_sum on port.py:19, the rung passes" in text
    assert "tested and ruled out: sign changed, from_logits (2)" in text
    assert "TF1 program on TensorFlow 2.21.0 (compat.v1) part at the rung 'forward'" in text


def test_ladder_advises_on_rounding_and_names_what_was_not_tested():
    rung = Rung("gradients", FAILED, causes=[Cause("rounding", "since …", 64, False)], untested=["epsilon"])
    text = shown(ladder.show_ladder, CheckReport([rung], {}, Record({}, {"tensorflow": "1.15.5"}), Record({}), 0))
    assert "rounding: allow for it with --max-ulp N, or --scaled --max-ulp N" in text
    assert "not tested, the runs were used up: epsilon" in text


@pytest.mark.parametrize("width", [30, 40, 71])
def test_few_columns_keep_the_ladder_s_verdicts_and_break_no_word(width):
    text = shown(ladder.show_ladder, failed_check(), width=width)
    table = text.partition("forward: 1 of 2")[0]
    for rung, status in (("variables", "passed"), ("forward", "failed"), ("gradients", "not reached")):
        assert re.search(rf"^ *{rung} +{status}", table, re.MULTILINE)
    assert "forward: 1 of 2 tensors apart: [red]loss" in text
    assert max(map(len, table.splitlines())) <= width


def test_the_ladder_says_how_many_steps():
    legacy = Record({f"step {n}": {} for n in range(1, 11)}, {"tensorflow": "2.21.0"})
    report = CheckReport([Rung("N steps", FAILED, "1 of 1 tensor apart: w")], {}, legacy, Record({}), 0)
    text = shown(ladder.show_ladder, report, width=100)
    assert re.search(r"^ *10 steps +failed", text, re.MULTILINE)
    assert "part at the rung '10 steps'" in text
    assert "N steps" not in text


def test_changes_that_could_not_be_tested_are_a_line_a_kind():
    failures = [NotTested("EMA decay", f"with {n}", f"ValueError: {n}") for n in range(11)]
    report = CheckReport(
        [Rung("one step", FAILED, not_tested=failures)], {}, Record({}, {"tensorflow": "2"}), Record({}), 0
    )
    text = shown(ladder.show_ladder, report, width=100)
    assert "could not be tested: EMA decay: with 0 (and 10 more): ValueError: 0" in text
    assert text.count("could not be tested") == 1


@pytest.mark.parametrize("width", [40, 100])
def test_two_machines_are_compared_in_few_columns_and_in_many(width):
    apart = Apart(
        "softmax_backprop", "eager", "after", "y", difference(np.float32([1.0]), np.float32([1.5])), None, "eight lanes"
    )
    compared = Comparison({"lanes": ("8", "16")}, [apart], 7, [], [])
    text = shown(comparison.show, compared, "mine.json", "yours.json", width=width)
    assert "7 quantities are equal bit for bit, 1 differ" in text
    assert "eager" in text
    assert "after/y" in text
    assert not re.search(r"^\s*\w\s*$", text, re.MULTILINE)


SHOWN = {
    "ladder": lambda: (ladder.show_ladder, failed_check()),
    "list": lambda: (terminal.show_documents, claims.select()[0]),
    "findings": lambda: (terminal.show_findings, *findings("softmax_backprop")),
    "sources": lambda: (terminal.show_sources, suite.sources("reverse_mode")),
    "scan": lambda: (scan.show_hits, migrate.scan([ROOT / "examples"]), 9),
}


def findings(name):
    (document,), _ = claims.select([name])
    return document, list(suite.findings([document], ["tf-1.4.1", "derivation"]))


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("name", SHOWN)
def test_tables_fit_narrow_and_wide(name, width):
    show, *arguments = SHOWN[name]()
    text = shown(show, *arguments, width=width)
    if name in ("list", "findings", "ladder"):
        assert max(len(line) for line in text.splitlines() if "  " in line.strip()) <= width
    if name == "findings":
        assert set(re.findall(r"(?:reproduced|drifted|erratum): (\S+)", text)) == {"tf-1.4.1", "derivation"}
    both = [line for line in text.splitlines() if "TF1 program" in line and "TF2 port" in line]
    assert bool(both) == (name == "sources" and width == 160)


@pytest.mark.parametrize("width", [30, 40, 60, 71])
def test_few_columns_keep_every_verdict_and_break_no_word(width):
    document, found = findings("softmax_backprop")
    text = shown(terminal.show_findings, document, found, width=width)
    table = text.partition("drifted eight-lanes")[0]
    said = re.findall(r"(?:reproduced|drifted|erratum): ", table)
    assert len(said) == len(list(outcomes(document, found)))
    assert {f.claim for f in found} <= set(re.findall(r"[a-z-]+\.[a-z_.]+", table))
    assert max(map(len, table.splitlines())) <= width


@pytest.mark.parametrize("width", [30, 40, 60, 71])
def test_few_columns_list_documents_by_words(width):
    documents, _ = claims.select()
    table = shown(terminal.show_documents, documents, width=width).partition("engines: ")[0]
    assert all(document.name in table for document in documents)
    assert not re.search(r"^\s*\w\s*$", table, re.MULTILINE)


def test_what_is_not_as_declared_is_said_as_a_sentence():
    document, found = findings("softmax_backprop")
    wrong = replace(found[0], declared="drifted", as_declared=False)
    for show, *arguments in ((terminal.show_summary, [wrong]), (terminal.show_findings, document, [wrong])):
        text = " ".join(shown(show, *arguments, width=160).split())
        assert "reproduces, was declared drifted" in text
        assert "reproduced, declared" not in text


@pytest.mark.parametrize("name", SHOWN)
def test_no_color_is_obeyed_on_a_terminal(name, monkeypatch):
    show, *arguments = SHOWN[name]()
    options = {"width": 80, "force_terminal": True, "color_system": "standard"}
    colours = re.compile(r"\x1b\[([0-9]+;)*[39][0-7][;m]")
    if name != "list":
        assert colours.search(shown(show, *arguments, **options))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours.search(shown(show, *arguments, **options))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("δ → x₁", "delta -> x1"), ("W = (P − Q)ᵀ", "W = (P - Q)T"), ("—é", "?e"), ("求导", "????"), ("plain", "plain")],
)
def test_transliteration(text, expected):
    assert transliterate(text) == expected
