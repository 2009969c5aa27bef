"""The application: its commands, its version, and how a user's mistake ends."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tf_repro import __version__
from tf_repro.cli import atlas, check, compare, init, list, record, report, run, scan, show
from tf_repro.cli.shell import INTERRUPTED, ended_quietly, interruptible
from tf_repro.core.errors import InputError
from tf_repro.report.console import transliterate_output

app = typer.Typer(
    name="tf-repro",
    add_completion=False,
    rich_markup_mode=None,
)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"tf-repro {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Reproduce the documented softmax, cross-entropy and back-propagation figures.

    Exit codes: 0, all as declared; 1, something is not; 2, wrong usage or unreadable input; 130, interrupted.
    """


app.command("list")(list.list_documents)
app.command()(run.run)
app.command()(compare.compare)
app.command()(show.show)
app.command()(report.report)
app.command()(check.check)
app.command()(record.record)
app.command()(init.init)
app.command()(scan.scan)
app.command()(atlas.atlas)


def main() -> None:
    """Run the command line and exit with its code; a user's mistake is one line on standard error."""
    transliterate_output()
    code = 2
    try:
        with interruptible(), ended_quietly():
            code = app(sys.argv[1:] or ["--help"], prog_name="tf-repro", standalone_mode=False)
    except (typer.TyperException, InputError) as error:
        message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        print(f"tf-repro: {' '.join(message.split())}", file=sys.stderr)
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    if code == INTERRUPTED:  # which typer also returns
        print("tf-repro: interrupted", file=sys.stderr)
    sys.exit(code or 0)
