"""Record, the one data type of the suite: what a run printed, by moment and quantity."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_repro.errors import InputError

Array = np.ndarray[Any, Any]


class Record(Mapping[str, Mapping[str, Array]]):
    """What one run computed: ``moment → quantity → array``.

    Args:
        moments: for each moment (``"before"``, ``"after"``, …) the quantities by name; values become NumPy arrays.
        provenance: where the values come from (TensorFlow's version, the CPU, …).

    Example:
        >>> record = Record({"after": {"w": np.float32([-0.16, 0.32])}}, {"tensorflow": "1.4.1"})
        >>> record["after"]["w"].dtype
        dtype('float32')
        >>> Record.from_json(record.to_json()) == record
        True
    """

    def __init__(self, moments: Mapping[str, Mapping[str, Any]], provenance: Mapping[str, str] | None = None) -> None:
        self._moments = {
            moment: {quantity: np.asarray(value) for quantity, value in quantities.items()}
            for moment, quantities in moments.items()
        }
        self.provenance = dict(provenance or {})

    def __getitem__(self, moment: str) -> Mapping[str, Array]:
        return self._moments[moment]

    def __iter__(self) -> Iterator[str]:
        return iter(self._moments)

    def __len__(self) -> int:
        return len(self._moments)

    def __eq__(self, other: object) -> bool:
        """Equal moments, quantities, dtypes and bits; provenance does not count."""
        return isinstance(other, Record) and _encode_moments(self) == _encode_moments(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        content = {moment: sorted(quantities) for moment, quantities in self.items()}
        return f"Record({content})"

    def quantity(self, moment: str, name: str) -> Array:
        """The array at ``moment`` and ``name``; an :class:`.InputError` naming both where there is none."""
        try:
            return self[moment][name]
        except KeyError:
            raise InputError(
                f"a claim's moment and quantity must be in the record. Received: {moment}/{name}; "
                f"the record has {', '.join(f'{m}/{q}' for m in self for q in self[m])}"
            ) from None

    def to_json(self) -> str:
        """JSON text in which floating-point values are hexadecimal, so that no bit is lost."""
        return json.dumps({"provenance": self.provenance, "moments": _encode_moments(self)}, indent=1)

    @classmethod
    def from_json(cls, text: str, origin: str = "the text") -> Record:
        """The Record written by :meth:`to_json`.

        Raises:
            InputError: ``text`` is not JSON, is truncated or does not have a Record's form.
        """
        content = parse_json(text, origin)
        return cls(_decode_moments(content, "moments", origin), content.get("provenance"))


def load_recording(path: Path) -> dict[str, Record]:
    """The Records, by document, in a file written by ``python -m legacy_tf1.record``.

    Raises:
        InputError: the file cannot be read, is not JSON or does not have a recording's form.
    """
    origin = path.name
    try:
        content = parse_json(path.read_text(encoding="utf-8"), origin)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"a recording must be a readable UTF-8 file. Received: {path} ({error})") from None
    documents = content.get("records")
    if not isinstance(documents, dict):
        raise InputError(f"a recording must have an object 'records'. Received: {origin}")
    return {name: Record(_decode_moments(documents, name, origin), content["provenance"]) for name in documents}


def parse_json(text: str, origin: str) -> dict[str, Any]:
    """The JSON object in ``text``; ``origin`` names it in the :class:`.InputError`."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"a record must be complete JSON. Received: {origin}, line {error.lineno}: {error.msg}"
        ) from None
    if not isinstance(content, dict) or not isinstance(content.get("provenance"), dict):
        raise InputError(f"a record must be a JSON object with 'provenance'. Received: {origin}")
    return content


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write ``content``, all of it or nothing: under a temporary name beside ``path``, then moved there.

    A symbolic link stays one, and its target is written; a device or a pipe is written to as it is. What UTF-8 cannot
    hold, such as a byte of a file name that is no UTF-8, is written as ``\\udcff``.

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


def as_array(name: str, value: Any, *, dtype: str = "float32", ndim: int | None = None) -> Array:
    """``value`` as a finite, non-empty array of ``dtype``.

    Raises:
        InputError: it is ragged, not numeric, empty, of another rank, or holds a nan or an infinity.

    Example:
        >>> as_array("x", [1, 2], ndim=1)
        array([1., 2.], dtype=float32)
    """
    try:
        array = np.asarray(value, dtype=dtype)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a rectangular array of numbers. Received: {value!r:.80}") from None
    if ndim is not None and array.ndim != ndim:
        raise InputError(f"{name} must have {ndim} dimension(s). Received: shape {array.shape}")
    if array.size == 0:
        raise InputError(f"{name} must not be empty. Received: shape {array.shape}")
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise InputError(f"{name} must be finite. Received: {array[where]} at index {list(where)}")
    return array


def as_count(name: str, value: Any) -> int:
    """``value`` as a whole number of at least 1, else an :class:`.InputError`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InputError(f"{name} must be a whole number of at least 1. Received: {value!r}")
    return int(value)


def _encode_moments(record: Record) -> dict[str, dict[str, Any]]:
    return {
        moment: {name: _encode(value) for name, value in quantities.items()} for moment, quantities in record.items()
    }


def _encode(array: Array) -> dict[str, Any]:
    values = [value.hex() if isinstance(value, float) else str(int(value)) for value in array.ravel().tolist()]
    shape = " ".join(map(str, array.shape))
    return {"dtype": str(array.dtype), "shape": shape, "values": " ".join(values)}


def _decode_moments(container: Mapping[str, Any], key: str, origin: str) -> dict[str, dict[str, Array]]:
    try:
        return {
            moment: {name: _decode(value) for name, value in quantities.items()}
            for moment, quantities in container[key].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"a record must map moment to quantity to dtype, shape and values. "
            f"Received: {origin}, {key}: {type(error).__name__}: {error}"
        ) from None


def _decode(content: Mapping[str, Any]) -> Array:
    dtype = np.dtype(content["dtype"])
    parse = float.fromhex if dtype.kind == "f" else int
    shape = [int(length) for length in content["shape"].split()]
    return np.array([parse(value) for value in content["values"].split()], dtype=dtype).reshape(shape)
