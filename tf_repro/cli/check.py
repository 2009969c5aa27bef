"""The command ``tf-repro check``."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated, Any

import typer

from tf_repro.core.errors import InputError
from tf_repro.core.files import check_output, write_atomically


def check(
    legacy: Annotated[Path, typer.Argument(metavar="LEGACY.py", help="The TF1 program, with build().")],
    port: Annotated[Path, typer.Argument(metavar="PORT.py", help="The TF2 port, with build().")],
    steps: Annotated[int, typer.Option(metavar="N", help="Training steps on the rung 'N steps'.")] = 10,
    max_ulp: Annotated[
        int | None,
        typer.Option(metavar="N", help="How many ULP any element may be off; what rounding makes without it."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Only equal bits pass.")] = False,
    scaled: Annotated[
        bool, typer.Option("--scaled", help="Count ULP of each tensor's largest element; for sums that cancel.")
    ] = False,
    tf1_python: Annotated[
        Path | None, typer.Option(metavar="PYTHON", help="A Python with TensorFlow 1.x; compat.v1 without it.")
    ] = None,
    feeds: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="Arrays by placeholder; drawn where there are none.")
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="NAME=VALUE", help="Of both build(), VALUE in JSON; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of drawn feeds and random initial values.")] = 0,
    name_map: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="TF1=PORT", help="Which port variable a TF1 variable is, or none (TF1=); may be repeated."
        ),
    ] = None,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Climb on after a rung that fails.")] = False,
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="What one run of either program may take.")
    ] = 120.0,
    deterministic_draws: Annotated[
        bool, typer.Option("--deterministic-draws", help="Make both programs' draws equal (dropout, noise).")
    ] = False,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Also save the report as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Also save the report as one HTML page.")] = None,
) -> int:
    """Hold a TF2 port against its TF1 original.

    The programs are compared rung by rung: variables, initial values, forward, gradients, one step, N steps, optimizer
    slots. Where they part, the tensor, both values and the tested causes are named.

    build() of LEGACY.py returns a dict: placeholders and fetches (tensors by name), train (the train op) and, if you
    like, feeds (arrays by placeholder). build() of PORT.py returns: variables, forward and step (functions of the feeds
    by name; forward returns the fetches) and, if you like, optimizer (a Keras optimizer).

    Exit codes: 0, every rung is equal; 1, one is not; 2, wrong usage or unreadable input.
    """
    from tf_repro import migrate
    from tf_repro.cli.shell import quiet_tensorflow
    from tf_repro.report import ladder
    from tf_repro.report.console import Terminal

    for option, path in (("--json", json), ("--html", html)):
        if path is not None:
            check_output(option, path)
    with quiet_tensorflow():
        report = migrate.check(
            legacy,
            port,
            steps=steps,
            max_ulp=max_ulp,
            scaled=scaled,
            strict=strict,
            tf1_python=tf1_python,
            feeds=feeds,
            inputs=_inputs(inputs or []),
            seed=seed,
            name_map=_pairs(name_map or []),
            keep_going=keep_going,
            time_limit=time_limit,
            deterministic_draws=deterministic_draws,
        )
    ladder.show_ladder(Terminal(), report)
    if json is not None:
        write_atomically(json, report.to_json())
    if html is not None:
        from tf_repro.report.html import check_page

        write_atomically(html, check_page.check_page(report, legacy, port))
    return 0 if report.passed else 1


def _inputs(options: list[str]) -> dict[str, Any]:
    values = {}
    for option in options:
        name, equals, text = option.partition("=")
        try:
            if not (name.isidentifier() and equals):
                raise ValueError
            values[name] = json_text.loads(text)
        except ValueError:
            raise InputError(
                f"--input must be NAME=VALUE with VALUE in JSON, such as rate=0.1. Received: {option!r}"
            ) from None
    return values


def _pairs(options: list[str]) -> dict[str, str | None]:
    pairs = {}
    for option in options:
        name, equals, other = option.partition("=")
        if not (name and equals):
            raise InputError(f"--map must be TF1=PORT, or TF1= to leave a variable out. Received: {option!r}")
        pairs[name] = other or None
    return pairs
