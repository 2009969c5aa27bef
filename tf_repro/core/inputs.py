"""Inputs that a user gives: checked arrays and counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tf_repro.core.errors import InputError

Array = np.ndarray[Any, Any]


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


def both_or_neither(
    features: Any, labels: Any, default: Callable[[], tuple[Array, Array]], dtype: str = "float32"
) -> tuple[Array, Array]:
    """``features`` and ``labels`` as matrices of ``dtype``, or the default ones where neither is given.

    Raises:
        InputError: one is given without the other, or one breaks a rule of :func:`as_array`.
    """
    if (features is None) != (labels is None):
        raise InputError("features and labels must be given together. Received: one of them")
    if features is None:
        features, labels = default()
    return as_array("features", features, dtype=dtype, ndim=2), as_array("labels", labels, dtype=dtype, ndim=2)
