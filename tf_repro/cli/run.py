"""The command ``tf-repro run``."""

from __future__ import annotations

import json as json_module
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
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
    """Repeat what is not as declared with oneDNN the other way round, and say whether that is what it hangs on."""
    from tf_repro.suite.engines import needs_tensorflow

    console = Terminal()
    runs = dict.fromkeys((f.document, f.engine) for f in wrong if needs_tensorflow(f.engine))
    switch = "0" if "oneDNN on" in next((f.machine for f in wrong if needs_tensorflow(f.engine)), "") else "1"
    setting = f"TF_ENABLE_ONEDNN_OPTS={switch}"
    for document, engine in runs:
        with tempfile.TemporaryDirectory(prefix="tf_repro-") as folder:
            out = Path(folder, "findings.json")
            command = [sys.executable, "-m", "tf_repro.cli", "run", document, "--engine", engine, "--json", str(out)]
            command += ["--data", data, "--claims", str(directory)]
            environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": switch, ISOLATING: "1"}
            ended = subprocess.run(
                [*command, "--data", data, "--claims", str(directory)],
                env=environment,
                capture_output=True,
                check=False,
            )
            if not out.exists():
                outcome = f"could not be repeated with {setting} (exit code {ended.returncode})"
            else:
                still = [f for f in json_module.loads(out.read_text(encoding="utf-8")) if not f["as_declared"]]
                outcome = f"with {setting}: {len(still)} not as declared" if still else f"is as declared with {setting}"
        terminal.show_line(console, f"{document} on {engine} {outcome}")
