"""Arguments and options that several commands have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tf_repro.core.errors import InputError

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
Quick = Annotated[bool, typer.Option("--quick", help="Leave out the 5000-step training, graphs, XLA and compat.v1.")]
Json = Annotated[Path | None, typer.Option(metavar="FILE", help="Also save the report as JSON; - prints it alone.")]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Also save the report as one HTML page.")]

# Of the commands that run a TF1 program.
Legacy = Annotated[Path, typer.Argument(metavar="LEGACY.py", help="The TF1 program: with build(), or a script.")]
Steps = Annotated[int, typer.Option(metavar="N", help="Training steps.")]
Tf1Python = Annotated[
    Path | None, typer.Option(metavar="PYTHON", help="A Python with TensorFlow 1.x; compat.v1 without it.")
]
Feeds = Annotated[
    Path | None, typer.Option(metavar="FILE.npz", help="Arrays by placeholder; drawn where there are none.")
]
TimeLimit = Annotated[float, typer.Option(metavar="SECONDS", help="What one run of the program may take.")]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="NAME=VALUE", help="Of build(), VALUE in JSON; may be repeated."),
]
Train = Annotated[
    str | None, typer.Option(metavar="NAME", help="Of a script: the op that trains, where it runs several.")
]
Fetches = Annotated[
    list[str] | None,
    typer.Option("--fetch", metavar="NAME", help="Of a script: what to compare in place of its fetches; repeatable."),
]
Call = Annotated[
    str | None, typer.Option(metavar="FUNCTION", help="Of a script: the function to call, in place of __main__.")
]


def inputs_of(options: list[str] | None) -> dict[str, Any]:
    """The keyword arguments that ``--input NAME=VALUE`` gives.

    Raises:
        InputError: an option has another form.
    """
    values = {}
    for option in options or []:
        name, equals, text = option.partition("=")
        try:
            if not (name.isidentifier() and equals):
                raise ValueError
            values[name] = json.loads(text)
        except ValueError:
            raise InputError(
                f"--input must be NAME=VALUE with VALUE in JSON, such as rate=0.1. Received: {option!r}"
            ) from None
    return values
