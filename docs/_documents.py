"""What the documents' pages share: tables of figures and errata, computed as a page is built, without TensorFlow."""

from __future__ import annotations

from itertools import groupby

from IPython.display import Markdown

from tf_repro.core.verdicts import ERRATUM, Finding
from tf_repro.report.outcomes import format_number
from tf_repro.suite import claims
from tf_repro.suite import run as suite

SHOWN = 5
"""How many of a claim's scalars are written out."""


def by_hand(name: str) -> dict[str, list[Finding]]:
    """A document's findings on its derivation in float64, by claim; all of them as declared."""
    (document,), _ = claims.select([name])
    findings = list(suite.findings([document], ["derivation"]))
    assert all(finding.as_declared for finding in findings)
    return {claim: list(same) for claim, same in groupby(findings, key=lambda finding: finding.claim)}


def figures(name: str) -> Markdown:
    """A row per claim that holds: where it stands, what was printed, and what the derivation gives."""
    (document,), _ = claims.select([name])
    found = by_hand(name)
    rows = ["| where | claimed | by hand, in float64 |", "|---|---|---|"]
    for claim in document.claims:
        same = found.get(claim.id, [])
        if not same or same[0].verdict != ERRATUM:
            said = f"{claim.where}: {claim.statement}" if claim.statement else claim.where
            values = [format_number(each.value, each.printed) for each in same]
            printed = _listed([figure.printed for figure in claim.figures])
            rows.append(f"| {_cell(said)} | {printed} | {_listed(values) or 'of the port alone'} |")
    return Markdown("\n".join(rows))


def errata(name: str) -> Markdown:
    """A row per erratum: what was printed, what is right, and the mistake that yields the printed figure."""
    (document,), _ = claims.select([name])
    found = by_hand(name)
    rows = ["| where | printed | correct | the mistake |", "|---|---|---|---|"]
    for claim in document.claims:
        if claim.id in found and found[claim.id][0].verdict == ERRATUM:
            correct = [declared.correct.printed for declared in claim.declarations["derivation"]]
            printed = [figure.printed for figure in claim.figures]
            rows.append(f"| {_cell(claim.where)} | {_listed(printed)} | {_listed(correct)} | {_cell(claim.because)} |")
    return Markdown("\n".join(rows))


def _listed(texts: list[str]) -> str:
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return _cell(", ".join(texts[:SHOWN]) + more)


def _cell(text: str) -> str:
    """Text that no character of it makes Markdown of."""
    for character in "\\|*_<[$":
        text = text.replace(character, f"\\{character}")
    return text
