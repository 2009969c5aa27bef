"""The engines that a document's figures are held against, and what each of them needs."""

from __future__ import annotations

import re

DERIVATION = "derivation"
NUMPY = "numpy"
LANES = {"lanes-4": 4, "lanes-8": 8}

_RELEASE = re.compile(r"tf-\d+\.\d+\.\d+")


def needs_tensorflow(engine: str) -> bool:
    """Whether running the engine imports TensorFlow.

    Example:
        >>> [engine for engine in ("tf-1.4.1", "lanes-4", "eager:tf1", "derivation") if needs_tensorflow(engine)]
        ['eager:tf1']
    """
    return engine not in (DERIVATION, NUMPY) and engine not in LANES and not is_recorded(engine)


def is_recorded(engine: str) -> bool:
    """Whether the engine is a recording of a release, such as ``"tf-1.4.1"``."""
    return _RELEASE.fullmatch(engine) is not None
