"""The command ``tf-repro report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tf_repro.cli.options import Claims, Data
from tf_repro.cli.shell import progress, quiet_tensorflow
from tf_repro.core.files import check_output, write_atomically
from tf_repro.report import terminal
from tf_repro.report.console import Terminal
from tf_repro.suite import claims


def report(
    html: Annotated[Path, typer.Option("--html", metavar="FILE", help="Where the page goes.", show_default=False)],
    data: Data = "digits",
    directory: Claims = claims.DIRECTORY,
) -> int:
    """Recompute the figures and write one HTML page.

    The page holds the verdicts, each program beside its port, the errata and the derivations. It needs no network.

    Example: tf-repro report --html report.html
    """
    check_output("--html", html)
    documents, engines = claims.select(directory=directory)
    from tf_repro.core.data import check_source
    from tf_repro.report.html import page
    from tf_repro.suite import findings, run

    check_source(data)
    with progress() as shown, quiet_tensorflow():
        records = run.records(documents, engines, shown, data)
        found = list(findings.findings_of(records, documents, engines))
        pictures = page.pictures(documents, found, records, data)
    write_atomically(html, page.report(documents, found, records, page.circumstances(), pictures))
    terminal.show_summary(Terminal(), found)
    return 0 if all(finding.as_declared for finding in found) else 1
