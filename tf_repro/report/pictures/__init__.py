"""Plots of what the suite computed, as SVG for the pages of the report; importing this imports matplotlib.

Every function takes Records, Findings or measured rows and gives a :class:`Picture`.
"""

from collections.abc import Mapping, Sequence

from tf_repro.core.data import Digits
from tf_repro.core.record import Record
from tf_repro.core.verdicts import Finding
from tf_repro.report.pictures import components, reverse_mode, softmax_backprop, softmax_jacobian, softmax_regression
from tf_repro.report.pictures.svg import Picture

__all__ = ["Picture", "of_components", "of_document"]


def of_document(
    document: str, records: Mapping[str, Record], findings: Sequence[Finding], digits: Digits, tensorflow: str
) -> list[Picture]:
    """The pictures of one document, as far as the engines that ran allow.

    Args:
        document: its name.
        records: its Records by engine.
        findings: its Findings.
        digits: what the three-layer network was trained on.
        tensorflow: the version of the TensorFlow that ran.
    """
    record = next((records[engine] for engine in _PREFERRED if engine in records), None)
    if document == "softmax_backprop":
        drift = [softmax_backprop.weights(records, tensorflow)] if softmax_backprop.REFERENCE in records else []
        return [*drift, softmax_backprop.figures(findings, tensorflow)]
    if record is None:
        return []
    if document == "softmax_jacobian":
        return [softmax_jacobian.learning_curve(record), softmax_jacobian.confusion(record, digits)]
    if document == "softmax_regression":
        draw = softmax_regression.two_class, softmax_regression.label_probability, softmax_regression.training
        return [each(record) for each in draw]
    return [reverse_mode.graph(record)] if document == "reverse_mode" else []


_PREFERRED = ("eager", "function", "xla", "derivation", "compat.v1", "tf-1.15.5")
"""Which engine's Record is drawn where one is enough."""


def of_components() -> list[Picture]:
    """Softmax's accuracy, measured at once, and the saved benchmarks."""
    return [*components.accuracy(), *components.benchmarks(components.load_benchmarks())]
