"""The command ``tf-repro init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tf_repro.cli.options import Call, Feeds, Fetches, Inputs, Legacy, Steps, Tf1Python, TimeLimit, Train, inputs_of
from tf_repro.core.errors import InputError
from tf_repro.core.files import write_atomically


def init(
    legacy: Legacy,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Where the files go; beside LEGACY.py.")
    ] = None,
    steps: Steps = 10,
    tf1_python: Tf1Python = None,
    feeds: Feeds = None,
    inputs: Inputs = None,
    train: Train = None,
    fetch: Fetches = None,
    call: Call = None,
    time_limit: TimeLimit = 120.0,
) -> int:
    """Start a port: record the TF1 program, and write the port's skeleton and its test.

    For train.py that is train.golden (see `tf-repro record`), train_port.py and test_train_port.py. The skeleton has
    the program's variables, its optimizer, what it is fed and must return, and what the scanner says of the symbols
    that it uses. `tf-repro check train.golden train_port.py` runs at once, and says which TODO is left. No file is
    overwritten.

    Exit codes: 0, written; 2, wrong usage, a file exists, or the program cannot be run. Nothing is written then.

    Example: tf-repro init train.py --tf1-python tf1/bin/python
    """
    from tf_repro import migrate
    from tf_repro.cli.shell import quiet_tensorflow
    from tf_repro.migrate import scanner, skeleton
    from tf_repro.report import bundle as report
    from tf_repro.report.console import Terminal

    folder = legacy.parent if output is None else output
    if not folder.is_dir():
        raise InputError(f"--output must be an existing folder. Received: {folder}")
    skeleton.require_new(legacy.name, folder)
    with quiet_tensorflow():
        bundle = migrate.record(
            legacy,
            steps=steps,
            tf1_python=tf1_python,
            feeds=feeds,
            inputs=inputs_of(inputs),
            time_limit=time_limit,
            train=train,
            fetches=fetch,
            call=call,
        )
    written = skeleton.files(bundle, scanner.scan([legacy]), folder)
    for path, content in written.items():
        write_atomically(path, content)
    report.show_start(Terminal(), bundle, list(written))
    return 0
