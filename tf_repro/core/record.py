"""Record, the one data type of the suite: what a run printed, by moment and quantity."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tf_repro.core.errors import InputError

Array = np.ndarray[Any, Any]


class Record(Mapping[str, Mapping[str, Array]]):
    """What one run computed: ``moment → quantity → array``.

    Args:
        moments: for each moment (``"before"``, ``"after"``, …) the quantities by name; values become NumPy arrays.
        provenance: where the values come from (TensorFlow's version, the CPU, …).

    Raises:
        InputError: a quantity is no array of floating-point numbers, integers or truth values.

    Example:
        >>> record = Record({"after": {"w": np.float32([-0.16, 0.32])}}, {"tensorflow": "1.4.1"})
        >>> record["after"]["w"].dtype
        dtype('float32')
        >>> Record.from_json(record.to_json()) == record
        True
    """

    def __init__(self, moments: Mapping[str, Mapping[str, Any]], provenance: Mapping[str, str] | None = None) -> None:
        self._moments = {
            moment: {quantity: _numeric(f"{moment}/{quantity}", value) for quantity, value in quantities.items()}
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
        """Equal moments, quantities, dtypes and bits, any two nan being equal; provenance does not count."""
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
        """JSON text in which floating-point values are hexadecimal, so that no bit of a number is lost.

        Of a nan only that it is one is kept, not its sign and payload.
        """
        return json.dumps({"provenance": self.provenance, "moments": _encode_moments(self)}, indent=1)

    @classmethod
    def from_json(cls, text: str, origin: str = "the text") -> Record:
        """The Record written by :meth:`to_json`.

        Raises:
            InputError: ``text`` is not JSON, is truncated or does not have a Record's form.
        """
        content = parse_json(text, origin)
        return cls(decode_moments(content, "moments", origin), content.get("provenance"))


def _numeric(name: str, value: Any) -> Array:
    try:
        array = np.asarray(value)
    except ValueError:  # NumPy's for rows of different lengths
        raise InputError(f"a quantity must be a rectangular array. Received: {name} = {value!r:.80}") from None
    if array.dtype.kind not in "biu" and array.dtype.name not in ("float16", "bfloat16", "float32", "float64"):
        raise InputError(
            "a quantity must be an array of float16, bfloat16, float32, float64, integers or truth values. "
            f"Received: {name} of dtype {array.dtype}"
        )
    return array


def parse_json(text: str, origin: str) -> dict[str, Any]:
    """The JSON object in ``text``; ``origin`` names it in the :class:`.InputError`."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"a record must be complete JSON. Received: {origin}, line {error.lineno}: {error.msg}"
        ) from None
    except (ValueError, RecursionError) as error:  # a number of too many digits, or nested too deep
        raise InputError(
            f"a record must be complete JSON. Received: {origin}: {type(error).__name__}: {error}"
        ) from None
    if not isinstance(content, dict) or not isinstance(content.get("provenance"), dict):
        raise InputError(f"a record must be a JSON object with 'provenance'. Received: {origin}")
    return content


def _encode_moments(record: Record) -> dict[str, dict[str, Any]]:
    return {
        moment: {name: _encode(value) for name, value in quantities.items()} for moment, quantities in record.items()
    }


def _encode(array: Array) -> dict[str, Any]:
    values = [value.hex() if isinstance(value, float) else str(int(value)) for value in array.ravel().tolist()]
    shape = " ".join(map(str, array.shape))
    return {"dtype": str(array.dtype), "shape": shape, "values": " ".join(values)}


def decode_moments(container: Mapping[str, Any], key: str, origin: str) -> dict[str, dict[str, Array]]:
    """The moments under ``key`` of parsed JSON; ``origin`` names the text in the :class:`.InputError`."""
    try:
        return {
            moment: {name: _decode(value) for name, value in quantities.items()}
            for moment, quantities in container[key].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, SyntaxError) as error:
        raise InputError(
            f"a record must map moment to quantity to dtype, shape and values. "
            f"Received: {origin}, {key}: {type(error).__name__}: {error}"
        ) from None


def _decode(content: Mapping[str, Any]) -> Array:
    dtype = np.dtype(content["dtype"])
    is_float = dtype.kind == "f" or dtype.name == "bfloat16"  # whose kind is "V"
    parse = float.fromhex if is_float else int
    shape = [int(length) for length in content["shape"].split()]
    return np.array([parse(value) for value in content["values"].split()], dtype=dtype).reshape(shape)
