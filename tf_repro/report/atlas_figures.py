"""Which releases print the documents' figures: the claims, held to the atlas' recordings of the documents' programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tf_repro.atlas import Atlas, Column, printing
from tf_repro.core.verdicts import Figure
from tf_repro.suite import claims

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class History:
    """One printed figure and the releases that print it.

    Attributes:
        document: which document.
        claim: its id.
        where: the place in the document.
        printed: the figure as printed.
        yes: the releases whose Session prints it, as spans.
        no: those that do not.
    """

    document: str
    claim: str
    where: str
    printed: str
    yes: tuple[str, ...]
    no: tuple[str, ...]


def histories(atlas: Atlas, documents: Iterable[claims.Document] | None = None) -> list[History]:
    """The history of every figure that a document's Session program prints.

    Args:
        atlas: the recordings.
        documents: which; None for all. One without a TensorFlow 1 program has no history.
    """
    found = []
    for document in documents or map(claims.load, claims.names()):
        for claim in document.claims:
            if claim.figures[0].rule in ("statement", "rounding"):
                continue
            output = f"{claim.moment} {claim.quantity}"
            asked = printing(atlas, f"document_{document.name}", output, partial(_prints, claim.figures))
            if asked:
                printed = " ".join(figure.printed for figure in claim.figures)
                yes, no = ([c for c, does in asked.items() if does is side] for side in (True, False))
                columns = list(asked)
                found.append(
                    History(document.name, claim.id, claim.where, printed, spans(yes, columns), spans(no, columns))
                )
    return found


def _prints(figures: Sequence[Figure], values: Array) -> bool:
    """Whether the values print as the figures, one for one."""
    if len(values) != len(figures):
        return False
    return all(figure.is_printed_by(value) for figure, value in zip(figures, values, strict=True))


def spans(chosen: Sequence[Column], columns: Sequence[Column]) -> tuple[str, ...]:
    """Releases in words: ``"0.12.1 to 1.4.1"``, and with which state of oneDNN where only one of the two is meant.

    Args:
        chosen: the columns that are meant.
        columns: all that were asked, in their order.
    """
    states: dict[str, str] = {}
    for version in dict.fromkeys(column.version for column in columns):
        meant = {column.onednn for column in chosen if column.version == version}
        asked = {column.onednn for column in columns if column.version == version}
        if meant:
            states[version] = "" if meant == asked else " with oneDNN" if "1" in meant else " without oneDNN"
    found: list[list[str]] = []
    previous = None
    for version in dict.fromkeys(column.version for column in columns):
        if version in states and found and previous == states[version]:
            found[-1].append(version)
        elif version in states:
            found.append([version])
        previous = states.get(version)
    return tuple((run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}") + states[run[0]] for run in found)
