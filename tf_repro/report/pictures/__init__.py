"""Plots of what the suite computed, as SVG for the pages of the report; importing this imports matplotlib.

A document's pictures are those that the module of its name draws, in ``draw(drawn)``.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence

from tf_repro.core.record import Record
from tf_repro.core.verdicts import Finding
from tf_repro.report.pictures import components
from tf_repro.report.pictures.drawn import Drawn
from tf_repro.report.pictures.svg import Picture

__all__ = ["Drawn", "Picture", "of_components", "of_document"]


def of_document(
    document: str, records: Mapping[str, Record], findings: Sequence[Finding], data: str, tensorflow: str
) -> list[Picture]:
    """The pictures of one document, as far as the engines that ran allow.

    Args:
        document: its name.
        records: its Records by engine.
        findings: its Findings.
        data: what the three-layer network was trained on; see :func:`tf_repro.core.data.load_digits`.
        tensorflow: the version of the TensorFlow that ran.
    """
    name = f"{__name__}.{document}"
    if importlib.util.find_spec(name) is None:
        return []
    pictures: list[Picture] = importlib.import_module(name).draw(Drawn(records, findings, data, tensorflow))
    return pictures


def of_components() -> list[Picture]:
    """Softmax's accuracy, measured at once, and the saved benchmarks."""
    return [*components.accuracy(), *components.benchmarks(components.load_benchmarks())]
