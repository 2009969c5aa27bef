"""From Records to Findings: every claim of a document against an engine's Record, the rounding bound beside it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from tf_repro.core.errors import InputError
from tf_repro.core.record import Array, Record
from tf_repro.core.rounding import PRECISIONS
from tf_repro.core.ulp import same_bits
from tf_repro.core.verdicts import Bound, Finding, find
from tf_repro.suite import statements
from tf_repro.suite.claims import Claim, Document
from tf_repro.suite.engines import LANES, needs_tensorflow

Bounds = Mapping[str, Mapping[str, Any]]


def findings_of(
    records: Mapping[tuple[str, str], Record], documents: Sequence[Document], engines: Sequence[str]
) -> Iterator[Finding]:
    """One Finding per printed scalar and engine.

    Args:
        records: by document and engine; see :func:`tf_repro.suite.run.records`.
        documents: the claims.
        engines: which engines; of each document, those that it names.
    """
    for document in documents:
        emulated = {engine: records[document.name, engine] for engine in LANES if (document.name, engine) in records}
        for engine in engines:
            if (document.name, engine) in records and engine in document.engines:
                yield from compare(document, engine, records[document.name, engine], emulated)


def compare(
    document: Document, engine: str, run: Record, emulated: Mapping[str, Record] | None = None
) -> Iterator[Finding]:
    """The Findings of one document on one engine.

    Args:
        document: the claims.
        engine: what the Record was run on.
        run: the engine's Record.
        emulated: Records of the emulated kernels, which explain a stock engine's bits where they equal theirs.
    """
    for claim in document.claims:
        if engine in claim.declarations:
            explained_by = _explained_by(claim, run, emulated or {}) if needs_tensorflow(engine) else ""
            yield from _compare_claim(document, claim, engine, run, explained_by)


def _explained_by(claim: Claim, run: Record, emulated: Mapping[str, Record]) -> str:
    """The emulated kernel that gives the whole quantity bit for bit, the first of several; else ""."""
    value = run.quantity(claim.moment, claim.quantity)
    for engine, record in emulated.items():
        if same_bits(value, record.quantity(claim.moment, claim.quantity)):
            return engine
    return ""


def _compare_claim(document: Document, claim: Claim, engine: str, run: Record, explained_by: str) -> Iterator[Finding]:
    values = _scalars(claim, run, claim.quantity)
    mistaken = _scalars(claim, run, claim.mistake) if claim.mistake else [None] * len(values)
    allowed = bounds(document.name, _precision(claim, values), run.provenance.get("data", "digits"))
    of_values, of_mistakes = (_bounds_of(allowed, claim, name) for name in (claim.quantity, claim.mistake))
    for index, figure in enumerate(claim.figures):
        yield find(
            figure,
            claim.declarations[engine][index],
            values[index],
            mistaken=mistaken[index],
            bound=of_values[index],
            mistaken_bound=of_mistakes[index],
            explained_by=explained_by,
            origin=claim.origins[index],
            machine=_machine(run.provenance),
            document=document.name,
            claim=claim.id,
            moment=claim.moment,
            index=None if claim.is_scalar else index,
            engine=engine,
        )


def _precision(claim: Claim, values: Array) -> str:
    """The precision that was printed, else that of the values."""
    printed = claim.figures[0].rule.partition(" ")[0]
    return printed if printed in PRECISIONS else str(np.result_type(values.dtype, np.float32))


def _bounds_of(allowed: Bounds, claim: Claim, quantity: str) -> list[Bound | None]:
    """The rounding bound of each of the claim's scalars, as far as there is one."""
    rounded = allowed.get(claim.moment, {}).get(quantity)
    if rounded is None:
        return [None] * len(claim.figures)
    truths, errors = np.ravel(rounded.value), np.ravel(rounded.error)
    return [Bound(float(truth), float(error)) for truth, error in zip(truths, errors, strict=True)]


@cache
def bounds(document: str, precision: str, data: str = "digits") -> Bounds:
    """What any evaluation of the document's formulas in the precision may give, by moment and quantity."""
    derivation = importlib.import_module(f"tf_repro.suite.derivations.{document}")
    computed: Bounds = derivation.bounds(precision, data) if hasattr(derivation, "bounds") else {}
    decided = statements.bounds(document, precision)
    return {name: {**computed.get(name, {}), **decided.get(name, {})} for name in {*computed, *decided}}


def _machine(provenance: Mapping[str, str]) -> str:
    """What the Record was computed on, in one line."""
    if "machine" in provenance:
        return provenance["machine"]
    parts = (provenance.get("cpu"), f"TensorFlow {provenance['tensorflow']}" if "tensorflow" in provenance else None)
    return "; ".join(part for part in parts if part)


def _scalars(claim: Claim, run: Record, quantity: str) -> Array:
    try:
        array = run.quantity(claim.moment, quantity).ravel()
    except InputError as error:
        raise InputError(f"claim {claim.id!r}: {error}") from None
    if array.size != len(claim.figures):
        raise InputError(
            f"claim {claim.id!r} must have as many figures as {claim.moment}/{quantity} has scalars. "
            f"Received: {len(claim.figures)} figures, {array.size} scalars"
        )
    return array
