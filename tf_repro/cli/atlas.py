"""The command ``tf-repro atlas``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tf_repro.core.errors import InputError
from tf_repro.core.files import check_outputs


def atlas(
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="PROBE|DOCUMENT|FILE.py", help="A probe, a document, or a program; none for all probes."
        ),
    ] = None,
    since: Annotated[str, typer.Option("--from", metavar="RELEASE", help="Only what moved after it.")] = "0.12",
    until: Annotated[str, typer.Option("--to", metavar="RELEASE", help="Only what moved up to it.")] = "2.21",
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Also save the changes as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Also save the page.")] = None,
) -> int:
    """Tell which TensorFlow release changed which digits or defaults, by genuine recordings.

    Of a program, only what it names is told. Nothing is run, and TensorFlow is not imported.

    Exit codes: 0, answered; 2, wrong usage or unreadable input.
    """
    from json import dumps

    from tf_repro import atlas as room
    from tf_repro.cli.shell import write_output
    from tf_repro.report import atlas as report
    from tf_repro.report.atlas_figures import histories
    from tf_repro.report.console import Terminal
    from tf_repro.report.html.atlas_page import atlas_page
    from tf_repro.suite import claims

    check_outputs({"--json": json, "--html": html})
    recordings = room.load()
    probe = next((name for name in (subject, f"document_{subject}") if name in recordings.probes), None)
    symbols = _symbols(subject) if subject is not None and probe is None else None
    found = room.between(room.changes(recordings, probe), _release("--from", since), _release("--to", until))
    if symbols is not None:
        found = room.concerning(found, recordings, symbols)
    if json is not None:
        write_output(json, dumps(report.to_json(found), indent=1) + "\n")
    if html is not None:
        write_output(html, atlas_page(recordings, found, histories(recordings)))
    if Path("-") in (json, html):
        return 0
    if symbols is not None:
        report.show_program(Terminal(), recordings, symbols, found)
    elif probe is not None:
        report.show_probe(Terminal(), recordings, probe, found)
        if probe.startswith("document_"):
            report.show_histories(Terminal(), histories(recordings, [claims.load(probe.removeprefix("document_"))]))
    else:
        report.show_moves(Terminal(), recordings, report.moves(found))
    return 0


def _release(option: str, text: str) -> tuple[int, int]:
    try:
        major, minor = text.split(".")[:2]
        return int(major), int(minor)
    except ValueError:
        raise InputError(f"{option} must be a release such as 1.15. Received: {text!r}") from None


def _symbols(path: str) -> list[str]:
    """The public names that a program uses."""
    if not Path(path).exists():
        raise InputError(f"atlas must be given a probe, or a file. Received: {path!r}; tf-repro atlas lists the probes")
    from tf_repro.report.atlas_program import symbols_of

    return symbols_of(Path(path))
