"""Modules that a program imports from its own folder: each program gets its own, whatever another left behind."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from absl import app, flags

_folders: dict[str, str] = {}
"""The modules that ports imported, by name: the folder they came from."""


@contextlib.contextmanager
def imports_beside(path: Path) -> Iterator[None]:
    """While it lasts, a port imports from its folder; what a port of another folder imported is forgotten."""
    folder = str(path.resolve().parent)
    for name in [name for name, home in _folders.items() if home != folder]:
        del _folders[name]
        sys.modules.pop(name, None)
    before = set(sys.modules)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        _folders.update({name: folder for name in set(sys.modules) - before if is_beside(sys.modules[name], folder)})


@contextlib.contextmanager
def flags_of_its_own() -> Iterator[None]:
    """While it lasts, the program may define flags, with absl or tf.app.flags; afterwards it may define them anew."""
    app.define_help_flags()  # once in a process: tf.app.run() must find them again
    before, were_parsed = set(flags.FLAGS), flags.FLAGS.is_parsed()
    flags.FLAGS.mark_as_parsed()  # a program that is not run by app.run() has its flags' defaults
    try:
        yield
    finally:
        for name in set(flags.FLAGS) - before:
            delattr(flags.FLAGS, name)
        if not were_parsed:
            flags.FLAGS.unparse_flags()


@contextlib.contextmanager
def ports_modules_hidden() -> Iterator[None]:
    """While it lasts, no module that a port imported is there: the TF1 program must not get one on TensorFlow 2."""
    hidden = {name: sys.modules.pop(name) for name in list(_folders) if name in sys.modules}
    try:
        yield
    finally:
        sys.modules.update(hidden)


def is_beside(module: Any, folder: Path | str) -> bool:
    """Whether a module's file lies in the folder, and not in an environment there."""
    file = Path(getattr(module, "__file__", None) or "/")
    return file.is_relative_to(folder) and "site-packages" not in file.parts
