"""What decides the documents' sentences, one file for each document: a number from any engine's Record.

Each file has ``decide(moments)``, which returns the deciding quantities by moment and name. Where a sentence says that
two things are equal, the quantity is their difference or ratio, and ``bounds(precision)`` says how far rounding can
carry it from 0 or 1; what has no number to compare with is decided as true or false.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any


def decide(document: str, moments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document's statements, by moment and quantity, as the moments' numbers decide them."""
    module = _module(document)
    return module.decide(moments) if module else {}


def bounds(document: str, precision: str) -> Mapping[str, Any]:
    """How far any evaluation of the deciding quantities may be off, by moment and quantity."""
    found = getattr(_module(document), "bounds", None)
    return found(precision) if found else {}


def _module(document: str) -> ModuleType | None:
    try:
        return importlib.import_module(f"{__name__}.{document}")
    except ModuleNotFoundError:
        return None
