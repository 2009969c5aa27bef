"""Find the TensorFlow 1 symbols in programs, and say what becomes of each. Imports no TensorFlow, Keras or NumPy."""

from __future__ import annotations

import fnmatch
import functools
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tf_repro.core.errors import InputError
from tf_repro.migrate.scanner import source, symbols
from tf_repro.migrate.scanner.upgrade_tables import Upgrade, tables

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

IDIOMS = Path(__file__).with_name("idioms.toml")
NUMBERS = ("same", "change", "may change", "none", "unknown")
PYTHON2 = "Python 2"


@dataclass(frozen=True)
class Hit:
    """A TensorFlow 1 symbol in a program.

    Attributes:
        file: where it is.
        line: from 1, in the cell of a notebook.
        column: from 1.
        cell: the notebook's cell, from 1; None in a Python file.
        symbol: its TF1 name, whatever the program calls it.
        written: the program's own spelling; None in an import.
        upgrade: what ``tf_upgrade_v2`` would do.
        native: what to write in native TensorFlow 2.
        numbers: whether the numbers change: ``"same"``, ``"change"``, ``"may change"``, ``"none"`` (no arithmetic) or
            ``"unknown"``.
        why: why they do, where that is known.
        proof: what in this project shows it: tests, claims, recordings, examples.
    """

    file: str
    line: int
    column: int
    cell: int | None
    symbol: str
    written: str | None
    upgrade: Upgrade
    native: str
    numbers: str
    why: str = ""
    proof: tuple[str, ...] = ()


@dataclass(frozen=True)
class Idiom:
    """A row of ``idioms.toml``; one with ``keywords`` fits only calls that use one of them."""

    symbols: tuple[str, ...]
    native: str
    numbers: str
    why: str = ""
    proof: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


def scan(paths, on_error=None):
    """The hits in programs; see :func:`tf_repro.migrate.scan`."""
    calls = (functools.partial(_scan_file, file) for file in programs(paths, on_error))
    return [hit for found in _guarded(on_error, calls) for hit in found]


def programs(paths, on_error=None):
    """The files that a scan of ``paths`` reads, each once."""
    files = _guarded(on_error, (functools.partial(source.files, path) for path in paths))
    return list(dict.fromkeys(file for found in files for file in found))


def _guarded(on_error, calls):
    for call in calls:
        try:
            yield call()
        except InputError as error:
            if on_error is None:
                raise
            on_error(error)


def _scan_file(path):
    parts = source.parts(path)
    try:
        found = symbols.uses([part.module for part in parts])
    except RecursionError:
        raise InputError(f"a program's expressions must not nest too deep to follow. Received: {path}") from None
    versioned = any(
        use.symbol.startswith("tensorflow.compat.v1") and use.written is None for uses in found for use in uses
    ) and _imports_v1_as_tf(parts)
    hits = []
    for part, uses in zip(parts, found, strict=True):
        if part.python2 is not None:
            hits.append(_python2_hit(path, part))
        for use in uses:
            hits.extend(_hits(path, part, use, versioned))
    return sorted(hits, key=lambda hit: (hit.cell or 0, hit.line, hit.column))


def _imports_v1_as_tf(parts):
    """Whether ``import tensorflow.compat.v1 as tf`` stands in it, at which tf_upgrade_v2 leaves the file alone."""
    return any(re.search(r"(?m)^\s*import tensorflow\.compat\.v1 as tf\b", part.module.code) for part in parts)


def _python2_hit(path, part):
    upgrade = Upgrade("nothing", None, "nothing: it cannot parse the file")
    native = "Python 3 first; columns of converted lines are approximate"
    return Hit(str(path), part.python2, 1, part.cell, PYTHON2, None, upgrade, native, "may change",
               "/ of whole numbers and the order of dictionaries differ between the two")  # fmt: skip


def _hits(path, part, use, versioned):
    symbol, through = tf1_name(use.symbol)
    if symbol is None:
        return
    upgrade = tables().upgrade(symbol, use, versioned)
    symbol, idiom = _described(symbol, use)
    known = tables().knows(symbol) or tables().deprecated_module(symbol) is not None
    if not known and not through and _is_new(symbol):
        return
    if idiom is None and upgrade.action == "nothing" and not known and not _is_gone(symbol) and not through:
        return
    if use.written is None and idiom is None and not known:  # an import of what did not change
        return
    if idiom is None:
        idiom = _from_tables(symbol)
        if idiom is None:
            return
    yield Hit(str(path), use.line, use.column, part.cell, symbol, use.written, upgrade,
              idiom.native, idiom.numbers, idiom.why, idiom.proof)  # fmt: skip


def tf1_name(symbol):
    """``tf.name`` of a symbol that starts at the root, and whether it was reached through ``compat.v1``.

    Example:
        >>> tf1_name("tensorflow.compat.v1.placeholder")
        ('tf.placeholder', True)
        >>> tf1_name("tensorflow.compat.v2.function")
        (None, False)
    """
    names = symbol.split(".")[1:]
    through = names[:2] == ["compat", "v1"]
    if through:
        names = names[2:]
    if names[:1] == ["compat"] or not names:
        return None, False
    return ".".join(["tf", *names]), through


def _described(symbol, use):
    """The idiom of a symbol or, where there is none, of what it is a member of."""
    names = symbol.split(".")
    for length in range(len(names), 1, -1):
        prefix = ".".join(names[:length])
        for pattern, idiom in _idioms():
            fits = fnmatch.fnmatchcase(prefix, pattern)
            if fits and (not idiom.keywords or set(idiom.keywords) & set(use.keywords) or tables().renames.get(prefix)):
                return (symbol if length == len(names) or "*" in pattern else prefix), idiom
        if tables().knows(prefix):
            return prefix, None
    return symbol, None


def _is_gone(symbol):
    return tables().implementation(symbol, 2) is None


def _is_new(symbol):
    return tables().implementation(symbol, 1) is None and not _is_gone(symbol)


def _from_tables(symbol):
    """What TensorFlow's own tables and lists of names tell about a symbol without an idiom; None for nothing."""
    installed = tables()
    target = installed.renames.get(symbol)
    if target and not target.startswith("tf.compat.v1."):
        return Idiom((symbol,), target, *_compared(symbol, target))
    old, new = installed.implementation(symbol, 1), installed.implementation(symbol, 2)
    if old and old == new:
        return Idiom((symbol,), symbol, *_compared(symbol, symbol))
    if new is not None and not target:
        if old == "" or new == "":
            return None
        return Idiom((symbol,), symbol, "unknown", "TensorFlow 2 has another function of that name; see its arguments")
    gone = "TensorFlow 2 has it in compat.v1 only" if old is not None else "TensorFlow 2 does not have it"
    return Idiom((symbol,), "unknown", "unknown", gone)


def _compared(symbol, target):
    """Whether two public names are one function, as the two interfaces list them."""
    old, new = tables().implementation(symbol, 1), tables().implementation(target, 2)
    if old and old == new:
        return (
            "same",
            f"both names are {new}",
            ("tests/migrate/scanner/test_linter.py::test_one_function_under_both_names",),
        )
    return "unknown", "the two names are not one function", ()


@functools.cache
def _idioms():
    """(pattern, idiom), in the file's order."""
    return [(pattern, idiom) for idiom in load_idioms(IDIOMS) for pattern in idiom.symbols]


def load_idioms(path):
    """The idioms in a TOML file.

    Raises:
        InputError: a row breaks the table's form.
    """
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))["idiom"]
        idioms = [Idiom(**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}) for row in rows]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"idioms must be rows of symbols, native, numbers. Received: {path.name}: {error}") from None
    for idiom in idioms:
        if idiom.numbers not in NUMBERS or not idiom.symbols or not idiom.native:
            raise InputError(f"an idiom's numbers must be one of {', '.join(NUMBERS)}. Received: {idiom}")
    return idioms
