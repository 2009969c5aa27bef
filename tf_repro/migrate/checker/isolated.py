"""Each program runs in a process of its own; whatever ends it early is an error that says so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.programs import processes
from tf_repro.programs.tf1 import run_legacy

TF1_PROGRAM, PORT = "the TF1 program", "the port"

_draws_are_aligned: ContextVar[bool] = ContextVar("draws are aligned", default=False)
_onednn_is_off: ContextVar[bool] = ContextVar("oneDNN is off", default=False)


@contextlib.contextmanager
def aligned_draws(wanted: bool) -> Iterator[None]:
    """While it lasts, both programs draw from one seed, where that is wanted; see :mod:`.aligned`."""
    token = _draws_are_aligned.set(wanted)
    try:
        yield
    finally:
        _draws_are_aligned.reset(token)


@contextlib.contextmanager
def without_onednn() -> Iterator[None]:
    """While it lasts, programs run without oneDNN's kernels."""
    token = _onednn_is_off.set(True)
    try:
        yield
    finally:
        _onednn_is_off.reset(token)


def program(what: str, path: Path, function: str, *arguments: Any, time_limit: float | None, **options: Any) -> Any:
    """Call a function that runs a program, in a process of its own.

    Args:
        what: ``TF1_PROGRAM`` or ``PORT``.
        path: the program's file.
        function: ``"package.module:name"``.
        arguments: what it takes.
        time_limit: seconds that it may take.
        options: its keyword arguments.

    Raises:
        InputError: the program breaks a rule, ends its process, or does not end in time.
    """
    if _draws_are_aligned.get():
        function, arguments = "tf_repro.migrate.checker.aligned:call", (function, *arguments)
    environment = {"TF_ENABLE_ONEDNN_OPTS": "0"} if _onednn_is_off.get() else None
    try:
        return processes.call(function, *arguments, time_limit=time_limit, environment=environment, **options)
    except processes.Ended as how:
        raise InputError(
            f"{what} must leave its process running. Received: {path.name} {how}; "
            "take out what ends it (os._exit, a crash, a lack of memory)"
        ) from None
    except processes.TimeUp as reason:
        raise InputError(
            f"{what} must end within the time limit. Received: {path.name} {reason}; take fewer steps or give a "
            "longer --time-limit"
        ) from None


def legacy(
    path: Path, *, tf1_python: Path | str | None, time_limit: float | None, **options: Any
) -> tuple[Record, Mapping[str, Any]]:
    """The TF1 program's Record and description, by compat.v1 or by a genuine interpreter; see :func:`.run_legacy`."""
    if tf1_python is not None and _draws_are_aligned.get():
        raise InputError(
            "--deterministic-draws needs the TF1 program on compat.v1. Received: --tf1-python "
            f"{tf1_python} with it; leave one of them out"
        )
    if tf1_python is not None:
        return run_legacy(path, tf1_python=tf1_python, time_limit=time_limit, **options)
    function = "tf_repro.programs.tf1:run_legacy"
    answer: tuple[Record, Mapping[str, Any]] = program(
        TF1_PROGRAM, path, function, path, time_limit=time_limit, **options
    )
    return answer
