"""The table of codes: what to write in native TensorFlow 2 for each symbol of TensorFlow 1."""

from __future__ import annotations

import fnmatch
import functools
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_repro.core.errors import InputError
from tf_repro.migrate.scanner.symbols import Use

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CODES = Path(__file__).with_name("codes")
NUMBERS = ("change", "may change", "unknown", "same", "none")
"""What becomes of the numbers, the gravest first."""
_CODE = re.compile(r"TF\d{3}")


@dataclass(frozen=True)
class Idiom:
    """A row of the table.

    Attributes:
        code: such as ``"TF313"``; the first digit is the group, one file for each.
        name: a word or two, for titles.
        symbols: shell patterns on TF1 names; empty where the scanner itself gives the code.
        native: what to write in native TensorFlow 2.
        numbers: one of :data:`NUMBERS`: ``"same"`` is bit for bit, ``"none"`` is no arithmetic.
        why: why the numbers change, or do not.
        proof: what in this project shows it: a test (``path::function``), a document's claims, a recording, an example
            or a page of the migration reference.
        keywords: the row fits only calls that use one of these keywords.
        arguments: or calls whose positional arguments, as :class:`~tf_repro.migrate.scanner.symbols.Use` sketches
            them, one of these expressions fits.
        shared: whether TensorFlow 2's own programs use the symbols that it has too; they count only in programs with
            some other symbol of TensorFlow 1.
        before: an example of TensorFlow 1.
        after: the same in TensorFlow 2.
    """

    code: str
    name: str
    symbols: tuple[str, ...]
    native: str
    numbers: str
    why: str = ""
    proof: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    shared: bool = False
    before: str = ""
    after: str = ""

    def fits(self, use: Use) -> bool:
        """Whether the row holds for a call with these arguments."""
        if not self.keywords and not self.arguments:
            return True
        given = " ".join(use.arguments)
        return bool(set(self.keywords) & set(use.keywords)) or any(re.fullmatch(a, given) for a in self.arguments)


def described(symbol: str, use: Use) -> Idiom | None:
    """The row for a symbol: that of its most specific pattern, one that asks for arguments before one that does not.

    Example:
        >>> described("tf.train.AdamOptimizer", Use(1, 1, "", None)).code
        'TF313'
        >>> described("tf.concat", Use(1, 1, "", None, arguments=("1", "[]"))).code
        'TF924'
    """
    for pattern, idiom in _by_specificity():
        if fnmatch.fnmatchcase(symbol, pattern) and idiom.fits(use):
            return idiom
    return None


def is_only_a_matter_of_arguments(symbol: str) -> bool:
    """Whether the table has the symbol for some ways to call it alone; the others are TensorFlow 2 as they stand.

    Example:
        >>> is_only_a_matter_of_arguments("tf.concat"), is_only_a_matter_of_arguments("tf.image.resize_bilinear")
        (True, False)
    """
    rows = [idiom for pattern, idiom in _by_specificity() if fnmatch.fnmatchcase(symbol, pattern)]
    return bool(rows) and all(row.keywords or row.arguments for row in rows)


def by_name(name: str) -> Idiom:
    """The row of that name."""
    return next(idiom for idiom in idioms() if idiom.name == name)


def selected(codes: Sequence[str]) -> frozenset[str]:
    """The codes that begin with one of ``codes``.

    Args:
        codes: codes or their beginnings, commas between them or not.

    Raises:
        InputError: no code begins so.

    Example:
        >>> sorted(selected(["TF40", "tf311"]))
        ['TF311', 'TF401', 'TF402', 'TF403', 'TF404']
    """
    found: set[str] = set()
    for prefix in (part.strip().upper() for each in codes for part in each.split(",")):
        fitting = {idiom.code for idiom in idioms() if prefix and idiom.code.startswith(prefix)}
        if not fitting:
            raise InputError(f"a code must be one of the table, or how some begin: TF313, TF3. Received: {prefix!r}")
        found |= fitting
    return frozenset(found)


@functools.cache
def idioms() -> tuple[Idiom, ...]:
    """The table, in the order of the codes."""
    return tuple(idiom for path in sorted(CODES.glob("*.toml")) for idiom in load(path))


@functools.cache
def _by_specificity() -> list[tuple[str, Idiom]]:
    pairs = [(pattern, idiom) for idiom in idioms() for pattern in idiom.symbols]
    return sorted(pairs, key=lambda pair: _specificity(*pair), reverse=True)


def _specificity(pattern: str, idiom: Idiom) -> tuple[bool, int, bool]:
    literal = pattern.replace("*", "")
    exact = literal == pattern or pattern.endswith("[*]")
    return exact, len(literal), bool(idiom.keywords or idiom.arguments)


def load(path: Path) -> list[Idiom]:
    """The rows in a TOML file.

    Raises:
        InputError: a row breaks the table's form.
    """
    try:
        rows: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["idiom"]
        found = [_row(row) for row in rows]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"idioms must be rows of code, name, native … Received: {path.name}: {error}") from None
    for idiom in found:
        if idiom.numbers not in NUMBERS:
            raise InputError(f"an idiom's numbers must be one of {', '.join(NUMBERS)}. Received: {idiom}")
        if not _CODE.fullmatch(idiom.code) or not idiom.native:
            raise InputError(f"an idiom must have a code such as TF101, and a native form. Received: {idiom}")
    return found


def _row(row: dict[str, Any]) -> Idiom:
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Idiom(**fields)
