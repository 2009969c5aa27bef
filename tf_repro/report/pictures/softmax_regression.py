"""The three pictures of ``softmax_regression``: two classes, the label's probability, and the loss of a training."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tf_repro.core.record import Array, Record
from tf_repro.report.pictures.drawn import Drawn
from tf_repro.report.pictures.svg import SERIES, WIDTH, Picture, picture

HEIGHT = 3.2
_GRAIN = 300  # dots to an inch; those that fall on one another are drawn once


def two_class(record: Record) -> Picture:
    """The cross-entropy ``Σ p ln q`` of two classes against the probability of the right one."""
    experiment = record["two classes"]
    return picture(
        "softmax-regression-two-classes",
        lambda figure: _scatter(figure, experiment, "probability of the right class, q₁", 3.5),
        title="Two classes: cross-entropy by the right class's probability",
        alt=_described(experiment),
        caption="Random distributions over two classes, all labelled [1, 0]. Σ p ln q approaches 0 from below "
        "as q₁ approaches 1.",
        height=HEIGHT,
    )


def label_probability(record: Record) -> Picture:
    """The cross-entropy ``Σ p ln q`` of many classes against the label's probability."""
    experiment = record["label probability"]
    return picture(
        "softmax-regression-label-probability",
        lambda figure: _scatter(figure, experiment, "softmax probability of the label", 2.0),
        title="Twenty classes: cross-entropy by the label's probability",
        alt=_described(experiment),
        caption="Samples of 20 random logits between 0 and 10, each with a random label. Every sample lies on ln q.",
        height=HEIGHT,
    )


def _described(experiment: Mapping[str, Array]) -> str:
    q, loss = experiment["q"], experiment["loss"]
    order = np.argsort(q)
    rises = "rises with every one of them" if (np.diff(loss[order]) >= 0).all() else "does not always rise"
    return (
        f"{q.size} samples. The probability goes from {q.min():.2g} to {q.max():.4f}; the cross-entropy {rises}, "
        f"from {loss.min():.2f} to {loss.max():.4f}, and {'stays' if (loss <= 0).all() else 'does not stay'} below 0."
    )


def _scatter(figure: Figure, experiment: Mapping[str, Array], label: str, size: float) -> None:
    axes = figure.add_subplot()
    q, loss = _distinct(experiment["q"], experiment["loss"])
    axes.plot(q, loss, linestyle="none", marker="o", markersize=size, markeredgewidth=0, color=SERIES[0])
    axes.set(xlabel=label, ylabel="Σ p ln q, nats", xlim=(-0.02, 1.02))


def _distinct(q: Array, loss: Array) -> tuple[Any, Any]:
    grid = np.array([1 / (WIDTH * _GRAIN), np.ptp(loss) / (HEIGHT * _GRAIN)])
    points = np.stack([q, loss], axis=1)
    _, first = np.unique(np.round(points / grid), axis=0, return_index=True)
    return q[first], loss[first]


def training(record: Record) -> Picture:
    """The loss before every step of the training."""
    loss = record["trajectory"]["loss"]
    start, end = loss[0], loss[-1]
    early = min(1000, loss.size - 1)
    share = (loss[early] - start) / (end - start) if end != start else 1.0

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot(np.arange(loss.size), loss, color=SERIES[0])
        axes.axvline(early, color=SERIES[1], linestyle="--", linewidth=1.2)
        axes.annotate(
            f"{share:.1%} of the gain by step {early}",
            (early, start + 0.35 * (end - start)),
            xytext=(6, 0),
            textcoords="offset points",
        )
        axes.set(xlabel="training step", ylabel="loss, mean Σ p ln q, nats")

    rises = "rises at every step" if (np.diff(loss) > 0).all() else "does not rise at every step"
    return picture(
        "softmax-regression-training",
        draw,
        title=f"The loss over {loss.size} steps of ascent",
        alt=f"The loss {rises}, from {start:.4f} to {end:.4f} nats; "
        f"the first {early} steps make {share:.1%} of the gain.",
        caption="500 random samples of 50 features and 20 random classes, from zero weights, where the loss is -ln 20.",
        height=HEIGHT,
    )


def draw(drawn: Drawn) -> list[Picture]:
    """The two experiments and the training."""
    record = drawn.record
    return [] if record is None else [two_class(record), label_probability(record), training(record)]
