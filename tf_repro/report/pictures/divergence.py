"""Where a port and its TF1 program part: both values, and their distance over all the tensor's elements."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tf_repro.core.record import Array
from tf_repro.core.ulp import Difference, distances, spacing
from tf_repro.report.pictures.svg import INK, SERIES, Picture, picture, power_of_ten

BESIDE = 12
"""How many elements on either side of the one that is furthest apart are drawn with their values."""
COLUMNS = 240
"""How many distances are drawn; of more elements, neighbours share one."""


def divergence(
    name: str, tensor: str, expected: Array, received: Array, apart: Difference, scaled: bool = False
) -> Picture:
    """Two plots of a tensor: the values around the element that is furthest apart, and every element's distance.

    Args:
        name: see :func:`tf_repro.report.pictures.svg.picture`.
        tensor: what it is called.
        expected: the TF1 program's array.
        received: the port's, of the same shape.
        apart: their difference.
        scaled: whether a distance is in ULP of the largest element, not in the element's own.
    """
    a, b = (np.ravel(each if each.dtype.kind == "f" else each.astype(np.float64)) for each in (expected, received))
    scaled = scaled and math.isfinite(apart.scaled)
    worst = int(np.ravel_multi_index(apart.index, expected.shape)) if apart.index else 0
    near = np.arange(max(0, worst - BESIDE), min(a.size, worst + BESIDE + 1))
    first, distance = _columns(_distances(a, b, scaled))

    def draw(figure: Figure) -> None:
        values, distances = figure.subplots(2)
        for of, label, marker, colour in ((a, "TF1 program", "o", SERIES[0]), (b, "port", "x", SERIES[1])):
            fill = "none" if marker == "o" else colour
            values.plot(near, of[near], marker, color=colour, markerfacecolor=fill, label=label, clip_on=False)
        figure.legend(loc="outside upper center", ncols=2)
        distances.vlines(first, 0, distance, color=SERIES[0], linewidth=2.0)
        values.set(ylabel="value", xlim=(near[0] - 0.5, near[-1] + 0.5))
        distances.set(ylabel=f"apart, ULP{' of largest' * scaled}", xlim=(-0.5, a.size - 0.5))
        distances.set_xlabel("element, in row-major order")
        _steps(distances, distance)
        for axes in (values, distances):
            axes.axvline(worst, color=INK, linestyle=":", linewidth=1.2)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))

    shape = f"shape {'×'.join(map(str, expected.shape))}" if expected.shape else "a scalar"
    share = f" A line is the largest of some {first[1] - first[0]} neighbours'." if first.size < a.size else ""
    return picture(
        name,
        draw,
        title=f"{tensor}: {apart.count} of {apart.size} elements differ",
        alt=f"{tensor}, {shape}. Furthest apart: {apart.text('TF1 program', 'port')}.",
        caption="Above: both values near the element that is furthest apart, at the dotted line. "
        f"Below: every element's distance.{share}",
        height=3.8,
    )


def _distances(a: Array, b: Array, scaled: bool) -> Any:
    if not scaled:
        return distances(a, b).astype(float)
    largest = max((np.abs(a).max(), np.abs(b).max()), key=bool)  # of the port, where TF1 has nothing but zeros
    return np.abs(a.astype(np.float64) - b.astype(np.float64)) / spacing(largest)


def _columns(distances: Any) -> tuple[Any, Any]:
    """The first element and the largest distance of each column."""
    columns = np.array_split(np.arange(distances.size), min(distances.size, COLUMNS))
    return np.array([column[0] for column in columns]), np.array([distances[column].max() for column in columns])


def _steps(axes: Axes, distance: Any) -> None:
    """A vertical axis for distances of 0, of some and of millions of ULP."""
    axes.set_ylim(0, None)
    if distance.max() > 100:
        axes.set_yscale("symlog", linthresh=1)
        highest = int(np.ceil(np.log10(distance.max())))
        ticks = range(0, highest + 1, max(1, -(-highest // 4)))
        axes.set_yticks([0, *(10.0**exponent for exponent in ticks)])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value) if value else "0"))
