"""The command ``tf-repro scan``."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from tf_repro.cli.shell import write_output
from tf_repro.core.errors import InputError
from tf_repro.core.files import check_outputs


def scan(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="Python files, notebooks, folders of them, or - for standard input."),
    ] = None,
    select: Annotated[
        list[str] | None, typer.Option(metavar="CODES", help="Only these codes, or those that begin so: TF3,TF401.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="CODES", help="All codes but these.")] = None,
    explain: Annotated[str | None, typer.Option(metavar="CODE", help="Explain a code, and scan nothing.")] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Each code once, with why, proof and what tf_upgrade_v2 would do.")
    ] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 where anything is found.")] = False,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also save the hits as JSON; - prints it alone.")
    ] = None,
    sarif: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also save the hits as SARIF 2.1.0; - prints it alone.")
    ] = None,
) -> int:
    """List TF1 symbols and what to write instead, those that change numbers first.

    Each is a line FILE:LINE:COL: CODE message. Nothing is run, and TensorFlow is not imported. Aliases, notebooks and
    Python 2 are understood.

    Exit codes: 0, all files were read, whatever was found in them; 1, with --exit-code, something was found; 2, wrong
    usage, or a file could not be read (the others are still listed).

    \b
    Examples:
      tf-repro scan legacy.py
      tf-repro scan src notebooks --select TF3 --json hits.json
      git show HEAD:model.py | tf-repro scan -
      tf-repro scan --explain TF321
    """  # noqa: D301 - click reads the backspace as "leave these lines"
    from tf_repro.migrate import scanner
    from tf_repro.report import sarif as sarif_report
    from tf_repro.report import scan as report
    from tf_repro.report.console import Terminal

    if explain is not None:
        return _explain(explain)
    if not files:
        raise InputError("scan must be given files or folders. Received: none")
    codes = scanner.selected(select) if select else None
    ignored = scanner.selected(ignore) if ignore else frozenset()
    check_outputs({"--json": json, "--sarif": sarif})
    errors: list[InputError] = []
    programs = scanner.programs(files, errors.append)
    with _progress(len(programs)) as on_file:
        found = scanner.scan(programs, errors.append, on_file)
    hits = [hit for hit in found if (codes is None or hit.code in codes) and hit.code not in ignored]
    if Path("-") not in (json, sarif) and (programs or not errors):
        show = report.show_hits if verbose else report.show_lines
        show(Terminal(), hits, len(programs), len(errors))
    if json is not None:
        write_output(json, report.dumps(hits))
    if sarif is not None:
        write_output(sarif, sarif_report.dumps(hits))
    for error in errors:
        print(f"tf-repro: {' '.join(str(error).split())}", file=sys.stderr)
    return 2 if errors else int(exit_code and bool(hits))


def _explain(code: str) -> int:
    """Print the page of a code; of several where it is only how they begin."""
    from rich.markdown import Markdown

    from tf_repro.migrate import scanner
    from tf_repro.report.codes import page
    from tf_repro.report.console import Terminal

    chosen = scanner.selected([code])
    console = Terminal()
    for idiom in scanner.idioms():
        if idiom.code in chosen:
            text = page(idiom)
            console.print(
                Markdown(text) if console.is_terminal else text, highlight=False, soft_wrap=True, markup=False
            )
    return 0


@contextlib.contextmanager
def _progress(files: int) -> Iterator[Callable[[Path], None]]:
    """A bar on standard error that names the file being read; silent where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task, read = shown.add_task("", total=files), itertools.count()
        yield lambda path: shown.update(task, completed=next(read), description=str(path))
