"""Find the TensorFlow 1 symbols in programs, and say what becomes of each. Imports no TensorFlow, Keras or NumPy."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from tf_repro.core.errors import InputError
from tf_repro.migrate.scanner import source, symbols
from tf_repro.migrate.scanner.idioms import Idiom, by_name, described, is_only_a_matter_of_arguments
from tf_repro.migrate.scanner.upgrade_tables import Upgrade, tables

_V1_AS_TF = re.compile(r"(?m)^\s*import tensorflow\.compat\.v1 as tf\b")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Hit:
    """A TensorFlow 1 symbol in a program.

    Attributes:
        file: where it is.
        line: from 1, in the cell of a notebook.
        column: from 1.
        cell: the notebook's cell, from 1; None in a Python file.
        code: the row of the table of codes, such as ``"TF313"``.
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
    code: str
    symbol: str
    written: str | None
    upgrade: Upgrade
    native: str
    numbers: str
    why: str = ""
    proof: tuple[str, ...] = ()


def scan(
    paths: Iterable[str | Path],
    on_error: Callable[[InputError], None] | None = None,
    on_file: Callable[[Path], None] | None = None,
) -> list[Hit]:
    """The hits in programs; see :func:`tf_repro.migrate.scan`.

    Args:
        paths: files or folders.
        on_error: takes the error of what cannot be read, after which the scan goes on; None to raise it.
        on_file: is told of each file before it is read.
    """
    report = on_error or _raise
    hits: list[Hit] = []
    for file in programs(paths, on_error):
        if on_file is not None:
            on_file(file)
        hits += _guarded(functools.partial(_scan_file, file, report), report) or []
    return hits


def programs(paths: Iterable[str | Path], on_error: Callable[[InputError], None] | None = None) -> list[Path]:
    """The files that a scan of ``paths`` reads, each once."""
    report = on_error or _raise
    found = [_guarded(functools.partial(source.files, path), report) or [] for path in paths]
    return list(dict.fromkeys(file for files in found for file in files))


def _raise(error: InputError) -> None:
    raise error


def _guarded(call: Callable[[], _T], report: Callable[[InputError], None]) -> _T | None:
    try:
        return call()
    except InputError as error:
        report(error)
        return None


def _scan_file(path: Path, on_error: Callable[[InputError], None]) -> list[Hit]:
    parts = source.parts(path, on_error)
    try:
        found = symbols.uses([part.module for part in parts])
    except RecursionError:
        raise InputError(f"a program's expressions must not nest too deep to follow. Received: {path}") from None
    # At ``import tensorflow.compat.v1 as tf``, tf_upgrade_v2 leaves a file alone.
    imported = any(use.symbol.startswith("tensorflow.compat.v1") for uses in found for use in uses)
    versioned = imported and any(_V1_AS_TF.search(part.module.code) for part in parts)
    hits: list[Hit] = []
    shared: list[Hit] = []
    for part, uses in zip(parts, found, strict=True):
        if part.python2 is not None:
            hits.append(_python2_hit(path, part))
        for use in uses:
            for hit, is_shared in _hits(path, part, use, versioned):
                (shared if is_shared else hits).append(hit)
    # A program with no symbol that TensorFlow 1 alone has is one of TensorFlow 2, whose names are meant as they stand.
    return sorted([*hits, *(shared if hits else [])], key=lambda hit: (hit.cell or 0, hit.line, hit.column))


def _python2_hit(path: Path, part: source.Part) -> Hit:
    upgrade = Upgrade("nothing", None, "nothing: it cannot parse the file")
    use = symbols.Use(part.python2 or 1, 1, "Python 2", None)
    return _hit(path, part, use, use.symbol, upgrade, by_name("python-2"))


def _hit(path: Path, part: source.Part, use: symbols.Use, symbol: str, upgrade: Upgrade, idiom: Idiom) -> Hit:
    return Hit(str(path), use.line, use.column, part.cell, idiom.code, symbol, use.written, upgrade,
               idiom.native, idiom.numbers, idiom.why, idiom.proof)  # fmt: skip


def _hits(path: Path, part: source.Part, use: symbols.Use, versioned: bool) -> Iterator[tuple[Hit, bool]]:
    """The hit of a use, if it is one, and whether the name is TensorFlow 2's as well."""
    symbol, through = tf1_name(use.symbol)
    if symbol is None:
        return
    upgrade = tables().upgrade(symbol, use, versioned)
    symbol, idiom = _described(symbol, use)
    if idiom is None:
        known = tables().knows(symbol) or tables().deprecated_module(symbol) is not None
        if _is_native(symbol, known, through) or (use.written is None and not known):
            return
        idiom = _from_tables(symbol)
    elif not through and _is_new(symbol) and not tables().knows(symbol):
        return
    if idiom is not None:
        yield _hit(path, part, use, symbol, upgrade, idiom), idiom.shared and not through and not _is_gone(symbol)


def tf1_name(symbol: str) -> tuple[str | None, bool]:
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


def _described(symbol: str, use: symbols.Use) -> tuple[str, Idiom | None]:
    """The idiom of a symbol or, where there is none, of what it is a member of."""
    names = symbol.split(".")
    for length in range(len(names), 1, -1):
        prefix = ".".join(names[:length])
        idiom = described(prefix, use)
        if idiom is not None:
            return (prefix if prefix in idiom.symbols else symbol), idiom
        if tables().knows(prefix):
            return prefix, None
    return symbol, None


def _is_native(symbol: str, known: bool, through: bool) -> bool:
    """Whether TensorFlow 2 or Keras 3 has a symbol without an idiom, and no table names it."""
    if symbol.startswith("tf.keras."):
        return not _is_gone(symbol)
    if is_only_a_matter_of_arguments(symbol) and symbol not in tables().renames:
        return True
    return not through and not known and not _is_gone(symbol)


def _is_gone(symbol: str) -> bool:
    return tables().implementation(symbol, 2) is None


def _is_new(symbol: str) -> bool:
    return tables().implementation(symbol, 1) is None and not _is_gone(symbol)


def _from_tables(symbol: str) -> Idiom | None:
    """What TensorFlow's own tables and lists of names tell about a symbol without an idiom; None for nothing."""
    installed = tables()
    target = installed.renames.get(symbol)
    if target and not target.startswith("tf.compat.v1."):
        return compared(symbol, target)
    old, new = installed.implementation(symbol, 1), installed.implementation(symbol, 2)
    if old and old == new:
        return compared(symbol, symbol)
    if new is not None and not target:
        return None if old == "" or new == "" else replace(by_name("other-function"), native=symbol)
    where = "TensorFlow 2 has it in compat.v1 only" if old is not None else "TensorFlow 2 does not have it"
    return replace(by_name("gone"), why=where)


def compared(symbol: str, target: str) -> Idiom:
    """The row for a new name: whether it is one function with the old, as the two interfaces list them."""
    old, new = tables().implementation(symbol, 1), tables().implementation(target, 2)
    if old and old == new:
        return replace(by_name("renamed"), native=target, why=f"both names are {new}")
    return replace(by_name("other-function"), native=target)
