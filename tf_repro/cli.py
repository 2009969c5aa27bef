"""The command ``tf-repro``: list, run and show the documents' figures."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

try:
    import typer

    from tf_repro.report.console import Terminal, transliterate_output
except ImportError:  # the core installation
    sys.exit("tf-repro: the command needs the extra 'suite'. Received: a core installation; pip install '.[suite]'")

from tf_repro import __version__, claims, cli_check, cli_scan
from tf_repro.errors import InputError
from tf_repro.report import terminal

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

    Exit codes: 0, all as declared; 1, something is not; 2, wrong usage or unreadable input.
    """


app.command()(cli_check.check)
app.command()(cli_scan.scan)

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


@app.command("list")
def list_documents() -> None:
    """List the documents, their figures and the engines."""
    documents, _ = claims.select()
    terminal.show_documents(Terminal(), documents)


@app.command()
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
    from tf_repro import suite
    from tf_repro.data import check_source
    from tf_repro.record import write_atomically
    from tf_repro.report import findings_json

    check_source(data)
    console = Terminal()
    findings = []
    with _progress() as report, quiet_tensorflow():
        for finding in suite.findings(chosen, engines, report, data):
            findings.append(finding)
    for document in chosen:
        terminal.show_findings(console, document, [f for f in findings if f.document == document.name])
    terminal.show_summary(console, findings)
    if json is not None:
        write_atomically(json, findings_json.dumps(findings))
    return 0 if all(finding.as_declared for finding in findings) else 1


@app.command()
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
    from tf_repro import suite

    console = Terminal()
    terminal.show_sources(console, suite.sources(document)[:2])
    offline = [engine for engine in chosen.engines if not suite.needs_tensorflow(engine)]
    terminal.show_findings(console, chosen, list(suite.findings([chosen], offline)))


@app.command("report")
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
    from tf_repro import suite
    from tf_repro.data import check_source
    from tf_repro.record import write_atomically
    from tf_repro.report.html import page

    check_source(data)
    with _progress() as report, quiet_tensorflow():
        records = suite.records(documents, engines, report, data)
        findings = list(suite.findings_of(records, documents, engines))
        pictures = page.pictures(documents, findings, records, data)
    write_atomically(html, page.report(documents, findings, records, page.circumstances(), pictures))
    terminal.show_summary(Terminal(), findings)
    return 0 if all(finding.as_declared for finding in findings) else 1


def check_output(option: str, path: Path) -> None:
    """Refuse, before any long work, a path that a file cannot be written to."""
    from tf_repro.record import is_stream

    try:
        if path.is_dir() or not path.parent.is_dir():
            raise InputError(f"{option} must be a file in an existing folder. Received: {path}")
        if is_stream(path):
            return
        path = path.resolve()
        tempfile.NamedTemporaryFile(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent).close()
    except OSError as error:
        raise InputError(f"{option} must be a file that can be written. Received: {path} ({error.strerror})") from None


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, str, float | None], None]]:
    """A line on standard error that names what is running and how far it is; silent where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    own = os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding)  # quiet_tensorflow takes standard error away
    console = Console(file=own)
    columns = (SpinnerColumn("line"), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting TensorFlow", total=None)
        yield lambda document, engine, share: progress.update(
            task, description=f"{document} on {engine}", total=share and 1.0, completed=share or 0.0
        )


@contextlib.contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Keep TensorFlow's start-up messages, which native code writes, from the user; shown where the run fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(threads, "1")  # the documents' tensors are small: more threads only wait for each other
    sys.stderr.flush()
    terminal_stderr = os.dup(2)
    with tempfile.TemporaryFile() as messages:
        os.dup2(messages.fileno(), 2)
        try:
            yield
        except InputError:
            raise
        except BaseException:
            messages.seek(0)
            os.write(terminal_stderr, messages.read())
            raise
        finally:
            os.dup2(terminal_stderr, 2)
            os.close(terminal_stderr)


def main() -> None:
    """Run the command line and exit with its code; a user's mistake is one line on standard error."""
    transliterate_output()
    try:
        code = app(sys.argv[1:] or ["--help"], prog_name="tf-repro", standalone_mode=False)
    except (typer.TyperException, InputError) as error:
        message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        print(f"tf-repro: {' '.join(message.split())}", file=sys.stderr)
        code = 2
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    sys.exit(code or 0)
