"""The code cells of a notebook as Python text, every line in its place.

IPython's own transformer and ``nbformat`` are not used: the first moves lines, joins continued ones and hides the body
of a ``%%time`` in a string; the second refuses notebooks that lack metadata which no scan needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tf_repro.core.errors import InputError

_OTHER_LANGUAGES = {
    "bash", "cmd", "file", "html", "javascript", "js", "latex", "markdown", "perl", "ruby", "script", "sh", "sql",
    "svg", "system", "writefile",
}  # fmt: skip
# %magic, !command, ?help; name = %magic or !command; and any expression with ? or ?? behind it.
_COMMAND = re.compile(r"^(\s*)(?:[%!?]|[A-Za-z_][\w, ]*=\s*[%!](?!=)|[^#'\"]*\?{1,2}\s*$)")


def is_notebook(content: bytes) -> bool:
    """Whether a stream without a name holds a notebook.

    Example:
        >>> is_notebook(b'{"cells": []}'), is_notebook(b'{"a": 1}'), is_notebook(b"{1: 2}")
        (True, False, False)
    """
    if not content.lstrip().startswith(b"{"):
        return False
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return isinstance(notebook, dict) and not {"cells", "worksheets"}.isdisjoint(notebook)


def cells(path: Path, content: bytes) -> Iterator[tuple[int, str]]:
    """The number of each code cell among all cells, from 1, and its text without IPython's commands.

    Raises:
        InputError: the content is no notebook.
    """
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
        listed = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
        sources = [
            (number, "".join(source) if isinstance(source, list) else source)
            for number, cell in enumerate(listed, 1)
            if cell["cell_type"] == "code" and isinstance(source := cell.get("source", cell.get("input")), list | str)
        ]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        kind = f"{type(error).__name__}: {error}"
        raise InputError(f"a notebook must be JSON with a list of cells. Received: {path} ({kind:.80})") from None
    for number, source in sources:
        yield number, without_commands(source)


def without_commands(source: str) -> str:
    r"""A cell with IPython's own lines, and cells in other languages, emptied.

    Example:
        >>> without_commands("%time\nx = 1\ntf.nn.relu(x)?\n    x[0]??")
        'pass\nx = 1\npass\n    pass'
    """
    first = next((line for line in source.splitlines() if line.strip()), "")
    magic = re.match(r"\s*%%(\w+)", first)
    if magic and magic[1].lower() in _OTHER_LANGUAGES:
        return "\n" * source.count("\n")
    lines, continued = [], False
    for line in source.split("\n"):
        command = None if continued else _COMMAND.match(line)
        lines.append(f"{command[1]}pass" if command else "" if continued else line)
        continued = bool(command or continued) and line.endswith("\\")
    return "\n".join(lines)
