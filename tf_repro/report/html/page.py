"""The report: everything that the Findings and Records of a run say, on one page."""

from __future__ import annotations

import datetime
import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import legacy_tf1.record
import tf_repro
from tf_repro.atlas import load as load_atlas
from tf_repro.core.record import Record
from tf_repro.core.verdicts import DRIFTED, ERRATUM, REPRODUCED, UNEXPLAINED, Finding
from tf_repro.report.align import Part, parts, side_by_side
from tf_repro.report.atlas_figures import histories
from tf_repro.report.html import render
from tf_repro.report.outcomes import Outcome, format_number, outcomes
from tf_repro.suite import claims
from tf_repro.suite.claims import Claim, Document
from tf_repro.suite.engines import needs_tensorflow
from tf_repro.suite.recordings import RECORDINGS, load_recording
from tf_repro.suite.run import Source, sources

LEADING = "softmax-backprop-figures"
"""The picture that opens the page: every figure after the step on every engine."""
VERDICTS = (REPRODUCED, DRIFTED, ERRATUM, UNEXPLAINED)

Records = Mapping[tuple[str, str], Record]


@dataclass(frozen=True)
class Correction:
    """One scalar of an erratum, all as text: what was printed and what is right, and the values computed for both."""

    printed: str
    correct: str
    computed: str
    mistaken: str


@dataclass(frozen=True)
class Drift:
    """Why figures drift: the reason's name and text, and how many figures, on which engines, by at most how much."""

    name: str
    text: str
    figures: int
    engines: Sequence[str]
    ulp: int


@dataclass(frozen=True)
class Section:
    """What the page says of one document.

    Attributes:
        document: its claims.
        verdicts: per claim, how many findings have which verdict.
        agreed: a finding of each figure that every engine that ran reproduces.
        outcomes: of the other figures, per figure and distinct outcome.
        drifts: the reasons that findings needed.
        errata: claim and corrections.
        columns: the two programs that stand side by side: program and port, or else port and derivation.
        rows: their parts, aligned.
        by_hand: the derivation, where it is not one of the two, and its parts.
    """

    document: Document
    verdicts: Mapping[str, Counter[str]]
    agreed: Sequence[Finding]
    outcomes: Sequence[Outcome]
    drifts: Sequence[Drift]
    errata: Sequence[tuple[Claim, Sequence[Correction]]]
    columns: Sequence[Source]
    rows: Sequence[tuple[Sequence[Part], Sequence[Part]]]
    by_hand: Sequence[tuple[Source, Sequence[Part]]]


def report(
    documents: Sequence[Document],
    findings: Sequence[Finding],
    records: Records,
    about: Mapping[str, str],
    pictures: Mapping[str, Sequence[Any]] | None = None,
) -> str:
    """The report as one HTML page.

    Args:
        documents: the claims that were checked.
        findings: what :func:`tf_repro.suite.findings.findings_of` yielded for them.
        records: what :func:`tf_repro.suite.run.records` returned for them.
        about: the circumstances of the run; see :func:`circumstances`.
        pictures: what :func:`pictures` returned for them; none without.
    """
    sections = [_section(each, [f for f in findings if f.document == each.name], records) for each in documents]
    sections.sort(key=lambda section: (len(section.drifts) + len(section.errata), len(section.outcomes)), reverse=True)
    origins = Counter({finding.name: finding.origin for finding in findings}.values())
    return render(
        "report.html.j2",
        sections=sections,
        leading=LEADING,
        learned=_learned(sections),
        machines=list(dict.fromkeys(f.machine for f in findings if needs_tensorflow(f.engine))),
        engines=claims.engines(documents),
        findings=findings,
        figures={origin: origins[origin] for origin in ("printed", "derived")},
        wrong=[finding for finding in findings if not finding.as_declared],
        by_document=Counter((finding.document, finding.verdict) for finding in findings),
        by_engine=Counter((finding.engine, finding.verdict) for finding in findings),
        verdicts=VERDICTS,
        about=about,
        histories=histories(load_atlas(), documents),
        pictures=dict.fromkeys(["component", *(document.name for document in documents)], ()) | dict(pictures or {}),
    )  # fmt: skip


def pictures(
    documents: Sequence[Document], findings: Sequence[Finding], records: Records, data: str
) -> dict[str, Sequence[Any]]:
    """The pictures of each document by its name, and the components' under ``"component"``.

    Args:
        documents: as for :func:`report`.
        findings: as for :func:`report`.
        records: as for :func:`report`.
        data: what the three-layer network was trained on; see :func:`tf_repro.core.data.load_digits`.
    """
    from tf_repro.report.pictures import of_components, of_document

    found: dict[str, Sequence[Any]] = {"component": of_components()}
    for document in documents:
        of_engine = {engine: record for (name, engine), record in records.items() if name == document.name}
        own = [finding for finding in findings if finding.document == document.name]
        found[document.name] = of_document(document.name, of_engine, own, data, _version("TensorFlow"))
    return found


def circumstances() -> dict[str, str]:
    """When, on what and with which versions this process runs, and what the recordings were made with.

    Example:
        >>> circumstances()["tf_repro"] == tf_repro.__version__
        True
    """
    found = {
        "Run": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "tf_repro": tf_repro.__version__,
        **{name: _version(name) for name in ("TensorFlow", "Keras", "NumPy")},
        "Python": platform.python_version(),
        "CPU": legacy_tf1.record.processor(),
    }
    kernels = [f"{name}={os.environ[name]}" for name in ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA")
               if name in os.environ]  # fmt: skip
    if kernels:
        found["Kernels"] = ", ".join(kernels)
    for path in sorted(RECORDINGS.glob("tf-*.json")):
        made = next(iter(load_recording(path).values())).provenance
        found[path.stem] = "recorded with Python {python} and NumPy {numpy} on {cpu}".format(**made)
    return found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _section(document: Document, findings: Sequence[Finding], records: Records) -> Section:
    verdicts = {claim.id: Counter(f.verdict for f in findings if f.claim == claim.id) for claim in document.claims}
    left, right, *by_hand = sources(document.name)
    shown = list(outcomes(document, findings))
    agreed = _agreed(shown)
    return Section(
        document=document,
        verdicts=verdicts,
        agreed=[outcome.finding for outcome in shown if outcome.finding.name in agreed],
        outcomes=[outcome for outcome in shown if outcome.finding.name not in agreed],
        drifts=_drifts(document, findings),
        errata=[
            (claim, _corrections(claim, records[document.name, _truest(claim)]))
            for claim in document.claims
            if verdicts[claim.id][ERRATUM]
        ],
        columns=(left, right),
        rows=side_by_side(parts(left.text), parts(right.text)),
        by_hand=[(source, parts(source.text)) for source in by_hand],
    )


def _agreed(shown: Sequence[Outcome]) -> set[str]:
    """The names of the figures that have one outcome, which is that they are reproduced, as declared."""
    outcomes_of = Counter(outcome.finding.name for outcome in shown)
    return {
        outcome.finding.name
        for outcome in shown
        if outcomes_of[outcome.finding.name] == 1
        and outcome.finding.verdict == REPRODUCED
        and outcome.finding.as_declared
    }


def _drifts(document: Document, findings: Sequence[Finding]) -> list[Drift]:
    """The drifted findings by why they may drift: a declared reason, a kernel's very bits, or the rounding bound."""
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.verdict == DRIFTED:
            grouped.setdefault(_why(document, finding), []).append(finding)
    found = []
    for (name, text), drifted in grouped.items():
        engines = [engine for engine in document.engines if any(f.engine == engine for f in drifted)]
        found.append(Drift(name, text, len({f.name for f in drifted}), engines, max(f.ulp or 0 for f in drifted)))
    return found


def _why(document: Document, finding: Finding) -> tuple[str, str]:
    if finding.reason:
        return finding.reason, document.reasons[finding.reason]
    if finding.explained_by:
        return f"bits of {finding.explained_by}", f"the very bits of the emulated kernel {finding.explained_by}"
    return "rounding", "within what the rounding of these formulas can amount to, in whatever order they are summed"


def _learned(sections: Sequence[Section]) -> dict[str, list[tuple[Any, ...]]]:
    """What the page's cards say: every drift, and every erratum with its first correction."""
    return {
        "drifts": [(section, drift) for section in sections for drift in section.drifts],
        "errata": [(section, claim, said[0]) for section in sections for claim, said in section.errata if said],
    }


def _truest(claim: Claim) -> str:
    """The derivation, where it computes the claim."""
    return "derivation" if "derivation" in claim.declarations else next(iter(claim.declarations))


def _corrections(claim: Claim, record: Record) -> list[Correction]:
    computed, mistaken = (record.quantity(claim.moment, name).ravel() for name in (claim.quantity, claim.mistake))
    declared = claim.declarations[_truest(claim)]
    return [
        Correction(
            figure.printed,
            declaration.correct.printed,
            format_number(float(computed[index]), figure.printed),
            format_number(float(mistaken[index]), figure.printed),
        )
        for index, (figure, declaration) in enumerate(zip(claim.figures, declared, strict=True))
        if declaration.correct is not None
    ]
