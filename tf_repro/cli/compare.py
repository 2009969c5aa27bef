"""The command ``tf-repro compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tf_repro.report.console import Terminal


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Records that `tf-repro run --record` saved.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Records from another machine or setting.")],
) -> int:
    """Show two machines' Records side by side.

    What the machines differ in comes first, then every quantity whose bits differ: where, by how many ULP, and whether
    an emulated kernel (four or eight lanes) gives one side's bits.

    Exit codes: 0, all bits are equal; 1, some are not; 2, a file cannot be read.

    Example: tf-repro compare mine.json colleague.json
    """
    from tf_repro.report import comparison
    from tf_repro.suite import saved

    apart = saved.compare(saved.load(first), saved.load(second))
    names = (first.name, second.name) if first.name != second.name else (str(first), str(second))
    comparison.show(Terminal(), apart, *names)
    return 1 if apart.differences else 0
