"""The terminal: a reader that goes away and an encoding that lacks characters are no errors."""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata

from rich.console import Console

ASCII = {
    "…": "...",
    "→": "->",
    "−": "-",
    "–": "-",
    "·": "*",
    "×": "x",
    "²": "^2",
    "³": "^3",
    "≈": "~",
    "∂": "d",
    "’": "'",
}
READER_GONE = 141
"""The exit code of a tool that writes on when its reader has gone (128 + SIGPIPE)."""


class Terminal(Console):
    """Standard output; colours, width and borders follow the terminal as rich finds it."""

    def on_broken_pipe(self) -> None:
        """End as other tools do; rich would end with code 1, which here says that something is not as declared."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(READER_GONE)


def transliterate_output() -> None:
    """From now on, what the terminal's encoding lacks is printed in ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def transliterate(text: str) -> str:
    """``text`` in ASCII; a library for all of Unicode would be loaded by every command, for a page of characters.

    Example:
        >>> transliterate("∂SM_i/∂x₁ = Σ δ → −1…")
        'dSM_i/dx1 = sigma delta -> -1...'
    """
    return "".join(map(_in_ascii, text))


def _in_ascii(character: str) -> str:
    if character.isascii():
        return character
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    if plain or character in ASCII:
        return ASCII.get(character, plain)
    name = unicodedata.name(character, "?")
    if name.startswith("GREEK "):
        return name.rpartition(" ")[2].lower()
    return "??" if unicodedata.east_asian_width(character) in "FW" else "?"  # as wide as the character


def _on_error(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return transliterate(error.object[error.start : error.end]), error.end


_HANDLER = "tf_repro.transliterate"
codecs.register_error(_HANDLER, _on_error)
