"""Programs as text: Python files, notebooks and Python 2, read into syntax trees without running them."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
import warnings
from dataclasses import dataclass
from pathlib import Path

import libcst as cst

from tf_repro.core.errors import InputError

DEEPEST = 150
_MENTIONS = re.compile(r"\b(?:tensorflow|tf)\b")
SUFFIXES = (".py", ".ipynb")
_SKIPPED_FOLDERS = {"__pycache__", "node_modules", "site-packages"}
_OTHER_LANGUAGES = {
    "bash", "cmd", "file", "html", "javascript", "js", "latex", "markdown", "perl", "ruby", "script", "sh", "sql",
    "svg", "system", "writefile",
}  # fmt: skip
_COMMAND = re.compile(r"^(\s*)(?:[%!?]|[A-Za-z_][\w, ]*=\s*[%!](?!=)|[\w.]+\?{1,2}\s*$)")

_STRING_OR_COMMENT = re.compile(
    r"(?P<kept>[rRbBfFuU]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')|\#[^\n]*)",
    re.DOTALL,
)
_MARK = "\ue000"  # stands, in the text that the rewriting sees, for each character of a string or a comment


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


def files(path):
    """The programs at ``path``: itself, or those in a folder and its folders, hidden ones left out.

    Raises:
        InputError: nothing is there, or a folder holds no program.
    """
    path = Path(path)
    if path.is_file():
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


def parts(path):
    """The syntax trees in a program.

    Args:
        path: a Python file of version 2 or 3, or a notebook.

    Raises:
        InputError: the file cannot be read, decoded or parsed; the message names file and line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"a program must be readable. Received: {path} ({error.strerror})") from None
    if path.suffix == ".ipynb":
        return list(_cells(path, content))
    module, python2 = _parse(_decoded(path, content), str(path), skippable=True)
    return [Part(module, python2=python2)]


def _decoded(path, content):
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


def _first_undecodable(content):
    """The first byte that is no UTF-8, or None."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return None


def _cells(path, content):
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
        cells = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
        sources = [
            (number, "".join(source) if isinstance(source, list) else source)
            for number, cell in enumerate(cells, 1)
            if cell["cell_type"] == "code" and isinstance(source := cell.get("source", cell.get("input")), list | str)
        ]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        kind = f"{type(error).__name__}: {error}"
        raise InputError(f"a notebook must be JSON with a list of cells. Received: {path} ({kind:.80})") from None
    for number, source in sources:
        module, python2 = _parse(_without_commands(source), f"{path}, cell {number}")
        yield Part(module, number, python2)


def _without_commands(source):
    """A cell with IPython's own lines, and cells in other languages, emptied; every line keeps its place."""
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


def _parse(text, origin, skippable=False):
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


def _tree(text, origin, skippable):
    """The tree; Python's own parser goes first, as it names the line best and withstands what is nested too deep."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
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


def _deepest(tree):
    """The line at which a tree becomes too deep to be followed, or None."""
    level, depth = [tree], 0
    while level and depth <= DEEPEST:
        level, depth = [child for node in level for child in ast.iter_child_nodes(node)], depth + 1
    return next((getattr(node, "lineno", 1) for node in level), None)


def _syntax_error(origin, line, said, text):
    lines = text.split("\n")
    shown = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return InputError(f"a program must be valid Python. Received: {origin}, line {line}: {said}: {shown:.60}")


_PRINT = re.compile(r"(?m)(?:^[ \t]*|[:;][ \t]*)print(?=[ \t\ue000]|>>)(?![ \t]*[=.,)\n])")
_CONVERSIONS = [
    (re.compile(r"(?m)(?P<lead>^[ \t]*|[:;][ \t]*)exec[ \t](?P<rest>[^\n;=(]*)$"), r"\g<lead>exec(\g<rest>)"),
    (re.compile(r"(?m)^(?P<lead>[ \t]*except[ \t]*(?:[^\n:,(]+|\([^\n:)]*\)))[ \t]*,[ \t]*(?P<name>\w+)[ \t]*:"),
     r"\g<lead> as \g<name>:"),
    (re.compile(r"(?m)^(?P<lead>[ \t]*raise[ \t]+[\w.]+)[ \t]*,[ \t]*(?P<rest>[^\n]+)$"), r"\g<lead>(\g<rest>)"),
    (re.compile(r"\blambda[ \t]*\((?P<names>[\w \t,]+)\)(?=[ \t]*:)"), r"lambda \g<names> "),
    (re.compile(r"<>"), "!="),
    (re.compile(r"`(?P<rest>[^`\n]+)`"), r"(\g<rest>)"),
    (re.compile(r"(?<![\w.])(?P<number>0[xX][\da-fA-F]+|\d+)[lL]\b"), r"\g<number>"),
    (re.compile(r"(?<![\w.])0(?P<number>[0-7]+)\b(?![.\w])"), r"0o\g<number>"),
]  # fmt: skip


def python3(text):
    """Python 2's own statements and literals in Python 3's form, line by line.

    Returns:
        The text, with the same number of lines, and the first line that changed; None where none did.

    Example:
        >>> python3('x = 1\\nprint "loss", x')
        ('x = 1\\nprint("loss", x)', 2)
    """
    kept = []

    def hide(match):
        kept.append(re.sub(r"^[uU]([rR])", r" \1", match[0]))  # ur"…" is Python 2's own
        return "\n".join(_MARK * len(line) for line in match[0].split("\n"))

    hidden = _STRING_OR_COMMENT.sub(hide, text)
    hidden = _print_calls(hidden)
    for pattern, replacement in _CONVERSIONS:
        hidden = pattern.sub(replacement, hidden)
    hidden = _comments_outside(hidden, kept)
    lines = zip(text.split("\n"), hidden.split("\n"), strict=True)
    return hidden, next((number for number, (old, new) in enumerate(lines, 1) if old != new), None)


def _print_calls(hidden):
    """Print statements as calls; the blank becomes the parenthesis, so that what follows keeps its column."""
    pieces, place = [], 0
    for match in _PRINT.finditer(hidden):
        if match.start() < place:
            continue
        end = _statement_end(hidden, match.end())
        rest = hidden[match.end() : end]
        if not rest.strip() or _is_call(rest):
            continue
        stream = re.match(r"[ \t]*>>", rest)
        rest = rest[len(stream[0]) :] if stream else rest.removeprefix(" ")
        pieces += [hidden[place : match.end()], "(", rest, ")"]
        place = end
    return "".join(pieces) + hidden[place:]


def _is_call(rest):
    """Whether one pair of parentheses is all that follows, but for a comment: both versions read that alike."""
    rest = rest.strip()
    if not rest.startswith("("):
        return False
    depth = 0
    for place, character in enumerate(rest):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            return not rest[place + 1 :].strip(f" \t{_MARK}")
    return True


def _statement_end(text, place):
    """Where the statement that goes on at ``place`` ends: a line's end or a semicolon outside all brackets."""
    depth = 0
    while place < len(text):
        character = text[place]
        depth += (character in "([{") - (character in ")]}")
        if depth <= 0 and (character == ";" or (character == "\n" and text[place - 1] != "\\")):
            break
        place += 1
    return place


def _comments_outside(hidden, kept):
    """Put strings and comments back; a comment that a closing parenthesis follows goes behind it."""
    pieces, place = [], 0
    for original in kept:
        masked = "\n".join(_MARK * len(line) for line in original.split("\n"))
        start = hidden.index(masked, place) if masked.strip("\n") else place
        end = start + len(masked)
        pieces.append(hidden[place:start])
        if original.startswith("#") and hidden[end : end + 1] == ")":
            pieces.append(")")
            end += 1
        pieces.append(original)
        place = end
    return "".join(pieces) + hidden[place:]
