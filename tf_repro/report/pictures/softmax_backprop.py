"""The drift of ``softmax_backprop``'s after-step figures across TensorFlow releases."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from tf_repro.core.record import Record
from tf_repro.core.verdicts import Finding
from tf_repro.report.pictures.drawn import Drawn
from tf_repro.report.pictures.heat import add_legend, draw_kinds
from tf_repro.report.pictures.svg import MARKERS, SERIES, Picture, picture

REFERENCE = "tf-1.4.1"
LABEL = 7.0
"""Points of the columns' names: nine columns share 300 points, and "Session" must fit one of them."""
EMULATED = {"lanes-4": "4\nlanes", "lanes-8": "8\nlanes"}
CURRENT = {"compat.v1": "Session", "eager": "eager", "xla": "XLA", "eager:tf1": "“tf1”"}


def columns(engines: Sequence[str] | Mapping[str, object], current: str) -> dict[str, str]:
    r"""The engines to draw, oldest release first, and what stands under each.

    Args:
        engines: those that ran.
        current: TensorFlow's version where the engine is not a recording.

    Example:
        >>> columns(["eager", "tf-1.5.1", "lanes-8", "tf-1.15.5", "derivation"], "2.21.0")
        {'tf-1.5.1': '1.5.1', 'tf-1.15.5': '1.15.5', 'lanes-8': '8\nlanes', 'eager': '2.21.0\neager'}
    """
    recorded = [engine for engine in engines if engine.startswith("tf-")]
    recorded.sort(key=lambda engine: [int(part) for part in engine.removeprefix("tf-").split(".")])
    names = {engine: engine.removeprefix("tf-") for engine in recorded}
    names |= {engine: name for engine, name in EMULATED.items() if engine in engines}
    return names | {engine: f"{current}\n{how}" for engine, how in CURRENT.items() if engine in engines}


def weights(records: Mapping[str, Record], current: str) -> Picture:
    """How far each weight after the step is from TensorFlow 1.4.1's, by release.

    Args:
        records: the document's Records by engine, :data:`REFERENCE` among them.
        current: the version of the TensorFlow that ran.
    """
    shown = columns(records, current)
    reference = records[REFERENCE]["after"]["w"].astype("float64")
    apart = np.stack([records[engine]["after"]["w"] - reference for engine in shown]) * 1e8

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for index, colour in enumerate(SERIES):
            axes.plot(apart[:, index], linestyle="none", marker=MARKERS[index], color=colour, label=f"w[{index}]")
        axes.set_xticks(range(len(shown)), list(shown.values()))
        axes.tick_params(axis="x", labelsize=LABEL)
        axes.set(xlabel="TensorFlow release, or emulated kernel", ylabel="weight minus 1.4.1's, 10⁻⁸")
        figure.legend(loc="outside upper center", ncols=len(SERIES), handlelength=1.5, columnspacing=1.2)

    equal = [name.replace("\n", " ") for name, row in zip(shown.values(), apart, strict=True) if not row.any()]
    largest = np.abs(apart).max(axis=1)
    first = next((name for name, far in zip(shown.values(), largest, strict=True) if far), None)
    alt = f"The five weights are 1.4.1's, bit for bit, in {', '.join(equal)}. " + (
        f"They part from them first in {first}, by up to {largest.max():.1f}·10⁻⁸." if first else "No release parts."
    )
    return picture(
        "softmax-backprop-weights",
        draw,
        title="The weights after the step, by TensorFlow release",
        alt=alt,
        caption="Each weight's distance from what TensorFlow 1.4.1 computed, whose digits the document printed. "
        '“tf1” is the port on nn.softmax(…, numerics="tf1").',
    )


def figures(findings: Sequence[Finding], current: str) -> Picture:
    """How many floating-point steps each figure after the step is from what the document printed, by release.

    Args:
        findings: the document's Findings.
        current: the version of the TensorFlow that ran.
    """
    after = [finding for finding in findings if finding.claim.startswith("after.")]
    shown = columns({finding.engine: 0 for finding in after}, current)
    names = list(dict.fromkeys(_name(finding) for finding in after))
    steps = {(_name(finding), finding.engine): finding.ulp for finding in after}
    table = [[steps.get((name, engine)) for engine in shown] for name in names]

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        draw_kinds(axes, table, names, list(shown.values()))
        add_legend(figure)
        axes.tick_params(axis="x", labelsize=LABEL)
        axes.set(xlabel="TensorFlow release, or emulated kernel", ylabel="figure after the step")

    away = {
        label.replace("\n", " "): sum(bool(row[column]) for row in table) for column, label in enumerate(shown.values())
    }
    counts = ", ".join(f"{count} in {name}" for name, count in away.items())
    return picture(
        "softmax-backprop-figures",
        draw,
        title="Distance of the printed figures after the step, in ULP, by TensorFlow release",
        alt=f"Of the {len(names)} figures printed after the step, these many are not printed again: {counts}.",
        caption="Steps of float32 between the computed value and the nearest one that prints as the document's figure; "
        "an empty cell is the figure itself. Where the document has 0., steps mean nothing.",
        height=1.2 + 0.2 * len(names),
    )


def _name(finding: Finding) -> str:
    return finding.claim.removeprefix("after.") + ("" if finding.index is None else f"[{finding.index}]")


def draw(drawn: Drawn) -> list[Picture]:
    """Where the weights part from the document's release, and every figure on every engine."""
    drift = [weights(drawn.records, drawn.tensorflow)] if REFERENCE in drawn.records else []
    return [*drift, figures(drawn.findings, drawn.tensorflow)]
