"""Checks of options that several layers and losses share: each returns the option, or names the rule it breaks."""

import numbers
from typing import Any


def checked_int(value: Any, name: str, rule: str, minimum: int | None = None) -> int:
    """``value`` as an int, at least ``minimum``; a bool is none."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or (minimum is not None and value < minimum):
        raise ValueError(f"{name} must be {rule}. Received: {name}={value!r}")
    return int(value.__index__())


def checked_positive(value: Any, name: str) -> int:
    """``value`` as an int of 1 or more."""
    return checked_int(value, name, "a positive int", 1)


def checked_chunk_size(chunk_size: Any) -> int | None:
    """``chunk_size`` as an int of 1 or more, or None."""
    return None if chunk_size is None else checked_int(chunk_size, "chunk_size", "a positive int or None", 1)


def checked_axis(axis: Any) -> int | tuple[int, ...]:
    """``axis`` as an int, or as a tuple of distinct ints; whether it fits is known only with a tensor."""
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    if not axes or not all(hasattr(a, "__index__") and not isinstance(a, bool) for a in axes):
        raise ValueError(f"axis must be an int or a non-empty tuple of ints. Received: axis={axis!r}")
    if len(set(axes)) < len(axes):
        raise ValueError(f"axis must name each dimension once. Received: axis={axis!r}")
    axes = tuple(int(a.__index__()) for a in axes)
    return axes if isinstance(axis, (list, tuple)) else axes[0]


def checked_bool(value: Any, name: str) -> bool:
    """``value``, which must be True or False."""
    if value is not True and value is not False:
        raise ValueError(f"{name} must be True or False. Received: {name}={value!r}")
    return value


def checked_real(value: Any, name: str, rule: str, minimum: float = float("-inf"), exclusive: bool = False) -> float:
    """``value`` as a finite float, at least ``minimum``, or above it if ``exclusive``."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ValueError(f"{name} must be {rule}. Received: {name}={value!r}")
    number = float(value)
    if not abs(number) < float("inf") or number < minimum or (exclusive and number == minimum):
        raise ValueError(f"{name} must be {rule}. Received: {name}={value!r}")
    return number
