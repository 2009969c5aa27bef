"""The TF1 program's trace, from compat.v1 in this process or from a genuine TF1 interpreter."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from legacy_tf1 import graph
from legacy_tf1.version_1 import version_1
from tf_repro.core.errors import InputError
from tf_repro.migrate.bisection.trace import Node, Place, Ref, Trace
from tf_repro.migrate.golden import FIRST, Bundle
from tf_repro.programs import tf1
from tf_repro.programs.beside import ports_modules_hidden

PASSED_ON = ("Identity", "ReadVariableOp", "Snapshot", "Enter", "Exit")
"""Operations whose output is their input: of a variable they are its value."""


def record(
    path: Path,
    feeds: dict[str, np.ndarray],
    start: dict[str, np.ndarray],
    seed: int,
    inputs: dict[str, Any] | None = None,
    tf1_python: Path | None = None,
    time_limit: float = 120.0,
    script: dict[str, Any] | None = None,
) -> Trace:
    """Every value that leads to the program's fetches, losses, gradients and updates; see :func:`recorded`."""
    return _trace(path, *recorded(path, feeds, start, seed, inputs, tf1_python, time_limit, script))


def replayed(path: Path, bundle: Bundle, moment: str | None) -> Trace:
    """The trace that a golden bundle holds of the moment at which programs part.

    Raises:
        InputError: it holds none.
    """
    graph = bundle.graphs.get(moment or FIRST, bundle.graphs.get(FIRST))
    if graph is None:
        raise InputError("the golden bundle must hold the graph. Received: one that was recorded without it")
    return _trace(path, graph.nodes, graph.roots, dict(graph.values))


def recorded(
    path: Path,
    feeds: dict[str, np.ndarray],
    start: dict[str, np.ndarray],
    seed: int,
    inputs: dict[str, Any] | None = None,
    tf1_python: Path | None = None,
    time_limit: float = 120.0,
    script: dict[str, Any] | None = None,
) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """The graph of what leads to the program's fetches, losses, gradients and updates, and its values.

    Args:
        path: the program's file.
        feeds: arrays by placeholder, of one step.
        start: the variables' values by name.
        seed: of the graph's random numbers.
        inputs: keyword arguments of ``build()``.
        tf1_python: an interpreter with TensorFlow 1.x, or None for compat.v1 in this process.
        time_limit: seconds that the interpreter may take.
        script: what to take of a script; see :func:`legacy_tf1.run.run`.

    Returns:
        (nodes, roots, values); see :func:`legacy_tf1.graph.record`.

    Raises:
        InputError: the program cannot be run so.
    """
    if tf1_python is None:
        with ports_modules_hidden(), tf1.own_modules(path), version_1() as tf:
            recorded: tuple[list[Any], list[Any], dict[str, Any]]
            recorded = graph.record(str(path), tf, seed, feeds, start, inputs, script)
            return recorded
    options = {"seed": seed, "inputs": inputs, "script": script}
    return _in_interpreter(path, feeds, start, options, tf1_python, time_limit)


def _in_interpreter(
    path: Path,
    feeds: dict[str, np.ndarray],
    start: dict[str, np.ndarray],
    options: dict[str, Any],
    python: Path,
    time_limit: float,
) -> tuple[list[Any], list[Any], dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="tf_repro-") as name:
        folder = Path(name)
        request: dict[str, Any] = options | {"path": str(path)}
        for kind, values in (("feeds", feeds), ("start", start)):
            request[kind], request[f"{kind} names"] = str(folder / f"{kind}.npz"), list(values)
            archive: dict[str, Any] = {f"a{n}": value for n, value in enumerate(values.values())}
            np.savez(request[kind], **archive)
        (folder / "request.json").write_text(
            json.dumps(request, default=lambda value: np.asarray(value).tolist()), encoding="utf-8"
        )
        command = [str(python), "-W", "ignore", graph.__file__, str(folder / "request.json"), str(folder)]
        tf1.run_limited(command, folder, time_limit)
        try:
            answer = json.loads((folder / "graph.json").read_text(encoding="utf-8"))
            with np.load(folder / "graph.npz") as saved:
                arrays = [saved[f"a{n}"] for n in range(len(answer.get("values", [])))]
        except (OSError, ValueError, KeyError):
            raise InputError("the TF1 interpreter must record the graph. Received: nothing that can be read") from None
    if "error" in answer:
        raise InputError(f"the TF1 program's graph must be recorded. Received: {answer['error']}")
    return answer["nodes"], answer["roots"], dict(zip(answer["values"], arrays, strict=True))


def _trace(path: Path, described: list[Any], roots: list[Any], values: dict[str, Any]) -> Trace:
    refs = {tensor: Ref(n, output) for n, each in enumerate(described) for output, tensor in enumerate(each["outputs"])}
    trace = Trace()
    for each in described:
        inputs = tuple(refs[name] for name in each["inputs"])
        kind, name = each["type"], each["name"]
        if kind in PASSED_ON and inputs and trace.nodes[inputs[0].node].type == "Variable":
            kind, name, inputs = "Variable", trace.nodes[inputs[0].node].name, ()
        arrays = [np.asarray(values[t]) if t in values else None for t in each["outputs"]]
        place = Place(str(path), each["line"]) if each["line"] else None
        trace.nodes.append(Node(kind, name, inputs, each["attributes"], arrays, place))
    trace.roots = {(kind, name): refs[tensor] for kind, name, tensor in roots}
    return trace
