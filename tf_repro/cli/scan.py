"""The command ``tf-repro scan``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tf_repro.core.errors import InputError
from tf_repro.core.files import check_output, write_atomically


def scan(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Python files, notebooks, or folders of them.")],
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Also save the hits as JSON.")] = None,
) -> int:
    """List TF1 symbols and what to write instead.

    Each symbol comes with what tf_upgrade_v2 would do, the native idiom, whether numbers change and what proves it.
    Nothing is run, and TensorFlow is not imported. Aliases, notebooks and Python 2 are understood.

    Exit codes: 0, all files were read, whatever was found in them; 2, wrong usage, or a file could not be read (the
    others are still listed).
    """
    from tf_repro import migrate
    from tf_repro.migrate import scanner
    from tf_repro.report import scan as report
    from tf_repro.report.console import Terminal

    if json is not None:
        check_output("--json", json)
    errors: list[InputError] = []
    programs = scanner.programs(files, errors.append)
    hits = migrate.scan(programs, on_error=errors.append)
    report.show_hits(Terminal(), hits, len(programs), len(errors))
    if json is not None:
        write_atomically(json, report.dumps(hits))
    for error in errors:
        print(f"tf-repro: {' '.join(str(error).split())}", file=sys.stderr)
    return 2 if errors else 0
