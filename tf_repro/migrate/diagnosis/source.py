"""Lines of the two programs, and the places that causes point at."""

from __future__ import annotations

import linecache
from pathlib import Path

from tf_repro.migrate.bisection.trace import Node
from tf_repro.migrate.checker.outcome import Where


def text_of(file: str, line: int) -> str:
    """One line of a file, without its end."""
    linecache.checkcache(file)
    return linecache.getline(file, line).rstrip("\n")


def place_of(node: Node, instead: str | None, legacy_path: Path, legacy: Node | None) -> Where | None:
    """Where an operation of the port stands, and the line with ``instead`` in its place.

    Args:
        node: the port's operation.
        instead: what would stand there, or None.
        legacy_path: the TF1 program's file.
        legacy: TF1's operation that does the same, or None.
    """
    place = node.place
    if place is None:
        return None
    line, after = text_of(place.file, place.line), None
    if instead is not None and place.column is not None and place.end is not None:
        after = line[: place.column] + instead + line[place.end :]
    there = legacy.place if legacy is not None else None
    return Where(
        place.file,
        place.line,
        place.column,
        place.end,
        line,
        after,
        str(legacy_path),
        None if there is None else there.line,
        "" if there is None else text_of(there.file, there.line),
    )
