"""The engines that a document's figures are held against, and what each of them needs."""

from __future__ import annotations

from tf_repro.suite.recordings import is_recorded

DERIVATION = "derivation"
LANES = {"lanes-4": 4, "lanes-8": 8}


def needs_tensorflow(engine: str) -> bool:
    """Whether running the engine imports TensorFlow.

    Example:
        >>> [engine for engine in ("tf-1.4.1", "lanes-4", "eager:tf1", "derivation") if needs_tensorflow(engine)]
        ['eager:tf1']
    """
    return engine != DERIVATION and engine not in LANES and not is_recorded(engine)
