"""Resizing of images to 14 × 5, each output entry a weighted sum of input entries: one matrix for each axis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from tf_repro.atlas.formulas.terms import Constants, Formula, Outputs, reshaped, transposed
from tf_repro.core.rounding import Rounded

SIZE = (14, 5)
TABLE = 1024
"""The cubic's weights are tabulated at so many places between two entries."""

CUBIC = -0.75
"""The cubic's slope parameter."""


Weights = Callable[[int, int, bool, Constants], Rounded]
"""The weights of the input's entries along one axis: (old length, new length, corners aligned, constants)."""


def scale(old: int, new: int, corners: bool) -> np.float32:
    """How many input entries an output entry steps over, as the kernel holds it."""
    return np.float32((old - 1) / (new - 1)) if corners else np.float32(old) / np.float32(new)


def area_weights(old: int, new: int, corners: bool, number: Constants) -> Rounded:
    """How much of each input entry lies under each output entry: [new, old]; beyond the edge the last one goes on."""
    step = number(scale(old, new, corners))
    start, end = number(np.arange(new)[:, None]) * step, number(np.arange(1, new + 1)[:, None]) * step
    place = np.arange(int(np.ceil(end.value.max())))
    left, right = _larger(start, number(place)), -_larger(-end, number(-1 - place))
    under = (right - left) * number(right.value > left.value)
    return under @ number(np.minimum(place, old - 1)[:, None] == np.arange(old)) / step


def cubic_weights(old: int, new: int, corners: bool, number: Constants) -> Rounded:
    """The cubic's weights of the four entries around each place: [new, old]."""
    position = np.arange(new, dtype=np.float32) * scale(old, new, corners)
    base = np.floor(position).astype(int)
    x = np.rint((position - base) * np.float32(TABLE)) / TABLE
    weights = number(np.zeros((new, old)))
    for offset, distance in ((-1, x + 1), (0, x), (1, 1 - x), (2, 2 - x)):
        at = np.clip(base + offset, 0, old - 1)
        weights = weights + _cubic(number(distance))[:, None] * number(at[:, None] == np.arange(old))
    return weights


def _cubic(x: Rounded) -> Rounded:
    """``(a+2)x³ - (a+3)x² + 1`` up to 1, ``a x³ - 5a x² + 8a x - 4a`` from 1 on."""
    near = ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1
    far = ((CUBIC * x - 5 * CUBIC) * x + 8 * CUBIC) * x - 4 * CUBIC
    inner = x.value <= 1
    return Rounded(np.where(inner, near.value, far.value), np.where(inner, near.error, far.error), x.precision)


def resized(x: Rounded, number: Constants, weights: Weights, corners: bool = False) -> Outputs:
    """The images, weighted along their height and along their width."""
    n, height, width, channels = x.shape
    rows, columns = weights(height, SIZE[0], corners, number), weights(width, SIZE[1], corners, number)
    tall = rows @ reshaped(transposed(x, 1, 0, 2, 3), height, -1)
    tall = transposed(reshaped(tall, SIZE[0], n, width, channels), 2, 0, 1, 3)
    wide = reshaped(columns @ reshaped(tall, width, -1), SIZE[1], SIZE[0], n, channels)
    return {"value": transposed(wide, 2, 1, 0, 3)}


def _larger(a: Rounded, b: Rounded) -> Rounded:
    """The larger of the two, entry by entry; either error is one of it."""
    first = a.value >= b.value
    return Rounded(np.where(first, a.value, b.value), np.maximum(a.error, b.error), a.precision)


FORMULAS: dict[str, Formula] = {
    "resize_area": partial(resized, weights=area_weights),
    "resize_area_corners": partial(resized, weights=area_weights, corners=True),
    "resize_bicubic": partial(resized, weights=cubic_weights),
    "resize_bicubic_corners": partial(resized, weights=cubic_weights, corners=True),
}
