"""The command ``tf-repro record``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tf_repro.cli.options import Call, Feeds, Fetches, Inputs, Legacy, Steps, Tf1Python, TimeLimit, Train, inputs_of
from tf_repro.core.files import check_output


def record(
    legacy: Legacy,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where the bundle goes.")],
    steps: Steps = 10,
    tf1_python: Tf1Python = None,
    feeds: Feeds = None,
    inputs: Inputs = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of drawn feeds and random initial values.")] = 0,
    graph: Annotated[
        bool, typer.Option("--graph/--no-graph", help="Keep each tensor of the first step, by which causes are found.")
    ] = True,
    time_limit: TimeLimit = 120.0,
    train: Train = None,
    fetch: Fetches = None,
    call: Call = None,
) -> int:
    """Run a TF1 program once and keep what it computed in one file, a golden bundle.

    `tf-repro check FILE PORT.py` then holds a port against the file as against the program, in seconds, in CI, and on
    machines that have no TensorFlow 1. The file holds the Record (initial values, fetches, gradients, each step,
    slots), the feeds, the graph, how far rounding moves each tensor, the program's source and what it was run on. It
    is a ZIP archive of JSON and plain arrays: commit it beside the port.

    Exit codes: 0, recorded; 2, wrong usage, or the program cannot be run. Nothing is written then.

    Example: tf-repro record legacy.py -o legacy.golden --tf1-python tf1/bin/python
    """
    from tf_repro import migrate
    from tf_repro.cli.shell import quiet_tensorflow
    from tf_repro.report import bundle as report
    from tf_repro.report.console import Terminal

    check_output("--output", output)
    with quiet_tensorflow():
        bundle = migrate.record(
            legacy,
            steps=steps,
            tf1_python=tf1_python,
            feeds=feeds,
            inputs=inputs_of(inputs),
            seed=seed,
            graph=graph,
            time_limit=time_limit,
            train=train,
            fetches=fetch,
            call=call,
        )
    bundle.write(output)
    report.show(Terminal(), bundle, output)
    return 0
