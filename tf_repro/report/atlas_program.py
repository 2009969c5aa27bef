"""What the drift atlas says of a program: the names that it uses, and what moved them between two releases."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tf_repro.atlas import lookup, sentences
from tf_repro.atlas.kinds import OTHER_DEFAULT
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
    return sorted({name for use in _uses(path) if (name := tf1_name(use.symbol)[0]) is not None})


def show_kernels(console: Console, legacy: Path, report: CheckReport) -> None:
    """Say which releases moved a program's operations, where a cause is ``kernels``; and its defaults, where it failed.

    Args:
        console: where to print.
        legacy: the TF1 program; of a golden bundle nothing is said, since it names no operations.
        report: what :func:`tf_repro.migrate.check` returned for it.
    """
    if legacy.suffix not in (".py", ".ipynb"):
        return
    since, until = report.legacy.provenance["tensorflow"], report.port.provenance["tensorflow"]
    said = [] if report.passed else [("default", each) for each in defaults_of(legacy, since, until)]
    if "kernels" in {cause.name for rung in report.rungs for cause in rung.causes}:
        said += [("kernels", each) for each in sentences(symbols_of(legacy), since, until)]
    for cause, sentence in said:
        console.print(f"[cyan]{cause}[/] {escape(sentence)}", highlight=False, soft_wrap=True)


def defaults_of(path: Path, since: str, until: str) -> list[str]:
    """Name the defaults that changed of what a program calls, where one of its calls does not name the argument.

    Args:
        path: the program.
        since: the release that is left.
        until: the release that is gone to.
    """
    given: dict[str, set[str]] = {}
    for use in _uses(path):
        name = tf1_name(use.symbol)[0]
        if name is not None and use.positional is not None:
            given[name] = given.get(name, set(use.keywords)) & set(use.keywords)
    return [
        answer.sentence
        for name, keywords in sorted(given.items())
        for answer in lookup(name, since, until)
        if answer.kind == OTHER_DEFAULT and answer.argument not in keywords
    ]


def _uses(path: Path) -> list[symbols.Use]:
    return list(chain.from_iterable(symbols.uses([part.module for part in source.parts(path, _refuse)])))


def _refuse(error: InputError) -> None:
    raise error
