"""The commands on the documents' figures: ``list``, ``run``, ``show`` and ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tf_repro.cli.shell import progress, quiet_tensorflow
from tf_repro.core.files import check_output, write_atomically
from tf_repro.report import terminal
from tf_repro.report.console import Terminal
from tf_repro.suite import claims

Documents = Annotated[list[str] | None, typer.Argument(metavar="DOCUMENT", help="Which documents; all by default.")]
Engines = Annotated[
    list[str] | None, typer.Option("--engine", metavar="NAME", help="Only this engine; may be repeated.")
]
Data = Annotated[
    str, typer.Option(metavar="NAME", help="What softmax_jacobian's network is trained on: digits or mnist.")
]
Claims = Annotated[
    Path,
    typer.Option(
        "--claims", metavar="DIRECTORY", help="Claims to use instead of the package's own.", show_default=False
    ),
]


def list_documents() -> None:
    """List the documents, their figures and the engines."""
    documents, _ = claims.select()
    terminal.show_documents(Terminal(), documents)


def run(
    documents: Documents = None,
    engine: Engines = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Also save the findings as JSON.")] = None,
    data: Data = "digits",
    directory: Claims = claims.DIRECTORY,
) -> int:
    """Recompute every printed figure and check its verdict.

    Each figure is computed on each engine and held against the verdict that its claim declares.

    reproduced: prints as the document printed it. drifted: off by the declared number of ULP, for the declared
    reason. erratum: the figure contradicts the document's own inputs; the correct figure and the mistake behind the
    printed one are both computed.
    """
    chosen, engines = claims.select(documents or [], engine or [], directory)
    if json is not None:
        check_output("--json", json)
    from tf_repro.core.data import check_source
    from tf_repro.report import findings_json
    from tf_repro.suite import run as suite

    check_source(data)
    console = Terminal()
    findings = []
    with progress() as report, quiet_tensorflow():
        for finding in suite.findings(chosen, engines, report, data):
            findings.append(finding)
    for document in chosen:
        terminal.show_findings(console, document, [f for f in findings if f.document == document.name])
    terminal.show_summary(console, findings)
    if json is not None:
        write_atomically(json, findings_json.dumps(findings))
    return 0 if all(finding.as_declared for finding in findings) else 1


def show(
    document: Annotated[str, typer.Argument(help="Which document; see `tf-repro list`.")],
    directory: Claims = claims.DIRECTORY,
) -> None:
    """Show a program, its port, and the figures.

    The TF1 program and its TF2 port, or the port and its derivation, stand side by side where the terminal has 120
    columns, else one below the other. The figures are those of genuine TensorFlow 1 and of the float64 derivation;
    `run` computes the others.
    """
    (chosen,), _ = claims.select([document], directory=directory)
    from tf_repro.suite import run as suite

    console = Terminal()
    terminal.show_sources(console, suite.sources(document)[:2])
    offline = [engine for engine in chosen.engines if not suite.needs_tensorflow(engine)]
    terminal.show_findings(console, chosen, list(suite.findings([chosen], offline)))


def report_page(
    html: Annotated[Path, typer.Option("--html", metavar="FILE", help="Where the page goes.", show_default=False)],
    data: Data = "digits",
    directory: Claims = claims.DIRECTORY,
) -> int:
    """Recompute the figures and write one HTML page.

    The page holds the verdicts, each program beside its port, the errata and the derivations. It needs no network.
    """
    check_output("--html", html)
    documents, engines = claims.select(directory=directory)
    from tf_repro.core.data import check_source
    from tf_repro.report.html import page
    from tf_repro.suite import run as suite

    check_source(data)
    with progress() as report, quiet_tensorflow():
        records = suite.records(documents, engines, report, data)
        findings = list(suite.findings_of(records, documents, engines))
        pictures = page.pictures(documents, findings, records, data)
    write_atomically(html, page.report(documents, findings, records, page.circumstances(), pictures))
    terminal.show_summary(Terminal(), findings)
    return 0 if all(finding.as_declared for finding in findings) else 1
