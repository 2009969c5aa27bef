"""Two programs side by side: their functions and steps, matched by name."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

STEPS = ("inputs", "variables", "forward", "update")
"""What a comment alone on its line may say to open a step of a function, in the programs and in their ports."""

TOP = "imports and constants"

_MARKER = re.compile(rf"\s*# ({'|'.join(STEPS)})\s*")
_SECTION = re.compile(r"^(Args|Returns|Raises|Example|References|Attributes):", re.MULTILINE)

Line = tuple[int, str]


@dataclass(frozen=True)
class Part:
    """A stretch of a program.

    Attributes:
        name: the function, class or constant that it defines, or :data:`TOP`.
        step: one of :data:`STEPS`, or nothing.
        prose: the docstring's paragraphs that describe it, without those on arguments, results and examples.
        lines: number in the file and text, without docstrings.
    """

    name: str
    step: str
    prose: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        """The definition's name, and the step's."""
        return f"{self.name}: {self.step}" if self.step else self.name


def parts(source: str) -> list[Part]:
    r"""A program's top-level definitions in their order; a function with marked steps is one part per step.

    Args:
        source: the text of a Python program.

    Example:
        >>> [part.title for part in parts("import numpy\ndef run():\n    # inputs\n    x = 1")]
        ['imports and constants', 'run', 'run: inputs']
    """
    tree = ast.parse(source)
    lines = list(enumerate(source.splitlines(), 1))
    shown = [line for line in lines if line[0] not in _docstring_lines(tree)]
    starts = _starts(tree, dict(lines))
    ends = [number for number, *_ in starts[1:]] + [len(lines) + 1]
    found: list[Part] = []
    for (start, name, prose), end in zip(starts, ends, strict=True):
        found += _steps(name, prose, [line for line in shown if start <= line[0] < end])
    return found


def side_by_side(left: Sequence[Part], right: Sequence[Part]) -> list[tuple[list[Part], list[Part]]]:
    r"""Rows of two columns: a row per part that both have, and between those what only one of them has.

    Example:
        >>> left, right = parts("def a(): 1\ndef b(): 2\ndef c(): 3"), parts("def a(): 1\ndef B(): 2\ndef c(): 3")
        >>> [[[part.name for part in column] for column in row] for row in side_by_side(left, right)]
        [[['a'], ['a']], [['b'], ['B']], [['c'], ['c']]]
    """
    titles = [part.title for part in left], [part.title for part in right]
    rows: list[tuple[list[Part], list[Part]]] = []
    for kind, i, i_end, j, j_end in SequenceMatcher(None, *titles, autojunk=False).get_opcodes():
        if kind == "equal":
            rows += [([a], [b]) for a, b in zip(left[i:i_end], right[j:j_end], strict=True)]
        else:
            rows.append((list(left[i:i_end]), list(right[j:j_end])))
    return rows


def _starts(tree: ast.Module, lines: dict[int, str]) -> list[tuple[int, str, tuple[str, ...]]]:
    """First line, name and prose of each part; constants that follow each other share one."""
    starts = [(1, TOP, _prose(tree))]
    in_definition = False
    for node in tree.body[1 if ast.get_docstring(tree) else 0 :]:
        is_definition = isinstance(node, (ast.FunctionDef, ast.ClassDef))
        if is_definition or in_definition:
            decorators = [each.lineno for each in getattr(node, "decorator_list", [])]
            start = min([node.lineno, *decorators])
            while lines.get(start - 1, "").startswith("#"):
                start -= 1
            starts.append((start, _name(node), _prose(node) if is_definition else ()))
        in_definition = is_definition
    return starts


def _name(node: ast.stmt) -> str:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return node.name
    targets = node.targets if isinstance(node, ast.Assign) else [node]
    return ast.unparse(targets[0]).splitlines()[0]


def _steps(name: str, prose: tuple[str, ...], lines: Sequence[Line]) -> Iterator[Part]:
    """The part, cut at the comments that open a step; those comments become the titles."""
    step = ""
    held: list[Line] = []
    for line in lines:
        marker = _MARKER.fullmatch(line[1])
        if marker:
            yield from _part(name, step, prose, held)
            step, held, prose = marker[1], [], ()
        else:
            held.append(line)
    yield from _part(name, step, prose, held)


def _part(name: str, step: str, prose: tuple[str, ...], lines: list[Line]) -> Iterator[Part]:
    while lines and not lines[0][1].strip():
        lines = lines[1:]
    while lines and not lines[-1][1].strip():
        lines = lines[:-1]
    if lines:
        yield Part(name, step, prose, tuple(lines))


def _prose(node: ast.AST) -> tuple[str, ...]:
    text = ast.get_docstring(node) or ""  # type: ignore[arg-type]
    described = _SECTION.split(inspect.cleandoc(text), maxsplit=1)[0].strip()
    return tuple(" ".join(paragraph.split()) for paragraph in described.split("\n\n") if paragraph)


def _docstring_lines(tree: ast.Module) -> set[int]:
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node):
            text = node.body[0]
            found.update(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return found
