"""The components beside their peers: softmax's gradient error, measured at once, and saved times and memory."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from tf_repro.report.pictures.svg import MARKERS, SERIES, Picture, logarithmic, picture
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
_LEAST_BYTES = 1e5  # below that the resident set does not tell

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
        for index, (function, values) in enumerate(errors.items()):
            axes.plot(places, values, marker=MARKERS[index], color=SERIES[1 - index], label=function)
        axes.axhline(1, color=SERIES[4], linestyle="--", linewidth=1.2)
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


def _benchmark(operation: str, rows: Sequence[Mapping[str, Any]], made: str) -> Picture:
    sizes = [" × ".join(map(str, row["size"])) for row in rows]
    names = list(dict.fromkeys(name for row in rows for name in row["implementations"]))

    def draw(figure: Figure) -> None:
        for axes, key, unit, label in zip(
            figure.subplots(1, 2, sharey=True),
            ("peak_bytes", "seconds"),
            (1e6, 1e-3),
            ("memory, MB", "time, ms"),
            strict=True,
        ):
            for index, name in enumerate(names):
                measured = np.array([row["implementations"].get(name, {}).get(key, np.nan) for row in rows])
                if key == "peak_bytes":
                    measured = np.maximum(measured, _LEAST_BYTES)
                shift = (index - (len(names) - 1) / 2) * 0.12
                places = np.arange(len(rows)) + shift
                axes.plot(
                    measured / unit,
                    places,
                    linestyle="none",
                    marker=MARKERS[index % len(MARKERS)],
                    color=SERIES[index % len(SERIES)],
                    label=name if key == "seconds" else None,
                )
            logarithmic(axes, "x")
            axes.set(xlabel=label, ylim=(len(rows) - 0.5, -0.5))
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
        title=f"{OPERATIONS[operation]}: peak memory and time, forward and backward",
        alt=f"At {sizes[-1]}: {told}.",
        caption="Growth of the resident set at its highest, each implementation in a fresh process (0.1 MB stands for "
        "that or less), and the median time of interleaved rounds; sizes are rows × … × classes, float32. "
        f"Measured: {made}.",
        height=1.5 + 0.55 * len(rows),
    )
