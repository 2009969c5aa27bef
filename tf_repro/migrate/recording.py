"""Record a golden bundle: run a TF1 program once, and keep what a check of its port will ask."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tf_repro import __version__
from tf_repro.core.errors import InputError
from tf_repro.migrate import golden
from tf_repro.migrate.checker import isolated
from tf_repro.migrate.checker.climb import fed_at, otherwise_fed
from tf_repro.migrate.checker.noise import RUNS
from tf_repro.migrate.checker.original import Original, executed
from tf_repro.programs import processes

LIMITS = 5
"""How many times the limit of one run the runs that measure rounding may take together: they are as many."""

GRAPH = "tf_repro.migrate.bisection.legacy:recorded"


def record(
    legacy: Path | str,
    *,
    graph: bool = True,
    tf1_python: Path | str | None = None,
    time_limit: float = 120.0,
    **options: Any,
) -> golden.Bundle:
    """See :func:`tf_repro.migrate.record`."""
    path = Path(legacy)
    if not path.is_file():
        raise InputError(f"the TF1 program must be a Python file. Received: {path}, which is not a file")
    if golden.is_bundle(path):
        raise InputError(f"the TF1 program must be a Python file. Received: {path}, which is a golden bundle already")
    path = path.resolve()
    source = _text(path)
    tf1 = executed(path, tf1_python=tf1_python, time_limit=time_limit, **options)
    noise, unsteady = _noise(tf1, time_limit)
    return golden.Bundle(
        record=tf1.record,
        description=tf1.description,
        program=path.name,
        source=source,
        steps=tf1.steps,
        seed=tf1.seed,
        inputs=tf1.inputs,
        script=tf1.script,
        noise=noise,
        unsteady=tuple(unsteady),
        graphs=_graphs(tf1, tf1_python, time_limit) if graph else {},
        provenance=_provenance(tf1),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the TF1 program must be text in UTF-8. Received: {path.name}: {error}") from None


def _noise(tf1: Original, time_limit: float) -> tuple[Mapping[str, Any], list[str]]:
    """How far rounding moves the program; nothing where it cannot be moved, and the port is moved in its place."""
    function, limit = "tf_repro.migrate.checker.perturbation:noise", LIMITS * time_limit
    options = {"steps": tf1.steps, "inputs": tf1.inputs, "script": tf1.script, "runs": RUNS}
    arguments = (tf1.path, tf1.record, tf1.seed)
    try:
        return isolated.program(isolated.TF1_PROGRAM, tf1.path, function, *arguments, time_limit=limit, **options)  # type: ignore[no-any-return]
    except (InputError, RuntimeError):  # it needs genuine TensorFlow 1, or cannot be moved so
        return {}, []


def _graphs(tf1: Original, tf1_python: Path | str | None, time_limit: float) -> dict[str, golden.Graph]:
    """The graph with its values at each moment of a forward pass; none where it cannot be recorded: no error."""
    fed = {golden.FIRST: fed_at(tf1.record, 0)}
    if golden.OTHERWISE in tf1.record:
        fed[golden.OTHERWISE] = otherwise_fed(tf1.record)
    start, python = dict(tf1.record["initial"]), None if tf1_python is None else Path(tf1_python)
    graphs = {}
    for moment, feeds in fed.items():
        arguments = (tf1.path, feeds, start, tf1.seed, tf1.inputs, python)
        options: dict[str, Any] = {"time_limit": LIMITS * time_limit, "script": tf1.script}
        with contextlib.suppress(InputError, RuntimeError):
            graphs[moment] = golden.Graph(
                *isolated.program(isolated.TF1_PROGRAM, tf1.path, GRAPH, *arguments, **options)
            )
    return graphs


def _provenance(tf1: Original) -> dict[str, str]:
    """What ran the program, and the machine that the interpreter shares with this process."""
    machine = processes.call("tf_repro.programs.machine:machine")
    ran = {key: tf1.record.provenance[key] for key in ("tensorflow", "python", "execution")}
    here = {key: machine[key] for key in ("architecture", "cpu", "lanes")}
    if not ran["tensorflow"].startswith(("0.", "1.")):
        here["onednn"] = machine["onednn"]
    return ran | here | {"tf_repro": __version__}
