"""The one place that pairs claims with runs: every program of a document on every engine, and what they gave.

TensorFlow is imported only when an engine that needs it runs.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import legacy_tf1
from legacy_tf1.documents import DOCUMENTS, named
from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.core.verdicts import Finding
from tf_repro.programs.machine import machine, processor
from tf_repro.suite import statements
from tf_repro.suite.claims import Document
from tf_repro.suite.engines import DERIVATION, LANES, NUMPY, is_recorded, needs_tensorflow
from tf_repro.suite.findings import findings_of
from tf_repro.suite.recordings import recorded
from tf_repro.suite.two_processes import WORTH_A_PROCESS, in_two_processes

_ROOMS = {DERIVATION: "derivations", NUMPY: "numpy_programs"}
_PROGRAMS = ("tf_repro.nn", "tf_repro.programs.tf1", "tf_repro.programs.tf2", "tf_repro.ports.softmax_jacobian")
_REPORT_EVERY = 50  # steps; a report takes about as long as one eager step

Report = Callable[[str, str, float | None], None]
"""Called with document, engine and, in a training, the share of the steps that are done."""


def record(document: str, engine: str, data: str = "digits", progress: Report | None = None) -> Record:
    """Run ``document`` on ``engine``, or load what genuine TensorFlow 1.x recorded.

    Args:
        document: its name, such as ``"softmax_backprop"``.
        engine: ``"tf-1.4.1"`` and the like (a recording), ``"lanes-4"`` or ``"lanes-8"`` (emulated kernels),
            ``"compat.v1"`` (the Session program on TensorFlow 2), ``"eager"``, ``"function"``, ``"xla"`` (the port),
            each of these with ``":tf1"`` (the port on the softmax with TF1's rounding), ``"numpy"`` (the program in
            NumPy) or ``"derivation"``.
        data: what the three-layer network is trained on, ``"digits"`` or ``"mnist"``.
        progress: called before the run, and now and then in a training.

    Raises:
        InputError: there is no such document.

    Example:
        >>> float(record("softmax_backprop", "tf-1.4.1")["after"]["w"][3]).hex()
        '0x1.47ae1a0000000p-2'
    """
    return _decided(document, _executed(document, engine, data, progress))


def _executed(document: str, engine: str, data: str, progress: Report | None) -> Record:
    """The Record of every program of the document, before any statement is decided."""
    if document not in DOCUMENTS:
        raise InputError(f"a document to run must be one of {', '.join(DOCUMENTS)}. Received: {document!r}")
    if progress:
        progress(document, engine, None)
    if is_recorded(engine):
        return recorded(engine)[document]
    moments: dict[str, Mapping[str, Any]] = {}
    provenance: dict[str, str] = {"engine": engine, "data": data}
    for label, program, inputs, steps in DOCUMENTS[document]:
        run = _program(document, engine)(program, inputs, steps, data, progress)
        moments |= named(label, run)
        provenance |= getattr(run, "provenance", {})
    return Record(moments, provenance | _machine(engine))


def _machine(engine: str) -> dict[str, str]:
    """What the engine runs on: TensorFlow on this processor, or NumPy alone."""
    return machine() if needs_tensorflow(engine) else processor()


def _program(document: str, engine: str) -> Callable[..., Mapping[str, Any]]:
    """What runs one program of the document on the engine."""
    if not needs_tensorflow(engine):
        room = _ROOMS.get(engine, "kernels")
        module = importlib.import_module(f"tf_repro.suite.{room}.{document}")
        return partial(_by_hand, module, {"lanes": LANES[engine]} if engine in LANES else {})
    if engine == "compat.v1":
        return partial(_on_compat_v1, document)
    return partial(_on_tensorflow_2, document, engine)


def _by_hand(
    module: Any, how: Mapping[str, Any], program: str, inputs: Mapping[str, Any], steps: int, data: str, _: Any
) -> Mapping[str, Any]:
    """A program by hand: ``run`` for a training, else the quantities of the one moment; nothing where there is none."""
    function = getattr(module, "run" if program == "build" else program.removeprefix("build_"), None)
    if function is None:
        return {}
    known = _accepted(function, {"steps": steps, "data": data, **how})
    moments: Mapping[str, Any] = function(**inputs, **known)
    return moments if steps else {"before": moments}


def _on_compat_v1(
    document: str, program: str, inputs: Mapping[str, Any], steps: int, data: str, _: Any
) -> Mapping[str, Any]:
    from tf_repro.programs import tf1

    path = Path(legacy_tf1.__file__).with_name(f"{document}.py")
    moments: Mapping[str, Any] = tf1.run_tf1(path, inputs=inputs, program=program, steps=max(steps, 1))
    return moments


def _on_tensorflow_2(
    document: str,
    engine: str,
    program: str,
    inputs: Mapping[str, Any],
    steps: int,
    data: str,
    progress: Report | None,
) -> Mapping[str, Any]:
    from tf_repro import nn
    from tf_repro.programs import tf2

    name, _, numerics = engine.partition(":")
    build = getattr(importlib.import_module(f"tf_repro.ports.{document}"), program)
    known: dict[str, Any] = {"data": data}
    if numerics:
        known["softmax"] = partial(nn.softmax, numerics=numerics)

    def on_step(number: int) -> None:
        if progress and number % _REPORT_EVERY == 0:
            progress(document, engine, number / steps)

    return tf2.run(build, {**inputs, **_accepted(build, known)}, engine=name, steps=max(steps, 1), on_step=on_step)


def _accepted(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the arguments that the function takes."""
    known = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in known}


def _decided(document: str, run: Record) -> Record:
    """The Record, with the statements that its numbers decide."""
    decided = statements.decide(document, run)
    moments = {name: {**run.get(name, {}), **decided.get(name, {})} for name in {**run, **decided}}
    return Record(moments, run.provenance)


def records(
    documents: Sequence[Document],
    engines: Sequence[str],
    progress: Report | None = None,
    data: str = "digits",
    quick: bool = False,
) -> dict[tuple[str, str], Record]:
    """The Record of each document on each of the engines that it names.

    Where a training is long, two more processes share the runs on TensorFlow. ``quick`` leaves out :func:`left_out`.
    """
    runs = [(document.name, engine) for document in documents for engine in document.engines if engine in engines]
    if quick:
        runs = [run for run in runs if not _is_slow(run)]
    done = in_two_processes(
        partial(_record, data), runs, lambda run: not needs_tensorflow(run[1]), _steps, progress, _PROGRAMS
    )
    return {run: _decided(run[0], done[run]) if needs_tensorflow(run[1]) else done[run] for run in runs}


def left_out(documents: Sequence[Document], engines: Sequence[str]) -> list[str]:
    """What a quick run leaves out, in words."""
    runs = [(document.name, engine) for document in documents for engine in document.engines if engine in engines]
    return [f"{document} on {engine}" for document, engine in runs if _is_slow((document, engine))]


def _is_slow(run: tuple[str, str]) -> bool:
    """Whether a run builds a graph, compiles, or trains for thousands of steps on TensorFlow."""
    engine = run[1]
    return needs_tensorflow(engine) and (not engine.startswith("eager") or _steps(run) >= WORTH_A_PROCESS)


def _record(data: str, run: tuple[str, str], progress: Report | None = None) -> Record:
    """The run's Record; of one on TensorFlow, the statements are left to the process that asked for it."""
    document, engine = run
    if needs_tensorflow(engine):
        return _executed(document, engine, data, progress)
    return record(document, engine, data, progress)


def _steps(run: tuple[str, str]) -> int:
    """How many steps a run trains for, those from Python counted twice: they take about twice as long."""
    document, engine = run
    steps = sum(steps for *_, steps in DOCUMENTS[document]) if document in DOCUMENTS else 0
    return 2 * steps if engine in ("eager", "eager:tf1") else steps


def findings(
    documents: Sequence[Document], engines: Sequence[str], progress: Report | None = None, data: str = "digits"
) -> Iterator[Finding]:
    """One Finding per printed scalar and engine.

    Args:
        documents: the claims to check.
        engines: the engines to check them on.
        progress: see :func:`record`.
        data: what the three-layer network is trained on.
    """
    yield from findings_of(records(documents, engines, progress, data), documents, engines)


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
    legacy, package = Path(legacy_tf1.__file__).parent, Path(__file__).parents[1]
    rooms = {"TF1 program": legacy, "TF2 port": package / "ports", "derivation": package / "suite" / "derivations"}
    files = {title: room / f"{document}.py" for title, room in rooms.items()}
    return [
        Source(title, path.relative_to(legacy.parent).as_posix(), path.read_text(encoding="utf-8"))
        for title, path in files.items()
        if path.exists()
    ]
