"""The components beside their peers: softmax's gradient error, measured at once, and saved times and memory."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from tf_repro.report.pictures.svg import INK, NEUTRAL, Picture, logarithmic, look_of, picture
from tf_repro.suite.derivations.softmax import softmax_and_product

SHAPE = (64, 1000)
SCALES = (0.5, 1, 2, 4, 6, 8, 10, 14, 20, 28, 40)
OFFSETS = (0.1, 1, 10, 100, 1e3, 1e4, 1e5)
OFFSETS_SCALE = 5.0
OPERATIONS = {
    "softmax": "Softmax",
    "dense": "Cross-entropy with dense labels",
    "sparse": "Cross-entropy with sparse labels",
    "linear": "Linear layer and cross-entropy",
}
BASE = "tf.nn"
LEAST_BYTES = 1e6
"""Below it the growth of the resident set does not tell: an allocator takes pages by the dozen."""
TICKS = ((1 / 8, "⅛"), (1 / 4, "¼"), (1 / 2, "½"), (1, "1"), (2, "2"), (4, "4"), (8, "8"), (16, "16"), (32, "32"))

Errors = Mapping[str, Sequence[float]]


def accuracy() -> tuple[Picture, Picture]:
    """The error of softmax's gradient, by the logits' scale and by the upstream gradient's offset; takes a second."""
    scales = gradient_errors((scale, 0.0) for scale in SCALES)
    offsets = gradient_errors((OFFSETS_SCALE, offset) for offset in OFFSETS)
    rows, classes = SHAPE
    caption = (
        f"Largest |error| over largest |gradient| of a row, the worst of {rows} rows of {classes} float32 logits, "
        + ("against long double. Above the dashed line the error is larger than the gradient.")
    )
    return (
        _accuracy("scale", SCALES, scales, "standard deviation of the logits", caption),
        _accuracy("offset", OFFSETS, offsets, "offset of the upstream gradient", caption),
    )


def gradient_errors(cases: Iterable[tuple[float, float]]) -> dict[str, list[float]]:
    """By implementation, the worst row's relative error of softmax's float32 gradient in each case.

    Args:
        cases: the logits' standard deviation and the upstream gradient's offset.

    Example:
        >>> errors = gradient_errors([(20.0, 0.0)])
        >>> errors["tf_repro.nn.softmax"][0] < 1e-5 < 0.5 < errors["tf.nn.softmax"][0]
        True
    """
    import tensorflow as tf

    from tf_repro import nn

    functions: dict[str, Callable[..., Any]] = {"tf.nn.softmax": tf.nn.softmax, "tf_repro.nn.softmax": nn.softmax}
    errors: dict[str, list[float]] = {name: [] for name in functions}
    for scale, offset in cases:
        random = np.random.RandomState(0)
        logits = (scale * random.standard_normal(SHAPE)).astype("float32")
        upstream = (random.standard_normal(SHAPE) + offset).astype("float32")
        truth = softmax_and_product(logits, upstream)[1]
        for name, function in functions.items():
            z = tf.constant(logits)
            with tf.GradientTape() as tape:
                tape.watch(z)
                y = function(z)
            error = np.abs(tape.gradient(y, z, tf.constant(upstream)).numpy() - truth).max(axis=1)
            errors[name].append(float((error / np.abs(truth).max(axis=1)).max()))
    return errors


def _accuracy(name: str, places: Sequence[float], errors: Errors, label: str, caption: str) -> Picture:
    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for function, values in errors.items():
            axes.plot(places, values, **look_of(function), label=function)
        axes.axhline(1, color=NEUTRAL, linestyle="--", linewidth=1.2)
        logarithmic(axes, "y")
        if name == "offset":
            logarithmic(axes, "x")
        axes.set(xlabel=label, ylabel="relative error of the gradient")
        figure.legend(loc="outside upper center", ncols=len(errors))

    worst = "; ".join(
        f"{function}'s goes from {values[0]:.0e} at {places[0]:g} to {values[-1]:.0e} at {places[-1]:g}, "
        f"at most {max(values):.0e}"
        for function, values in errors.items()
    )
    return picture(
        f"components-accuracy-{name}",
        draw,
        title=f"Error of softmax's gradient by the {label}",
        alt=f"Relative error of the gradient: {worst}.",
        caption=caption,
    )


def load_benchmarks() -> dict[str, Any]:
    """The results of ``python -m benchmarks`` that the package carries."""
    text = (resources.files("tf_repro.report") / "benchmarks.json").read_text(encoding="utf-8")
    results: dict[str, Any] = json.loads(text)
    return results


def benchmarks(results: Mapping[str, Any]) -> list[Picture]:
    """Peak memory and time of every operation, by size and implementation.

    Args:
        results: what ``python -m benchmarks`` saves in ``RESULTS.json``.
    """
    made = ", ".join(f"{name} {value}" for name, value in results["provenance"].items())
    pictures = []
    for operation in OPERATIONS:
        rows = [row for row in results["rows"] if row["operation"] == operation]
        if rows:
            pictures.append(_benchmark(operation, rows, made))
    return pictures


def ratios(rows: Sequence[Mapping[str, Any]], name: str, key: str) -> Any:
    """What an implementation took in each row, over what :data:`BASE` took; nan where one was not measured.

    Example:
        >>> ratios([{"implementations": {"tf.nn": {"seconds": 2.0}, "jax": {"seconds": 1.0}}}], "jax", "seconds")
        array([0.5])
    """
    measured = [[row["implementations"].get(each, {}).get(key, np.nan) for each in (name, BASE)] for row in rows]
    own, base = np.array(measured, float).T
    return np.where(base < (LEAST_BYTES if key == "peak_bytes" else 0), np.nan, own / base)


def _benchmark(operation: str, rows: Sequence[Mapping[str, Any]], made: str) -> Picture:
    sizes = [" × ".join(map(str, row["size"])) for row in rows]
    names = list(dict.fromkeys(name for row in rows for name in row["implementations"]))

    def draw(figure: Figure) -> None:
        for axes, key, label in zip(
            figure.subplots(1, 2, sharey=True), ("peak_bytes", "seconds"), ("memory", "time"), strict=True
        ):
            for name in names:
                places = np.arange(len(rows)) + (names.index(name) - (len(names) - 1) / 2) * 0.12
                shown = {"label": name if key == "seconds" else None, "linestyle": "none"}
                axes.plot(ratios(rows, name, key), places, **look_of(name), **shown)
            axes.axvline(1, color=INK, linewidth=1.0)
            axes.set(xlabel=f"{label}, of {BASE}'s", xscale="log", ylim=(len(rows) - 0.5, -0.5))
            low, high = axes.get_xlim()
            axes.set_xticks(*zip(*((at, text) for at, text in TICKS if low / 1.5 < at < high * 1.5), strict=True))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_minor_locator(NullLocator())
        figure.axes[0].set_yticks(range(len(rows)), sizes)
        figure.legend(loc="outside upper center", ncols=3, handletextpad=0.1, columnspacing=0.8)

    last = rows[-1]["implementations"]
    told = "; ".join(
        f"{name} {entry['peak_bytes'] / 1e6:.1f} MB and {entry['seconds'] * 1e3:.1f} ms" for name, entry in last.items()
    )
    return picture(
        f"components-benchmark-{operation}",
        draw,
        title=f"{OPERATIONS[operation]}: peak memory and time beside {BASE}'s, forward and backward",
        alt=f"At {sizes[-1]}: {told}.",
        caption="Growth of the resident set at its highest, each implementation in a fresh process, and the median "
        f"time of interleaved rounds, as a share of {BASE}'s, at the line; left of it is better. Memory is left out "
        "where that is below 1 MB. Sizes are rows × … × classes, float32. "
        f"Measured: {made}.",
        height=1.5 + 0.55 * len(rows),
    )
