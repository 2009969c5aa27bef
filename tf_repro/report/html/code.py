"""Python and docstrings as HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from tf_repro.report.align import Line

_CODE = re.compile(r"(?::\w+:`~?([^`]+)`|``([^`]+)``)")


def python(lines: Sequence[Line]) -> Markup:
    """Numbered lines of Python, highlighted, one element each, so that a long one wraps below its own indentation.

    Example:
        >>> print(python([(7, "    w")]))
        <span class="line" data-line="7" style="--indent:4">    <span class="n">w</span>
        </span>
    """
    text = "\n".join(text for _, text in lines)
    marked = highlight(text, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)).split("\n")
    return Markup("").join(
        Markup('<span class="line" data-line="{}" style="--indent:{}">{}\n</span>').format(
            number, len(text) - len(text.lstrip()), Markup(html)
        )
        for (number, text), html in zip(lines, marked, strict=False)
    )


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
