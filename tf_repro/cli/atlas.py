"""The command ``tf-repro atlas``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tf_repro.core.errors import InputError
from tf_repro.core.files import check_outputs

if TYPE_CHECKING:
    from tf_repro.atlas import Atlas, Change

Minor = tuple[int, int]


Subject = Annotated[
    str | None,
    typer.Argument(
        metavar="PROBE|OPERATION|DOCUMENT|FILE.py",
        help="A probe, an operation such as tf.nn.softmax, a document, or a program; none for all probes.",
    ),
]
Since = Annotated[str, typer.Option("--from", metavar="RELEASE", help="Only what moved after it.")]
Until = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="RELEASE", help="Only what moved up to it.", show_default="the newest that was recorded"
    ),
]
Json = Annotated[Path | None, typer.Option(metavar="FILE", help="Also save the changes as JSON.")]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Also save the page.")]


def atlas(
    subject: Subject = None, since: Since = "0.12", until: Until = None, json: Json = None, html: Html = None
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
    from tf_repro.report.html.atlas_page import Scope, atlas_page

    check_outputs({"--json": json, "--html": html})
    recordings = room.load()
    probe = next((name for name in (subject, f"document_{subject}") if name in recordings.probes), None)
    first, last = _range(recordings, since, until)
    symbols = _symbols(subject, recordings) if subject is not None and probe is None else None
    found = room.between(room.changes(recordings, probe), first, last)
    if symbols is not None:
        found = room.concerning(found, recordings, symbols)
    if json is not None:
        write_output(json, dumps(report.to_json(found), indent=1) + "\n")
    if html is not None:
        words = (f"{subject}: " if subject else "") + f"what moved from {_words(first)} to {_words(last)}"
        scope = Scope(_asked(recordings, probe, symbols), words)
        write_output(html, atlas_page(recordings, found, histories(recordings), scope))
    if Path("-") not in (json, html):
        _show(recordings, probe, symbols, found)
    return 0


def _show(recordings: Atlas, probe: str | None, symbols: Sequence[str] | None, found: Sequence[Change]) -> None:
    """Print what was found of a program or an operation, of a probe, or of everything."""
    from tf_repro.report import atlas as report
    from tf_repro.report.atlas_figures import histories
    from tf_repro.report.console import Terminal
    from tf_repro.suite import claims

    if symbols is not None:
        report.show_program(Terminal(), recordings, symbols, found)
    elif probe is not None:
        report.show_probe(Terminal(), recordings, probe, found)
        if probe.startswith("document_"):
            report.show_histories(Terminal(), histories(recordings, [claims.load(probe.removeprefix("document_"))]))
    else:
        report.show_moves(Terminal(), recordings, report.moves(found))


def _asked(recordings: Atlas, probe: str | None, symbols: Sequence[str] | None) -> frozenset[str]:
    """The probes that the question is about."""
    if probe is not None:
        return frozenset({probe})
    probes = recordings.probes.items()
    return frozenset(name for name, about in probes if symbols is None or {*symbols} & {*about["symbols"]})


def _range(recordings: Atlas, since: str, until: str | None) -> tuple[Minor, Minor]:
    """The two ends, each a release that was recorded."""
    recorded = sorted({(column.release[0], column.release[1]) for column in recordings.columns})
    first = _release("--from", since, recorded)
    last = recorded[-1] if until is None else _release("--to", until, recorded)
    if first >= last:
        raise InputError(f"--from must be a release before --to. Received: --from {since} --to {_words(last)}")
    return first, last


def _release(option: str, text: str, recorded: Sequence[Minor]) -> Minor:
    try:
        major, minor = text.split(".")[:2]
        release = int(major), int(minor)
    except ValueError:
        raise InputError(f"{option} must be a release such as 1.15. Received: {text!r}") from None
    if release not in recorded:
        ends = f"{_words(recorded[0])} to {_words(recorded[-1])}"
        raise InputError(f"{option} must be a release of TensorFlow from {ends}. Received: {text!r}")
    return release


def _words(release: Minor) -> str:
    return f"{release[0]}.{release[1]}"


def _symbols(subject: str, recordings: Atlas) -> list[str]:
    """The public names that a program uses; an operation is its own."""
    operations = {symbol for about in recordings.probes.values() for symbol in about["symbols"]}
    if subject in operations:
        return [subject]
    if not Path(subject).exists():
        from difflib import get_close_matches

        near = get_close_matches(subject, [*recordings.probes, *operations], 3)
        mend = f"near it are {', '.join(near)}" if near else "tf-repro atlas lists the probes"
        raise InputError(f"atlas must be given a probe, an operation, or a file. Received: {subject!r}; {mend}")
    from tf_repro.report.atlas_program import symbols_of

    return symbols_of(Path(subject))
