"""The application: its commands, its version, and how a user's mistake ends."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tf_repro import __version__
from tf_repro.cli import atlas, check, compare, init, list, record, report, run, scan, show
from tf_repro.cli.shell import INTERRUPTED, ended_quietly, interruptible, open_streams, tell_interrupted
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
    """Printed figures of TensorFlow 1 recomputed, and your own TensorFlow 1 code brought to TensorFlow 2.

    \b
    Examples, the first three without TensorFlow:
      tf-repro show reverse_mode           a TF1 program, its port, its figures
      tf-repro scan legacy.py              what in it is TF1, what changes numbers
      tf-repro atlas gelu                  which release changed which digits
      tf-repro run --quick                 every printed figure, recomputed
      tf-repro check legacy.py port.py     where a port parts, and why
      tf-repro report --html report.html   the whole run as one page

    tf-repro COMMAND --help has more of each.

    Exit codes: 0, all as declared; 1, something is not; 2, wrong usage or unreadable input; 130, interrupted.
    """  # noqa: D301 - click reads the backspace as "leave these lines"


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
    open_streams()
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
        tell_interrupted()
    sys.exit(code or 0)
