"""The command ``tf-repro run``."""

from __future__ import annotations

import json as json_module
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tf_repro.cli.options import Claims, Data, Documents, Engines, Quick
from tf_repro.cli.shell import progress, quiet_tensorflow, write_output
from tf_repro.core.files import check_outputs
from tf_repro.report import terminal
from tf_repro.report.console import Terminal
from tf_repro.suite import claims

if TYPE_CHECKING:
    from tf_repro.core.verdicts import Finding

ISOLATING = "TF_REPRO_ISOLATING"
"""Set in a run that repeats another one with one setting changed, so that it isolates nothing itself."""


def run(
    documents: Documents = None,
    engine: Engines = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also save the findings as JSON; - prints it.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also save this machine's Records, for `tf-repro compare`.")
    ] = None,
    quick: Quick = False,
    data: Data = "digits",
    directory: Claims = claims.DIRECTORY,
) -> int:
    """Recompute every printed figure and check its verdict.

    Each figure is computed on each engine and held against the verdict that its claim declares.

    reproduced: prints as the document printed it. drifted: off by no more than rounding can carry it, on kernels that
    are not ours. erratum: the figure contradicts the document's own inputs; the correct figure and the mistake behind
    the printed one are both computed.

    Examples: tf-repro run --quick; tf-repro run softmax_backprop --engine xla --json findings.json
    """
    chosen, engines = claims.select(documents or [], engine or [], directory)
    check_outputs({"--json": json, "--record": record})
    from tf_repro.core.data import check_source
    from tf_repro.report import findings_json
    from tf_repro.suite import findings, saved
    from tf_repro.suite import run as suite

    check_source(data)
    with progress() as shown, quiet_tensorflow():
        records = suite.records(chosen, engines, shown, data, quick)
        found = list(findings.findings_of(records, chosen, engines))
    if json == Path("-"):
        print(findings_json.dumps(found), end="")
    else:
        _show(chosen, found, suite.left_out(chosen, engines) if quick else [])
        if json is not None:
            write_output(json, findings_json.dumps(found))
    if record is not None:
        write_output(record, saved.dumps(records))
    wrong = [finding for finding in found if not finding.as_declared]
    if wrong and json != Path("-") and not os.environ.get(ISOLATING):
        _isolate(wrong, data, directory)
    return 1 if wrong else 0


def _show(chosen: Sequence[claims.Document], found: Sequence[Finding], left_out: Sequence[str]) -> None:
    console = Terminal()
    for document in chosen:
        terminal.show_findings(console, document, [f for f in found if f.document == document.name])
    terminal.show_machine(console, found)
    if left_out:
        terminal.show_line(console, f"left out by --quick: {', '.join(left_out)}")
    terminal.show_summary(console, found)


def _isolate(wrong: Sequence[Finding], data: str, directory: Path) -> None:
    """Repeat each run that is not as declared with one setting changed, and say whether that is what it hangs on."""
    from tf_repro.suite.engines import needs_tensorflow

    console = Terminal()
    for (document, engine), machine in {(f.document, f.engine): f.machine for f in wrong}.items():
        options = [document, "--engine", engine, "--data", data, "--claims", str(directory)]
        if not needs_tensorflow(engine):
            terminal.show_line(
                console, f"{document} on {engine} runs without TensorFlow: none of its settings moves it"
            )
        for name, value in _settings(engine, machine) if needs_tensorflow(engine) else ():
            wrong_now = _repeated(options, {name: value})
            terminal.show_line(console, f"{document} on {engine} {_outcome(wrong_now, f'{name}={value}')}")
            if wrong_now == 0:
                break


def _settings(engine: str, machine: str) -> Iterator[tuple[str, str]]:
    """What to change, one after another: oneDNN the other way round, then what XLA may emit."""
    yield "TF_ENABLE_ONEDNN_OPTS", "0" if "oneDNN on" in machine else "1"
    if engine.startswith("xla"):
        yield "XLA_FLAGS", f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_max_isa=AVX".strip()


def _repeated(options: Sequence[str], setting: Mapping[str, str]) -> int | None:
    """How many findings of such a run are not as declared with the setting; None where it did not come to its end."""
    with tempfile.TemporaryDirectory(prefix="tf_repro-") as folder:
        out = Path(folder, "findings.json")
        command = [sys.executable, "-m", "tf_repro.cli", "run", *options, "--json", str(out)]
        environment = {**os.environ, **setting, ISOLATING: "1"}
        subprocess.run(command, env=environment, capture_output=True, check=False)
        if not out.exists():
            return None
        return sum(not f["as_declared"] for f in json_module.loads(out.read_text(encoding="utf-8")))


def _outcome(wrong: int | None, setting: str) -> str:
    if wrong is None:
        return f"could not be repeated with {setting}"
    return f"is not as declared with {setting} either: {wrong} are not" if wrong else f"is as declared with {setting}"
