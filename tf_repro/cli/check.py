"""The command ``tf-repro check``."""

from __future__ import annotations

import ast
import tokenize
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tf_repro.cli.options import Call, Feeds, Fetches, Html, Inputs, Json, Tf1Python, Train, inputs_of
from tf_repro.core.errors import InputError
from tf_repro.core.files import check_outputs

if TYPE_CHECKING:
    from tf_repro.migrate import CheckReport


Original = Annotated[Path, typer.Argument(metavar="LEGACY", help="The TF1 program, or a golden bundle of it.")]
Port = Annotated[Path, typer.Argument(metavar="PORT.py", help="The TF2 port, with build().")]
Steps = Annotated[
    int | None, typer.Option(metavar="N", help="Training steps on the rung 'N steps'; 10, or as recorded.")
]
MaxUlp = Annotated[
    int | None,
    typer.Option(metavar="N", help="How many ULP any element may be off; what rounding makes without it."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Only equal bits pass.")]
Scaled = Annotated[
    bool, typer.Option("--scaled", help="Count ULP of each tensor's largest element; for sums that cancel.")
]
Seed = Annotated[
    int | None, typer.Option(metavar="N", help="Of drawn feeds and random initial values; 0, or as recorded.")
]
NameMap = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="TF1=PORT", help="Which port variable a TF1 variable is, or none (TF1=); may be repeated."
    ),
]
KeepGoing = Annotated[bool, typer.Option("--keep-going", help="Climb on after a rung that fails.")]
TimeLimit = Annotated[float, typer.Option(metavar="SECONDS", help="What one run of either program may take.")]
DeterministicDraws = Annotated[
    bool, typer.Option("--deterministic-draws", help="Make both programs' draws equal (dropout, noise).")
]


def check(
    legacy: Original,
    port: Port,
    steps: Steps = None,
    max_ulp: MaxUlp = None,
    strict: Strict = False,
    scaled: Scaled = False,
    tf1_python: Tf1Python = None,
    feeds: Feeds = None,
    inputs: Inputs = None,
    seed: Seed = None,
    name_map: NameMap = None,
    keep_going: KeepGoing = False,
    time_limit: TimeLimit = 120.0,
    deterministic_draws: DeterministicDraws = False,
    train: Train = None,
    fetch: Fetches = None,
    call: Call = None,
    json: Json = None,
    html: Html = None,
) -> int:
    """Hold a TF2 port against its TF1 original.

    The programs are compared rung by rung: variables, initial values, forward, gradients, one step, N steps, optimizer
    slots. Where they part, the tensor, both values and the tested causes are named.

    LEGACY is a program or what `tf-repro record` made of one; a bundle is replayed without running TensorFlow 1, with
    the steps, seed, feeds and inputs of the recording.

    A program without build() is a script: it is run as it is, up to its N-th training step, and what it feeds, fetches,
    minimises and trains is seen at its Sessions, under the names that the script itself uses.

    build() of LEGACY.py returns a dict: placeholders and fetches (tensors by name), train (the train op) and, if you
    like, feeds (arrays by placeholder). build() of PORT.py returns: variables, forward and step (functions of the feeds
    by name; forward returns the fetches) and, if you like, optimizer (a Keras optimizer).

    Exit codes: 0, every rung is equal; 1, one is not; 2, wrong usage or unreadable input.

    \b
    Examples:
      tf-repro check legacy.py port.py
      tf-repro check legacy.py port.py --steps 50 --html check.html
      tf-repro check legacy.py port.py --tf1-python tf1/bin/python
    """  # noqa: D301 - click reads the backspace as "leave these lines"
    from tf_repro import migrate
    from tf_repro.cli.shell import quiet_tensorflow

    check_outputs({"--json": json, "--html": html})
    if seed is not None and not 0 <= seed < 2**32:
        raise InputError(f"--seed must be a whole number from 0 to {2**32 - 1}. Received: {seed}")
    _require_build(port)
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
            inputs=inputs_of(inputs),
            seed=seed,
            name_map=_pairs(name_map or []),
            keep_going=keep_going,
            time_limit=time_limit,
            train=train,
            fetches=fetch,
            call=call,
            deterministic_draws=deterministic_draws,
        )
    _put_out(report, legacy, port, json, html)
    return 0 if report.passed else 1


def _put_out(report: CheckReport, legacy: Path, port: Path, json: Path | None, html: Path | None) -> None:
    """Show the report, and save it where it was asked for."""
    from tf_repro.cli.shell import write_output
    from tf_repro.report import atlas_program, ladder
    from tf_repro.report.console import Terminal

    if Path("-") not in (json, html):
        ladder.show_ladder(Terminal(), report)
        atlas_program.show_kernels(Terminal(), legacy, report)
    if json is not None:
        write_output(json, report.to_json())
    if html is not None:
        from tf_repro.report.html import check_page

        with _program(legacy) as program:
            write_output(html, check_page.check_page(report, program, port))


def _program(legacy: Path) -> AbstractContextManager[Path]:
    """The TF1 program's file: what was given, or what lies in the bundle that was given."""
    from tf_repro.migrate import golden

    return golden.unpacked(golden.read(legacy)) if golden.is_bundle(legacy) else nullcontext(legacy)


def _require_build(program: Path) -> None:
    """Refuse, before it is run, a script that nowhere names a build(): it may be one that trains for hours.

    Raises:
        InputError: no definition, assignment or import in it makes a ``build``.
    """
    try:
        with tokenize.open(program) as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, UnicodeError, ValueError):
        return  # Python 2, or no file: who runs it says so
    for node in ast.walk(tree):
        if isinstance(node, ast.alias) and (node.asname or node.name) in ("build", "*"):
            return
        if getattr(node, "name", getattr(node, "id", None)) == "build":
            return
    raise InputError(f"a program must define build(). Received: {program.name} without one")


def _pairs(options: list[str]) -> dict[str, str | None]:
    pairs = {}
    for option in options:
        name, equals, other = option.partition("=")
        if not (name and equals):
            raise InputError(f"--map must be TF1=PORT, or TF1= to leave a variable out. Received: {option!r}")
        pairs[name] = other or None
    return pairs
