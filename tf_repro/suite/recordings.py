"""What genuine TensorFlow 1.x printed: the files in ``legacy_tf1/recordings``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import legacy_tf1
from tf_repro.core.errors import InputError
from tf_repro.core.record import Record, decode_moments, parse_json

RECORDINGS = Path(legacy_tf1.__file__).parent / "recordings"


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
    return {name: Record(decode_moments(documents, name, origin), content["provenance"]) for name in documents}


@cache
def recorded(engine: str) -> dict[str, Record]:
    """The Records, by document, of a release such as ``"tf-1.4.1"``."""
    return load_recording(RECORDINGS / f"{engine}.json")
