"""Programs as text: files and folders, encodings, Python 2 and 3, read into syntax trees without running them."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst

from tf_repro.core.errors import InputError
from tf_repro.migrate.scanner import notebooks
from tf_repro.migrate.scanner.python2 import python3

DEEPEST = 150  # levels of a syntax tree: libcst takes several frames for each, and Python stops at 1000
STANDARD_INPUT = "-"
SUFFIXES = (".py", ".ipynb")
_MENTIONS = re.compile(r"\b(?:tensorflow|tf)\b")
_SKIPPED_FOLDERS = {"__pycache__", "node_modules", "site-packages"}


@dataclass(frozen=True)
class Part:
    """A syntax tree: a file, or one cell of a notebook.

    Attributes:
        module: the tree.
        cell: the cell's place among the notebook's cells, from 1; None for a file.
        python2: the first line that only Python 2 can read, or None.
    """

    module: cst.Module
    cell: int | None = None
    python2: int | None = None


def files(path: str | Path) -> list[Path]:
    """The programs at ``path``: itself, or those in a folder and its folders, hidden ones left out.

    Args:
        path: a file, a pipe, a folder, or ``-`` for standard input.

    Raises:
        InputError: nothing is there, or a folder holds no program.
    """
    if not str(path):
        raise InputError("what to scan must be a file or a folder. Received: '', an empty name")
    if str(path) == STANDARD_INPUT:
        return [Path("/dev/stdin")]
    path = Path(path)
    if path.exists() and not path.is_dir():
        return [path]
    if not path.is_dir():
        raise InputError(f"what to scan must be a file or a folder. Received: {path}, which does not exist")
    found = [
        file
        for file in sorted(path.rglob("*"))
        if file.suffix in SUFFIXES
        and file.is_file()
        and not any(p.startswith(".") or p in _SKIPPED_FOLDERS for p in file.relative_to(path).parts)
    ]
    if not found:
        raise InputError(f"a folder to scan must hold .py or .ipynb files. Received: {path} without one")
    return found


def parts(path: Path, on_error: Callable[[InputError], None]) -> list[Part]:
    """The syntax trees in a program.

    Args:
        path: a Python file of version 2 or 3, or a notebook.
        on_error: takes the error of a notebook's cell that cannot be parsed; the others are read all the same.

    Raises:
        InputError: the file cannot be read, decoded or parsed; the message names file and line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"a program must be readable. Received: {path} ({error.strerror})") from None
    if path.suffix == ".ipynb" or (path.suffix != ".py" and notebooks.is_notebook(content)):
        return list(_parsed_cells(path, content, on_error))
    module, python2 = _parse(_decoded(path, content), str(path), skippable=True)
    return [Part(module, python2=python2)]


def _parsed_cells(path: Path, content: bytes, on_error: Callable[[InputError], None]) -> Iterator[Part]:
    for number, text in notebooks.cells(path, content):
        try:
            module, python2 = _parse(text, f"{path}, cell {number}")
        except InputError as error:
            on_error(error)
        else:
            yield Part(module, number, python2)


def _decoded(path: Path, content: bytes) -> str:
    """The text, with universal newlines; by its coding line, UTF-8 without one."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        start = _first_undecodable(content)
        where = str(path) if start is None else f"{path}, line {len(content[: start + 1].splitlines())}"
        raise InputError(
            f"a program must be UTF-8, or say its encoding in a coding line. Received: {where}: {error}"
        ) from None
    if "\0" in text:
        raise InputError(f"a program must be text. Received: {path} with a null byte")
    return re.sub(r"\r\n?", "\n", text)


def _first_undecodable(content: bytes) -> int | None:
    """The first byte that is no UTF-8, or None."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return None


def _parse(text: str, origin: str, skippable: bool = False) -> tuple[cst.Module, int | None]:
    """The tree of ``text``, empty where it may be and TensorFlow is not named, and the first line of Python 2."""
    try:
        return _tree(text, origin, skippable), None
    except SyntaxError as error:
        converted, first = python3(text)
        if first is None:
            raise _syntax_error(origin, error.lineno or 1, error.msg, text) from None
        try:
            return _tree(converted, origin, skippable), first
        except SyntaxError as other:
            line = other.lineno or 1
            said = "Python 2, and beyond what is converted" if line >= first else other.msg
            raise _syntax_error(origin, line, said, text) from None


def _tree(text: str, origin: str, skippable: bool) -> cst.Module:
    """The tree; Python's own parser goes first: it names the line best, and refuses deep nesting without a crash."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    line: int | None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in the user's strings, for instance
            line = _deepest(compile(text, origin, "exec", flags))
    except (RecursionError, MemoryError):
        line = 0
    if line is not None:
        where = f"{origin}, line {line}" if line else f"{origin}, which no parser can follow"
        raise InputError(f"a program must not nest more than {DEEPEST} deep. Received: {where}")
    if skippable and not _MENTIONS.search(text):
        return cst.Module([])
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        raise SyntaxError(error.message, (origin, error.raw_line, error.raw_column, None)) from None


def _deepest(tree: ast.AST) -> int | None:
    """The line at which a tree becomes too deep to be followed, or None."""
    level, depth = [tree], 0
    while level and depth <= DEEPEST:
        level, depth = [child for node in level for child in ast.iter_child_nodes(node)], depth + 1
    return next((getattr(node, "lineno", 1) for node in level), None)


def _syntax_error(origin: str, line: int, said: str, text: str) -> InputError:
    lines = text.split("\n")
    shown = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return InputError(f"a program must be valid Python. Received: {origin}, line {line}: {said}: {shown:.60}")
