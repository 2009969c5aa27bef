"""What a golden bundle holds, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tf_repro.migrate.checker.outcome import counted, listed
from tf_repro.migrate.golden import Bundle


def show(console: Console, bundle: Bundle, path: Path) -> None:
    """A line for each thing that a check will ask of the bundle, and the command that asks it."""
    for line in [*_lines(bundle, path), f"next: tf-repro check {path} PORT.py"]:
        _print(console, line)


def show_start(console: Console, bundle: Bundle, paths: Sequence[Path]) -> None:
    """What was recorded, what was written, and what to do next.

    Args:
        console: where to print.
        bundle: the recorded program.
        paths: the port's, the test's and the bundle's file.
    """
    port, test, golden = paths
    for line in _lines(bundle, golden):
        _print(console, line)
    _print(console, f"wrote {port} and {test}")
    _print(console, f"next: fill in the TODOs of {port}, then tf-repro check {golden} {port}")


def _print(console: Console, line: str) -> None:
    console.print(escape(line), highlight=False, soft_wrap=True)


def _lines(bundle: Bundle, path: Path) -> list[str]:
    record = bundle.record
    trained = "slots" in record
    size = path.stat().st_size if path.is_file() else 0
    lines = [
        f"recorded {bundle.program} on TensorFlow {bundle.provenance['tensorflow']}: {path}, {_size(size)}",
        f"  variables  {_names(record['initial'])}",
        f"  feeds      {_names(record['feeds'])}",
        f"  fetches    {_names(record['before'])}",
        f"  training   {counted(bundle.steps, 'step')}" if trained else "  training   none: no train op was found",
    ]
    if bundle.unsteady:
        lines.append(f"  unsteady   {listed(list(bundle.unsteady))}: seed the draws, or they cannot be compared")
    if not bundle.noise:
        lines.append("  rounding   not measured: compat.v1 cannot run the program; the port's own will be taken")
    if not bundle.graphs:
        lines.append("  graph      not kept: fewer causes can be found")
    return lines


def _names(found: object) -> str:
    names = list(found)  # type: ignore[call-overload]
    return f"{len(names)}: {listed(names)}" if names else "none"


def _size(count: int) -> str:
    """A size in the unit that it is read in.

    Example:
        >>> _size(512), _size(20480), _size(3 * 2**20)
        ('512 bytes', '20 KiB', '3.0 MiB')
    """
    if count < 1024:
        return f"{count} bytes"
    return f"{count / 1024:.0f} KiB" if count < 2**20 else f"{count / 2**20:.1f} MiB"
