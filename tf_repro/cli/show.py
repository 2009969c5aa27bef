"""The command ``tf-repro show``."""

from __future__ import annotations

from typing import Annotated

import typer

from tf_repro.cli.options import Claims
from tf_repro.report import terminal
from tf_repro.report.console import Terminal
from tf_repro.suite import claims


def show(
    document: Annotated[str, typer.Argument(help="Which document; see `tf-repro list`.")],
    directory: Claims = claims.DIRECTORY,
) -> None:
    """Show a program, its port, and the figures.

    The TF1 program and its TF2 port, or the port and its derivation, stand side by side where the terminal has 120
    columns, else one below the other. The figures are those of genuine TensorFlow 1, of the emulated kernels and of the
    float64 derivation; `run` computes the others.

    Example: tf-repro show reverse_mode
    """
    (chosen,), _ = claims.select([document], directory=directory)
    from tf_repro.suite import engines, run

    console = Terminal()
    terminal.show_sources(console, run.sources(document)[:2])
    offline = [engine for engine in chosen.engines if not engines.needs_tensorflow(engine)]
    terminal.show_findings(console, chosen, list(run.findings([chosen], offline)))
