"""A matplotlib figure as one inline SVG that any page can hold, in the page's own ink, beside others."""

import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullFormatter

INK = "#010203"  # stands for the page's text colour, and so never appears in a finished picture
SERIES = ("#1f7fc4", "#c85a10", "#0a8f6a", "#b8609a", "#808080")  # at least 3:1 on white and on dark grey
LEGACY, PORT, OURS, NEUTRAL = SERIES[0], SERIES[1], SERIES[1], SERIES[4]
"""The original and TensorFlow's own are blue in every picture; the port and what is ours are orange."""
IMPLEMENTATIONS = {"tf.nn": LEGACY, "tf_repro": OURS, "keras": SERIES[2], "torch": SERIES[3], "jax": NEUTRAL}
"""One colour for each implementation, in every picture; by the first word of its name."""
MARKERS = ("o", "s", "^", "D", "x", "v")
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
WIDTH = 5.0  # inches of 72 units: text keeps its size on a telephone and doubles on a desktop

_MEASURED = "DejaVu Sans"  # matplotlib's own font, wider than the page's, so that what fits it fits them
_INKED = [
    *("text.color", "patch.edgecolor", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor"),
    *("xtick.color", "ytick.color"),
]
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": [_MEASURED],
    "font.size": 10.0,
    "axes.titlesize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.alpha": 0.2,
    "grid.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.0,
    **dict.fromkeys(_INKED, INK),
}
_REFERENCE = re.compile(r"#([\w.-]+)")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Picture:
    """A plot that is ready to stand in a page.

    Attributes:
        name: unique among the pictures of a page; every id in the SVG begins with it.
        title: what is drawn.
        svg: an ``<svg>`` element with that title and the alternative text.
        alt: what is seen, in words and numbers.
        caption: how to read it.
    """

    name: str
    title: str
    svg: str
    alt: str
    caption: str


def picture(
    name: str,
    draw: Callable[[Figure], None],
    *,
    title: str,
    alt: str,
    caption: str,
    height: float = 3.2,
    width: float = WIDTH,
) -> Picture:
    """What ``draw`` puts on an empty figure, as a :class:`Picture`; the same input gives the same text.

    Args:
        name: letters, digits and hyphens, unique on the page.
        draw: draws on the figure; text and lines come in the page's own colour.
        title: what is drawn.
        alt: the alternative text.
        caption: how to read it.
        height: in inches.
        width: in inches; more than :data:`WIDTH` only for what a whole page is wide.

    Example:
        >>> shown = picture("line", lambda f: f.add_subplot().plot([1, 2]), title="A line", alt="It rises.", caption="")
        >>> shown.svg[:50]
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0'
    """
    with matplotlib.style.context([_STYLE | {"svg.hashsalt": name}], after_reset=True):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        text = io.StringIO()
        no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(text, format="svg", transparent=True, metadata=no_metadata)
    return Picture(name, title, _inline(text.getvalue(), name, title, alt), alt, caption)


def power_of_ten(value: float, _place: int | None = None) -> str:
    """A tick of a logarithmic axis.

    Example:
        >>> power_of_ten(1e-7)
        '10⁻⁷'
    """
    exponent = f"{value:.0e}".partition("e")[2]
    return "10" + str(int(exponent)).translate(_SUPERSCRIPT)


def logarithmic(axes: Axes, side: str) -> None:
    """Make the axis ``"x"`` or ``"y"`` logarithmic, its ticks as plain text."""
    axes.set(**{f"{side}scale": "log"})
    axis = getattr(axes, f"{side}axis")
    axis.set_major_formatter(FuncFormatter(power_of_ten))
    axis.set_minor_formatter(NullFormatter())


def look_of(implementation: str) -> dict[str, Any]:
    """An implementation's colour and marker; those of one family share the colour.

    Example:
        >>> look_of("tf_repro.nn.softmax") == look_of("tf_repro"), look_of("tf_repro, recomputed")["marker"]
        (True, 'x')
    """
    for (family, colour), marker in zip(IMPLEMENTATIONS.items(), MARKERS, strict=False):
        if implementation.startswith(family):
            variant = implementation.partition(", ")[2]
            return {"color": colour, "marker": marker if not variant else "x" if variant.startswith("rec") else "+"}
    raise ValueError(f"an implementation must be one of {', '.join(IMPLEMENTATIONS)}. Received: {implementation!r}")


def shaded(axes: Axes, shares: Any, texts: Any, rows: Any, columns: Any, colour: str = SERIES[0]) -> None:
    """A table of cells, each as strongly coloured as its share of 1, with its text in the page's ink.

    Args:
        axes: where to draw.
        shares: float[rows, columns] in [0, 1].
        texts: what each cell says.
        rows: the rows' names.
        columns: the columns' names.
        colour: of a cell with share 1, which lets ink through.
    """
    for (row, column), share in _cells(shares):
        cell(axes, row, column, texts[row][column], colour, share)
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.grid(False)


STRONGEST = 0.6
"""How much of a cell's colour covers the page: ink keeps 4.5:1 on it in either colour scheme."""


def cell(axes: Axes, row: int, column: int, text: str, colour: str, share: float) -> None:
    """One cell of a table, its colour as strong as its share of 1, with its text in the page's ink."""
    if share > 0:
        place = (column - 0.5, row - 0.5)
        axes.add_patch(Rectangle(place, 1, 1, facecolor=colour, alpha=STRONGEST * share, linewidth=0))
    axes.text(column, row, text, ha="center", va="center", fontsize=8.0)


def _cells(shares: Any) -> Any:
    import numpy as np

    return np.ndenumerate(np.asarray(shares, float))


def _inline(text: str, name: str, title: str, alt: str) -> str:
    """The drawing as an element of an HTML page: its ids prefixed, its colours the page's, its size the column's."""
    root = ElementTree.fromstring(text)
    used = {
        match for element in root.iter() for value in element.attrib.values() for match in _REFERENCE.findall(value)
    }
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = _attributes(element.attrib, name, used)
    definitions = root.find("defs")  # a style for every element, which would reach the whole page
    if definitions is not None:
        root.remove(definitions)
    root.attrib = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": root.attrib["viewBox"],
        "width": "100%",
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc",
        "stroke-linejoin": "round",
        "stroke-linecap": "butt",
        "font-family": FONTS,
        "class": "picture",
        "style": "max-width: 40rem; height: auto",
    }
    for place, (tag, content) in enumerate([("title", title), ("desc", alt)]):
        element = ElementTree.Element(tag, id=f"{name}-{tag}")
        element.text = content
        root.insert(place, element)
    ElementTree.indent(root, "")
    return ElementTree.tostring(root, encoding="unicode").replace(INK, "currentColor").replace("\n\n", "\n")


def _attributes(attributes: Mapping[str, str], name: str, used: set[str]) -> dict[str, str]:
    kept = {}
    for key, value in attributes.items():
        key = key.rpartition("}")[2]  # xlink:href is href
        if key == "id":
            if value in used:
                kept[key] = f"{name}-{value}"
        elif key == "href" or value.startswith("url(#"):
            kept[key] = _REFERENCE.sub(rf"#{name}-\1", value)
        elif key == "style":
            kept[key] = value.replace(f"font-family: '{_MEASURED}'; ", "").replace(f"'{_MEASURED}'", FONTS)
        elif not (key == "transform" and value.startswith("rotate(-0 ")):
            kept[key] = " ".join(value.split())
    return kept
