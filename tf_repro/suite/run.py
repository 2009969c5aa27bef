"""The one place that pairs a claim with a legacy run, a port and a derivation.

TensorFlow is imported only when an engine that needs it runs.
"""

from __future__ import annotations

import importlib
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tf_repro.core.data import load_digits
from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.core.verdicts import Finding, find
from tf_repro.suite.claims import Claim, Document
from tf_repro.suite.derivations.softmax_regression import REPEAT
from tf_repro.suite.recordings import RECORDINGS, is_recorded, load_recording

LONGEST = ("softmax_regression", "eager")  # 5000 steps, each one a dozen calls from Python
SHARED_FROM = 10  # runs; below that, starting TensorFlow twice costs more than it saves

Report = Callable[[str, str, float | None], None]
"""Called with document, engine and, in a training, the share of the steps that are done."""


def record(document: str, engine: str, data: str = "digits", progress: Report | None = None) -> Record:
    """Run ``document`` on ``engine``, or load what genuine TensorFlow 1.x recorded.

    Args:
        document: its name, such as ``"softmax_backprop"``.
        engine: ``"tf-1.4.1"`` and the like (a recording), ``"compat.v1"`` (the Session program on TensorFlow 2),
            ``"eager"``, ``"function"``, ``"xla"`` (the port), each of these with ``":tf1"`` (the port on the softmax
            with TF1's rounding), or ``"derivation"``.
        data: what the three-layer network is trained on, ``"digits"`` or ``"mnist"``.
        progress: called before the run, and with each step of the 5000 that a training has.

    Example:
        >>> float(record("softmax_backprop", "tf-1.4.1")["after"]["w"][3]).hex()
        '0x1.47ae1a0000000p-2'
    """
    if document not in RUNS:
        raise InputError(f"a document to run must be one of {', '.join(RUNS)}. Received: {document!r}")
    if progress:
        progress(document, engine, None)
    derivation = importlib.import_module(f"tf_repro.suite.derivations.{document}")
    if is_recorded(engine):
        recorded = load_recording(RECORDINGS / f"{engine}.json")[document]
        return Record(_decided(derivation, recorded), recorded.provenance)
    if engine == "compat.v1":
        moments = importlib.import_module(f"legacy_tf1.{document}").run_all()
    elif engine == "derivation":
        moments = RUNS[document](derivation, _inputs(document, data))
    else:
        port = importlib.import_module(f"tf_repro.ports.{document}")
        moments = RUNS[document](port, _how(engine) | _inputs(document, data) | _handle(document, engine, progress))
    return Record(_decided(derivation, moments))


def _how(engine: str) -> dict[str, Any]:
    """A port's keyword arguments for an engine such as ``"xla"`` or ``"xla:tf1"``."""
    name, _, numerics = engine.partition(":")
    if not numerics:
        return {"engine": name}
    from tf_repro import nn

    return {"engine": name, "softmax": partial(nn.softmax, numerics=numerics)}


def _handle(document: str, engine: str, progress: Report | None) -> dict[str, Any]:
    """The callback per step of the one document that trains for thousands of them."""
    if document != "softmax_regression" or progress is None:
        return {}

    def handle(count: int, loss: float) -> None:
        if count % 50 == 0:
            progress(document, engine, count / REPEAT)

    return {"handle": handle}


def _inputs(document: str, data: str) -> dict[str, Any]:
    """The inputs that a document takes from elsewhere."""
    if document != "softmax_jacobian":
        return {}
    digits = load_digits(data)
    return {"features": digits.features, "labels": digits.labels}


def needs_tensorflow(engine: str) -> bool:
    """Whether running the engine imports TensorFlow."""
    return engine != "derivation" and not is_recorded(engine)


@dataclass(frozen=True)
class Source:
    """A program of a document: what it is, its place in the project, and its text."""

    title: str
    path: str
    text: str


def sources(document: str) -> list[Source]:
    """The document's TF1 program, where it has one, its port, and its derivation.

    Example:
        >>> [source.path for source in sources("softmax_jacobian")]
        ['tf_repro/ports/softmax_jacobian.py', 'tf_repro/suite/derivations/softmax_jacobian.py']
    """
    root, package = RECORDINGS.parent, Path(__file__).parent.parent
    rooms = {"TF1 program": root, "TF2 port": package / "ports", "derivation": package / "suite" / "derivations"}
    files = {title: room / f"{document}.py" for title, room in rooms.items()}
    return [
        Source(title, path.relative_to(root.parent).as_posix(), path.read_text(encoding="utf-8"))
        for title, path in files.items()
        if path.exists()
    ]


def _one_run(module: Any, how: Mapping[str, Any]) -> dict[str, Any]:
    return dict(module.run(**how))


def _softmax_cross_entropy(module: Any, how: Mapping[str, Any]) -> dict[str, Any]:
    moments = {"stability": module.stability(**how)}
    for method in ("manual", "fused"):
        run = module.run(method=method, **how)
        moments |= {f"{moment}, {method}": quantities for moment, quantities in run.items()}
    return moments


def _softmax_regression(module: Any, how: Mapping[str, Any]) -> dict[str, Any]:
    run = module.run(**how)
    how = {key: value for key, value in how.items() if key != "handle"}
    return {
        **run,
        "example": module.example(**how),
        "two classes": module.two_class(**how),
        "label probability": module.label_probability(**how),
    }


def _reverse_mode(module: Any, how: Mapping[str, Any]) -> dict[str, Any]:
    cosine = module.run(cost="cosine", **how)
    return {
        **module.run(**how),
        "sweep": module.sweep(**how),
        "after, cost y0·y": module.run(cost="product_with_first", **how)["after"],
        **{f"{moment}, cosine": quantities for moment, quantities in cosine.items()},
    }


RUNS: dict[str, Callable[[Any, Mapping[str, Any]], dict[str, Any]]] = {
    "softmax_backprop": _one_run,
    "softmax_jacobian": _one_run,
    "softmax_cross_entropy": _softmax_cross_entropy,
    "softmax_regression": _softmax_regression,
    "reverse_mode": _reverse_mode,
}
"""By document, what its port and its derivation run to make up the document's Record."""


def _decided(derivation: Any, moments: Mapping[str, Any]) -> dict[str, Any]:
    """The moments, with the statements that their numbers decide."""
    statements = derivation.decide(moments) if hasattr(derivation, "decide") else {}
    return {name: {**moments.get(name, {}), **statements.get(name, {})} for name in {**moments, **statements}}


def findings(
    documents: Iterable[Document], chosen: Iterable[str], progress: Report | None = None, data: str = "digits"
) -> Iterator[Finding]:
    """One Finding per printed scalar and engine.

    Args:
        documents: the claims to check.
        chosen: the engines to check them on.
        progress: see :func:`record`.
        data: what the three-layer network is trained on.
    """
    documents, chosen = list(documents), list(chosen)
    yield from findings_of(records(documents, chosen, progress, data), documents, chosen)


def records(
    documents: Sequence[Document], chosen: Sequence[str], progress: Report | None = None, data: str = "digits"
) -> Mapping[tuple[str, str], Record]:
    """The Record of each document on each chosen engine that it names, and on the derivation; see :func:`findings`."""
    runs = [
        (document.name, engine)
        for document in documents
        for engine in document.engines
        if engine in chosen or engine == "derivation"
    ]
    return _records(runs, progress, data)


def findings_of(
    records: Mapping[tuple[str, str], Record], documents: Iterable[Document], chosen: Sequence[str]
) -> Iterator[Finding]:
    """One Finding per printed scalar and engine, from what :func:`records` returned."""
    for document in documents:
        for engine in chosen:
            if engine in document.engines:
                run, truth = records[document.name, engine], records[document.name, "derivation"]
                yield from compare(document, engine, run, truth)


def _records(runs: Sequence[tuple[str, str]], progress: Report | None, data: str) -> Mapping[tuple[str, str], Record]:
    """Every run's Record; where the longest is among them, a second process shares the others."""
    if LONGEST not in runs or len(runs) < SHARED_FROM:
        return {run: record(*run, data, progress) for run in runs}
    others = [run for run in reversed(runs) if run != LONGEST]  # the longer ones come first, to end evenly
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {run: pool.submit(record, *run, data) for run in others}
        done = {LONGEST: record(*LONGEST, data, progress)}
        for run in reversed(others):
            if futures[run].cancel():  # not begun there, so it is done here
                done[run] = record(*run, data, progress)
        return {run: done.get(run) or futures[run].result() for run in runs}


def compare(document: Document, engine: str, run: Record, truth: Record) -> Iterator[Finding]:
    """The Findings of one document on one engine, from the engine's Record and the derivation's."""
    for claim in document.claims:
        if engine in claim.declarations:
            yield from _compare_claim(document, claim, engine, run, truth)


def _compare_claim(document: Document, claim: Claim, engine: str, run: Record, truth: Record) -> Iterator[Finding]:
    values = _scalars(claim, run, claim.quantity)
    mistaken = _scalars(claim, run, claim.mistake) if claim.mistake else [None] * len(values)
    has_truth = claim.quantity in truth.get(claim.moment, {})
    truths = _scalars(claim, truth, claim.quantity) if has_truth else [None] * len(values)
    for index, figure in enumerate(claim.figures):
        yield find(
            figure,
            claim.declarations[engine][index],
            values[index],
            mistaken=mistaken[index],
            truth=truths[index],
            document=document.name,
            claim=claim.id,
            moment=claim.moment,
            index=None if claim.is_scalar else index,
            engine=engine,
        )


def _scalars(claim: Claim, run: Record, quantity: str) -> Any:
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
