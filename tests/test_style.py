"""What no linter of ours counts: how long a file and a function may be."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("tf_repro", "legacy_tf1", "examples", "benchmarks", "docs", "tests")
FILES = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "_build" not in path.parts]
LONGEST_FILE, LONGEST_FUNCTION = 350, 50


def lines_of(function):
    """How many lines a function has, its docstring aside: what it does, not what is said of it."""
    docstring = function.body[0] if ast.get_docstring(function) else None
    documented = docstring.end_lineno - docstring.lineno + 1 if docstring else 0
    return function.end_lineno - function.lineno + 1 - documented


def too_long(text):
    """What is longer than allowed in a file."""
    functions = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    found = [f"{each.name}: {lines_of(each)} lines" for each in functions if lines_of(each) > LONGEST_FUNCTION]
    lines = text.count("\n")
    return [*found, f"the file: {lines} lines"] if lines > LONGEST_FILE else found


def test_no_file_and_no_function_is_too_long():
    assert len(FILES) > 100
    found = {str(path.relative_to(ROOT)): too_long(path.read_text(encoding="utf-8")) for path in FILES}
    assert not {path: each for path, each in found.items() if each}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f():\n" + "    x = 1\n" * 49, []),
        ("def f():\n" + "    x = 1\n" * 50, ["f: 51 lines"]),
        ('def f():\n    """Says.\n\n    Much.\n    """\n' + "    x = 1\n" * 49, []),
        ("x = 1\n" * 350, []),
        ("x = 1\n" * 351, ["the file: 351 lines"]),
    ],
)
def test_what_is_too_long_is_found(text, expected):
    assert too_long(text) == expected
