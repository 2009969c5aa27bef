"""What decides the documents' sentences, one file for each document: a number from any engine's Record.

Each file has ``decide(moments)``, which returns the deciding quantities by moment and name. A sentence with a number of
its own to compare with, such as "the probabilities sum to 1", is left to the verdict's rounding bound.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def agree(a: Any, b: Any, roundings: int) -> bool:
    """Whether two evaluations of one formula agree: no entry is further apart than their roundings can carry it.

    Args:
        a: an array of floating-point numbers; what is summed for its entries is at most as large as the larger of 1 and
            the largest entry.
        b: another of the same dtype and shape.
        roundings: how many roundings both evaluations of an entry make together.

    Example:
        >>> agree(np.float32([1]), np.float32([1.0000001]), roundings=2), agree(np.float32([1]), np.float32([1.1]), 2)
        (True, False)
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    unit = float(np.finfo(a.dtype).eps) / 2
    scale = max(1.0, float(np.abs(a).max()), float(np.abs(b).max()))
    return bool((np.abs(a.astype("float64") - b.astype("float64")) <= roundings * unit * scale).all())
