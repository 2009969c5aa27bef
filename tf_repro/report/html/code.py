"""Python and docstrings as HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from tf_repro.report.align import Line

_CODE = re.compile(r"(?::\w+:`~?([^`]+)`|``([^`]+)``)")


@dataclass(frozen=True)
class Mark:
    """A line to be marked, and the part of it that matters.

    Attributes:
        line: its number.
        start: where the part begins, from 0; None for the whole line.
        end: where it ends.
    """

    line: int
    start: int | None = None
    end: int | None = None


def python(lines: Sequence[Line], mark: Mark | None = None) -> Markup:
    """Numbered lines of Python, highlighted, one element each, so that a long one wraps below its own indentation.

    Args:
        lines: number and text of each.
        mark: which of them to mark.

    Example:
        >>> print(python([(7, "    w")]))
        <span class="line" data-line="7" style="--indent:4">    <span class="n">w</span>
        </span>
        >>> print(python([(7, "v(w)")], Mark(7, 2, 3)).splitlines()[0][-61:])
        <mark><span class="n">w</span></mark><span class="p">)</span>
    """
    marked = _highlighted("\n".join(text for _, text in lines)).split("\n")
    return Markup("").join(
        Markup('<span class="line{}" data-line="{}" style="--indent:{}">{}\n</span>').format(
            " marked" if mark is not None and number == mark.line else "",
            number,
            len(text) - len(text.lstrip()),
            _with_mark(text, mark) if mark is not None and number == mark.line else Markup(html),
        )
        for (number, text), html in zip(lines, marked, strict=False)
    )


def _with_mark(text: str, mark: Mark) -> Markup:
    """A line, its part in ``<mark>``."""
    if mark.start is None or mark.end is None:
        return Markup(_highlighted(text))
    pieces = (text[: mark.start], text[mark.start : mark.end], text[mark.end :])
    return Markup("{}<mark>{}</mark>{}").format(*(Markup(_highlighted(piece)) for piece in pieces))


def _highlighted(text: str) -> str:
    html: str = highlight(text, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return html.removesuffix("\n")


def prose(paragraph: str) -> Markup:
    """A docstring's paragraph, its formulas and references as code.

    Example:
        >>> print(prose("``y_i (δ_ik - y_k)`` <n × n>, see :func:`tf_repro.nn.softmax`."))
        <code>y_i (δ_ik - y_k)</code> &lt;n × n&gt;, see <code>tf_repro.nn.softmax</code>.
    """
    pieces, end = Markup(""), 0
    for match in _CODE.finditer(paragraph):
        pieces += escape(paragraph[end : match.start()]) + Markup("<code>{}</code>").format(match[1] or match[2])
        end = match.end()
    return pieces + escape(paragraph[end:])
