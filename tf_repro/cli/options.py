"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
