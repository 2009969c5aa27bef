"""Programs and ports have the same steps, and every line of both is shown once."""

from pathlib import Path

import pytest

import legacy_tf1
from legacy_tf1.documents import DOCUMENTS
from tf_repro.report.align import STEPS, TOP, parts, side_by_side

ROOT = Path(legacy_tf1.__file__).parents[1]
PAIRED = sorted(name for name in DOCUMENTS if (ROOT / "legacy_tf1" / f"{name}.py").exists())

LEFT = '''"""A program."""

import numpy

X = 1


# Why f is here.
@decorated
def f(x):
    """Double ``x``.

    With care.

    Args:
        x: a number.
    """
    # inputs
    x = float(x)
    # forward
    return 2 * x


def only_left():
    return 3
'''


def source(room, document):
    return (ROOT / room / f"{document}.py").read_text(encoding="utf-8")


def test_every_document_with_a_program_is_paired():
    assert PAIRED == ["reverse_mode", "softmax_backprop", "softmax_cross_entropy"]


@pytest.mark.parametrize("document", PAIRED)
def test_program_and_port_have_every_step_in_the_same_order(document):
    for room in ("legacy_tf1", "tf_repro/ports"):
        steps = [part.step for part in parts(source(room, document)) if part.name == "build"]
        assert steps == ["", *STEPS], room


@pytest.mark.parametrize("document", PAIRED)
def test_matching_steps_share_a_row(document):
    rows = side_by_side(parts(source("legacy_tf1", document)), parts(source("tf_repro/ports", document)))
    matched = [left[0].title for left, right in rows if left and right and left[0].title == right[0].title]
    assert {TOP, "build", *(f"build: {step}" for step in STEPS)} <= set(matched)


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("room", ["tf_repro/ports", "tf_repro/suite/derivations"])
def test_no_line_of_code_is_lost_or_moved(room, document):
    text = source(room, document).splitlines()
    shown = [line for part in parts("\n".join(text)) for line in part.lines]
    assert [number for number, _ in shown] == sorted({number for number, _ in shown})
    assert all(text[number - 1] == line for number, line in shown)
    code = [
        line for line in text if line.lstrip().startswith(("def ", "class ", "return ", "for ", "with ", "import "))
    ]
    assert set(code) <= {line for _, line in shown}


def test_a_part_has_its_comment_decorator_and_prose_without_its_docstring():
    top, f, inputs, forward, only_left = parts(LEFT)
    assert (top.name, top.prose) == (TOP, ("A program.",))
    assert f.prose == ("Double ``x``.", "With care.")
    assert f.lines == ((8, "# Why f is here."), (9, "@decorated"), (10, "def f(x):"))
    assert (inputs.lines, forward.lines) == (((19, "    x = float(x)"),), ((21, "    return 2 * x"),))
    assert (only_left.name, only_left.step) == ("only_left", "")


def test_a_part_of_one_program_alone_has_a_row_of_its_own():
    right = LEFT.replace("only_left", "only_right").replace("    # forward\n", "")
    rows = [tuple([part.title for part in side] for side in row) for row in side_by_side(parts(LEFT), parts(right))]
    assert rows[2:] == [(["f: inputs"], ["f: inputs"]), (["f: forward", "only_left"], ["only_right"])]
