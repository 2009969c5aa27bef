"""Python 2's own statements and literals in Python 3's form, so that one parser reads both.

Columns and lines must survive, which is why this is no 2to3: that moves both, and what it cannot convert fails whole.
"""

from __future__ import annotations

import re

_STRING_OR_COMMENT = re.compile(
    r"(?P<kept>[rRbBfFuU]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')|\#[^\n]*)",
    re.DOTALL,
)
_MARK = "\ue000"  # stands, in the text that the rewriting sees, for each character of a string or a comment
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


def python3(text: str) -> tuple[str, int | None]:
    r"""Python 2's own statements and literals in Python 3's form, line by line.

    Returns:
        The text, with the same number of lines, and the first line that changed; None where none did.

    Example:
        >>> python3('x = 1\nprint "loss", x')
        ('x = 1\nprint("loss", x)', 2)
    """
    kept: list[str] = []

    def hide(match: re.Match[str]) -> str:
        kept.append(re.sub(r"^[uU]([rR])", r" \1", match[0]))  # ur"…" is Python 2's own
        return "\n".join(_MARK * len(line) for line in match[0].split("\n"))

    hidden = _STRING_OR_COMMENT.sub(hide, text)
    hidden = _print_calls(hidden)
    for pattern, replacement in _CONVERSIONS:
        hidden = pattern.sub(replacement, hidden)
    hidden = _comments_outside(hidden, kept)
    lines = zip(text.split("\n"), hidden.split("\n"), strict=True)
    return hidden, next((number for number, (old, new) in enumerate(lines, 1) if old != new), None)


def _print_calls(hidden: str) -> str:
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


def _is_call(rest: str) -> bool:
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


def _statement_end(text: str, place: int) -> int:
    """Where the statement that goes on at ``place`` ends: a line's end or a semicolon outside all brackets."""
    depth = 0
    while place < len(text):
        character = text[place]
        depth += (character in "([{") - (character in ")]}")
        if depth <= 0 and (character == ";" or (character == "\n" and text[place - 1] != "\\")):
            break
        place += 1
    return place


def _comments_outside(hidden: str, kept: list[str]) -> str:
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
