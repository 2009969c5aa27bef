"""Documented softmax, cross-entropy and back-propagation figures, reproduced in TensorFlow 2 and Keras 3.

A run is a :class:`~tf_repro.core.record.Record`; everything else compares Records.
Submodules load on first use, so that importing the package never loads TensorFlow.
"""

import importlib
from types import ModuleType

__version__ = "0.1.0"

_SUBMODULES = {
    "claims",
    "compare",
    "derivations",
    "layers",
    "losses",
    "migrate",
    "models",
    "nn",
    "optimizers",
    "ports",
    "record",
    "suite",
}


def __getattr__(name: str) -> ModuleType:
    if name in _SUBMODULES:
        return importlib.import_module(f"tf_repro.{name}")
    raise AttributeError(f"module 'tf_repro' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_SUBMODULES | set(globals()))
