"""Output files: whole or not at all, and refused before any long work."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tf_repro.core.errors import InputError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write ``content``, all of it or nothing: under a temporary name beside ``path``, then moved there.

    A symbolic link stays one, and its target is written; a device or a pipe is written to as it is. What UTF-8 cannot
    hold, such as a byte of a file name that is no UTF-8, is written as an escape.

    Raises:
        InputError: the folder does not exist or cannot be written.
    """
    content = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    if is_stream(path):
        try:
            path.write_bytes(content)
        except OSError as error:
            raise InputError(f"the output must be writable. Received: {path} ({error.strerror})") from None
        return
    path = path.resolve()
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise InputError(
            f"an output file needs an existing, writable folder. Received: {path} ({error.strerror})"
        ) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        os.unlink(temporary)
        raise InputError(f"the output file must be writable. Received: {path} ({error.strerror})") from None
    except BaseException:
        os.unlink(temporary)
        raise


def is_stream(path: Path) -> bool:
    """Whether ``path`` is a device or a pipe, which must not be replaced by a file.

    Example:
        >>> is_stream(Path("/dev/null")), is_stream(Path("absent.json"))
        (True, False)
    """
    return path.exists() and not path.is_dir() and (not path.is_file() or path.is_relative_to("/dev"))


def check_output(option: str, path: Path) -> None:
    """Refuse, before any long work, a path that a file cannot be written to."""
    try:
        if path.is_dir() or not path.parent.is_dir():
            raise InputError(f"{option} must be a file in an existing folder. Received: {path}")
        if is_stream(path):
            return
        path = path.resolve()
        tempfile.NamedTemporaryFile(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent).close()
    except OSError as error:
        raise InputError(f"{option} must be a file that can be written. Received: {path} ({error.strerror})") from None


def check_outputs(outputs: Mapping[str, Path | None]) -> None:
    """:func:`check_output` of every option that was given; no two of them may be the same file. ``-`` needs no check.

    Raises:
        InputError: one cannot be written, or two name one file.
    """
    given = {option: path for option, path in outputs.items() if path is not None}
    for option, path in given.items():
        if path != Path("-"):
            check_output(option, path)
        for other, same in given.items():
            if other != option and same.resolve() == path.resolve() and not is_stream(path):
                raise InputError(f"{other} and {option} must be two files. Received: {path} for both")
