"""What the drift atlas says of a program: the names that it uses, and what moved them between two releases."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tf_repro.atlas import sentences
from tf_repro.core.errors import InputError
from tf_repro.migrate.checker.outcome import CheckReport
from tf_repro.migrate.scanner import source, symbols
from tf_repro.migrate.scanner.linter import tf1_name


def symbols_of(path: Path) -> list[str]:
    """List the public names that a program uses, those that TensorFlow 1 and 2 share included.

    Args:
        path: a Python file or a notebook.

    Raises:
        InputError: it cannot be read as one.
    """
    used = symbols.uses([part.module for part in source.parts(path, _refuse)])
    return sorted({name for uses in used for use in uses if (name := tf1_name(use.symbol)[0]) is not None})


def show_kernels(console: Console, legacy: Path, report: CheckReport) -> None:
    """Say of a cause ``kernels`` which releases moved the program's operations.

    Args:
        console: where to print.
        legacy: the TF1 program; of a golden bundle nothing is said, since it names no operations.
        report: what :func:`tf_repro.migrate.check` returned for it.
    """
    named = {cause.name for rung in report.rungs for cause in rung.causes}
    if "kernels" not in named or legacy.suffix not in (".py", ".ipynb"):
        return
    since, until = report.legacy.provenance["tensorflow"], report.port.provenance["tensorflow"]
    for sentence in sentences(symbols_of(legacy), since, until):
        console.print(f"[cyan]kernels[/] {escape(sentence)}", highlight=False, soft_wrap=True)


def _refuse(error: InputError) -> None:
    raise error
