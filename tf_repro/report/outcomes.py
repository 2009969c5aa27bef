"""Findings in a reader's order: engines that agree on a figure share a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tf_repro.core.verdicts import DRIFTED, ERRATUM, REPRODUCED, UNEXPLAINED, Finding
from tf_repro.suite.claims import Document

MAX_EXACT_ULP = 99_999
_DOES = {REPRODUCED: "reproduces", DRIFTED: "drifts", ERRATUM: "is an erratum", UNEXPLAINED: "is unexplained"}


@dataclass(frozen=True)
class Outcome:
    """What became of one printed scalar on those engines that agree.

    Attributes:
        finding: of the first of them.
        engines: their names.
        is_every: whether these are all engines of the document.
        is_first: whether it is the figure's first outcome.
    """

    finding: Finding
    engines: tuple[str, ...]
    is_every: bool
    is_first: bool


def outcomes(document: Document, findings: Sequence[Finding]) -> Iterator[Outcome]:
    """The outcomes of each of a document's figures, in its claims' order.

    Example:
        >>> import numpy as np
        >>> from tf_repro.suite import claims
        >>> from tf_repro.core.verdicts import Declaration, Figure, find
        >>> names = dict(document="reverse_mode", claim="before.w", moment="before", index=0)
        >>> found = [
        ...     find(Figure("2", "exact"), Declaration(), np.float32(2), engine=engine, **names)
        ...     for engine in ("eager", "xla")
        ... ]
        >>> [outcome.engines for outcome in outcomes(claims.load("reverse_mode"), found)]
        [('eager', 'xla')]
    """
    claim_order = {claim.id: place for place, claim in enumerate(document.claims)}
    engine_order = {engine: place for place, engine in enumerate(document.engines)}
    ordered = sorted(findings, key=lambda f: (claim_order[f.claim], f.index or 0, engine_order[f.engine]))
    for _, of_figure in groupby(ordered, key=lambda f: f.name):
        grouped: dict[tuple[Any, ...], list[Finding]] = {}
        for finding in of_figure:
            key = (format_value(finding), finding.ulp, finding.verdict, finding.declared, finding.as_declared)
            grouped.setdefault(key, []).append(finding)
        for place, same in enumerate(grouped.values()):
            engines = tuple(finding.engine for finding in same)
            yield Outcome(same[0], engines, len(engines) == len(document.engines), place == 0)


def format_value(finding: Finding) -> str:
    """The value in the nine digits that tell any two float32 apart, or fewer where they suffice.

    Example:
        >>> import numpy as np
        >>> from tf_repro.core.verdicts import Declaration, Figure, find
        >>> names = dict(document="d", claim="c", moment="after", index=None, engine="eager")
        >>> format_value(find(Figure("0.32000008", "float32 array"), Declaration(), np.float32(0.32), **names))
        '0.32'
    """
    return format_number(finding.value, finding.printed)


def format_number(value: float, printed: str) -> str:
    """``value`` as :func:`format_value` writes it, for a figure that was printed as ``printed``.

    Example:
        >>> format_number(1.0, "true"), format_number(0.1, "0.10")
        ('true', '0.1')
    """
    import numpy as np

    if printed in ("true", "false"):
        return "true" if value else "false"
    single = np.float32(value)
    return str(single) if float(single) == value else f"{value:.9g}"


def format_ulp(finding: Finding) -> str:
    """Steps to the figure, or ``-`` where they mean nothing: an erratum, a statement, a nan.

    Example:
        >>> import numpy as np
        >>> from tf_repro.core.verdicts import Declaration, Figure, find
        >>> names = dict(document="d", claim="c", moment="after", index=None, engine="eager")
        >>> format_ulp(find(Figure("0.", "float32 array"), Declaration(), np.float32(-7.152558e-08), **names))
        '3.2e+07'
    """
    if finding.ulp is None or finding.verdict == ERRATUM:
        return "-"
    return str(finding.ulp) if finding.ulp <= MAX_EXACT_ULP else f"{finding.ulp:.1e}"


def format_verdict(finding: Finding) -> str:
    """The verdict in a word, or as a sentence where it is not the declared one: a red "reproduced" misleads.

    Example:
        >>> import numpy as np
        >>> from tf_repro.core.verdicts import Declaration, Figure, find
        >>> names = dict(document="d", claim="c", moment="after", index=None, engine="eager")
        >>> format_verdict(find(Figure("2", "exact"), Declaration(), np.float32(2), **names))
        'reproduced'
        >>> format_verdict(find(Figure("2", "exact"), Declaration(ulp=3), np.float32(2), **names))
        'reproduces, was declared drifted'
    """
    if finding.as_declared:
        return finding.verdict
    return f"{_DOES[finding.verdict]}, was declared {finding.declared}"
