"""Where a port and its TF1 program part: both values where they can be told apart, and the elements' distances."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tf_repro.core.record import Array
from tf_repro.core.ulp import Difference, spacing
from tf_repro.report.pictures.svg import INK, LEGACY, NEUTRAL, PORT, Picture, picture, power_of_ten

BESIDE = 12
"""How many elements on either side of the one that is furthest apart are drawn with their values."""
COLUMNS = 240
"""How many distances are drawn; of more elements, neighbours share one."""
TELLS_APART = 0.02
"""The share of the drawn range from which two points do not coincide: 2 % of the 140 points that the plot is high is
less than the half of a marker's five."""


def divergence(name: str, tensor: str, expected: Array, received: Array, apart: Difference) -> Picture:
    """Both values around the element that is furthest apart, or every distance where the points would coincide.

    Of a tensor with more elements than are drawn with their values, the distances are drawn below them.

    Args:
        name: see :func:`tf_repro.report.pictures.svg.picture`.
        tensor: what it is called.
        expected: the TF1 program's array.
        received: the port's, of the same shape.
        apart: their difference, by the largest distance.
    """
    a, b = (np.ravel(each).astype(np.float64) for each in (expected, received))
    worst = int(np.ravel_multi_index(apart.index, expected.shape)) if apart.index else 0
    near = np.arange(max(0, worst - BESIDE), min(a.size, worst + BESIDE + 1))
    first, distance = _columns(_distances(a, b, _unit(expected, received)))
    tells = _tells_apart(a[near], b[near])
    all_shown = not tells or a.size > near.size

    def draw(figure: Figure) -> None:
        drawn = list(np.atleast_1d(figure.subplots(tells + all_shown)))
        if tells:
            _draw_values(drawn[0], near, a, b)
            figure.legend(loc="outside upper center", ncols=2)
        if all_shown:
            _draw_distances(drawn[-1], first, distance)
            drawn[-1].set(xlim=(-0.5, a.size - 0.5))
        drawn[-1].set(xlabel="element, in row-major order")
        for axes in drawn:
            axes.axvline(worst, color=INK, linestyle=":", linewidth=1.2)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))

    shape = f"shape {'×'.join(map(str, expected.shape))}" if expected.shape else "a scalar"
    share = f" A line is the largest of some {first[1] - first[0]} neighbours'." if first.size < a.size else ""
    lost = " A cross is not a number, or infinite, on one side." if not np.isfinite(distance).all() else ""
    captions = ["Both values near the element that is furthest apart, at the dotted line."] * tells
    captions += [f"Every element's distance in ULP of the tensor's largest element.{share}{lost}"] * all_shown
    return picture(
        name,
        draw,
        title=f"{tensor}: {apart.count} of {apart.size} elements differ",
        alt=f"{tensor}, {shape}. Furthest apart: {apart.text('TF1 program', 'port')}.",
        caption=" ".join(captions),
        height=3.8 if tells and all_shown else 2.4,
    )


def _tells_apart(a: Array, b: Array) -> bool:
    """Whether any two points of a plot of both would not coincide; what is no number on one side does not."""
    finite = np.isfinite(a) & np.isfinite(b)
    if (np.isfinite(a) != np.isfinite(b)).any() or not finite.any():
        return True
    span = max(np.ptp(np.concatenate([a[finite], b[finite]])), np.finfo(np.float64).tiny)
    return bool((np.abs(a - b)[finite] > TELLS_APART * span).any())


def _draw_values(axes: Axes, near: Array, a: Array, b: Array) -> None:
    for of, label, marker, colour in ((a, "TF1 program", "o", LEGACY), (b, "port", "x", PORT)):
        fill = "none" if marker == "o" else colour
        axes.plot(near, of[near], marker, color=colour, markerfacecolor=fill, label=label, clip_on=False)
    axes.set(ylabel="value", xlim=(near[0] - 0.5, near[-1] + 0.5))


def _draw_distances(axes: Axes, first: Array, distance: Array) -> None:
    finite = np.isfinite(distance)
    axes.vlines(first[finite], 0, distance[finite], color=NEUTRAL, linewidth=2.0)
    highest = float(distance[finite].max(initial=0))
    axes.plot(first[~finite], np.full((~finite).sum(), max(highest, 1)), "x", color=PORT, clip_on=False)
    axes.set(ylabel="apart, ULP of largest", ylim=(0, None if highest else 1))
    _steps(axes, highest)


def _unit(expected: Array, received: Array) -> float:
    """One ULP of the largest finite element of the TF1 program's; of the port's, where that has nothing but zeros."""
    if expected.dtype.kind in "biu":
        return 1.0
    for array in (expected, received):
        finite = array[np.isfinite(array)]
        if finite.size and finite.any():
            return float(spacing(np.abs(finite).max()))
    return float(spacing(expected.dtype.type(0)))


def _distances(a: Array, b: Array, unit: float) -> Any:
    """Every element's distance in units: 0 between two nan and two equal infinities, infinite where one side is."""
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(a - b) / unit
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))


def _columns(distances: Any) -> tuple[Any, Any]:
    """The first element and the largest distance of each column."""
    columns = np.array_split(np.arange(distances.size), min(distances.size, COLUMNS))
    return np.array([column[0] for column in columns]), np.array([distances[column].max() for column in columns])


def _steps(axes: Axes, highest: float) -> None:
    """A vertical axis for distances of 0, of some and of millions of ULP."""
    if highest > 100 and math.isfinite(highest):
        axes.set_yscale("symlog", linthresh=1)
        exponent = math.ceil(math.log10(highest))
        axes.set_yticks([0, *(10.0**each for each in range(0, exponent + 1, max(1, -(-exponent // 4))))])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value) if value else "0"))
