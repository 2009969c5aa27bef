"""The computation graph of ``f(x, y) = x²y + y + 2`` with every node's value and partial derivative."""

from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

from tf_repro.core.record import Record
from tf_repro.report.pictures.drawn import Drawn
from tf_repro.report.pictures.svg import INK, Picture, picture

NODES = (  # operation, where it stands, the nodes it takes
    ("x", (0.0, 0.0), ()),
    ("y", (1.6, 0.0), ()),
    ("2", (3.2, 0.9), ()),
    ("×", (0.0, 1.2), (1, 1)),
    ("×", (0.8, 2.4), (4, 2)),
    ("+", (2.4, 2.4), (2, 3)),
    ("+", (1.6, 3.6), (5, 6)),
)
_RADIUS = 0.3


def graph(record: Record) -> Picture:
    """The graph, each node with its value and with ∂f by it, from the moment ``sweep``."""
    values, partials = record["sweep"]["value"], record["sweep"]["partial"]

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for number, (operation, place, inputs) in enumerate(NODES, 1):
            axes.add_patch(Circle(place, _RADIUS, facecolor="none", edgecolor=INK, linewidth=1.4))
            axes.text(*place, operation, ha="center", va="center", fontsize=13)
            beside = place[0] + _RADIUS + 0.08
            axes.text(beside, place[1] + 0.13, f"n{number} = {values[number - 1]:g}", va="center")
            partial = f"∂f/∂n{number} = {partials[number - 1]:g}"
            axes.text(beside, place[1] - 0.17, partial, style="italic", va="center")
            for turn, source in enumerate(inputs):
                bend = (0.25 if turn else -0.25) if inputs.count(source) > 1 else 0.0
                axes.add_patch(_arrow(NODES[source - 1][1], place, bend))
        axes.set(xlim=(-0.5, 4.6), ylim=(-0.45, 4.05), aspect="equal")
        axes.axis("off")

    nodes = "; ".join(
        f"n{number} ({_formula(operation, inputs)}) is {values[number - 1]:g}, partial {partials[number - 1]:g}"
        for number, (operation, _, inputs) in enumerate(NODES, 1)
    )
    return picture(
        "reverse-mode-graph",
        draw,
        title="Values forward and partial derivatives backward in f(x, y) = x²y + y + 2",
        alt=f"The graph of f at x = {values[0]:g}, y = {values[1]:g}. {nodes}.",
        caption="Upright: the node's value, computed upwards. Italic: f's partial derivative by the node, computed "
        "downwards.",
        height=4.4,
    )


def _formula(operation: str, inputs: tuple[int, ...]) -> str:
    return f" {operation} ".join(f"n{source}" for source in inputs) or operation


def _arrow(start: tuple[float, float], end: tuple[float, float], bend: float) -> FancyArrowPatch:
    away = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
    share = (_RADIUS + 0.03) / away
    tail, head = (
        (start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])) for part in (share, 1 - share)
    )
    return FancyArrowPatch(
        tail,
        head,
        connectionstyle=f"arc3,rad={bend}",
        arrowstyle="-|>",
        mutation_scale=10,
        color=INK,
        shrinkA=0,
        shrinkB=0,
    )


def draw(drawn: Drawn) -> list[Picture]:
    """The graph with every node's value and partial derivative."""
    return [] if drawn.record is None else [graph(drawn.record)]
