"""Many runs, some of them long: this process takes what needs no long import, two others share the rest.

The two start as one, which imports what their runs need and then forks, so that both cores work and nothing is
imported twice; where a process cannot fork safely, each imports for itself.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from tf_repro.core.errors import InputError

Run = TypeVar("Run")

WORTH_A_PROCESS = 1000  # steps of training: with fewer, starting processes costs more than it saves


def in_two_processes(
    work: Callable[..., Any],
    runs: Sequence[Run],
    here: Callable[[Run], bool],
    length: Callable[[Run], int],
    progress: Callable[..., None] | None = None,
    imports: Sequence[str] = (),
) -> dict[Run, Any]:
    """``work(run, progress)`` for every run, by run, in their order.

    Args:
        work: a picklable function of a run and of something to report progress to, or None.
        runs: what to do.
        here: whether this process does a run itself. Where no run reaches :data:`WORTH_A_PROCESS`, it does them all.
        length: how long a run is; the longest of the others is begun first.
        progress: called with what the longest run, and every run of this process, reports.
        imports: modules that the other two processes import before they part.

    Raises:
        InputError: one of the other processes was ended, as where memory is short.
        Exception: whatever ``work`` raised, in any process.
    """
    own = [run for run in runs if here(run)]
    others = [run for run in runs if not here(run)]
    if max(map(length, runs), default=0) < WORTH_A_PROCESS or len(others) < 2:
        return {run: work(run, progress) for run in runs}
    longest = max(others, key=length)
    queue = deque([longest, *(run for run in others if run != longest)])
    with _Pair(work, queue, imports, progress) as pair:
        done = {run: work(run, progress) for run in own} | pair.results()
    return {run: done[run] for run in runs}


class _Pair:
    """Two processes that empty a queue, the first from its head and the second from its end; gone with the block."""

    def __init__(self, work: Callable[..., Any], queue: deque[Any], imports: Sequence[str], progress: Any) -> None:
        context = multiprocessing.get_context("spawn")
        pipes = [context.Pipe(), context.Pipe()]
        ours, self._theirs = zip(*pipes, strict=True)
        self._process = context.Process(target=_serve_both, args=(*self._theirs, work, imports))
        ends = ((queue.popleft, progress), (queue.pop, None))
        self._feeders = [
            threading.Thread(target=self._feed, args=(connection, *end), daemon=True)
            for connection, end in zip(ours, ends, strict=True)
        ]
        self._results: dict[Any, Any] = {}
        self._failure: BaseException | None = None
        self._queue = queue

    def __enter__(self) -> _Pair:
        self._process.start()
        for connection in self._theirs:
            connection.close()
        for feeder in self._feeders:
            feeder.start()
        return self

    def __exit__(self, *_: object) -> None:
        _kill_group(self._process)
        self._process.join()

    def results(self) -> dict[Any, Any]:
        """What the processes did, once the queue is empty."""
        for feeder in self._feeders:
            feeder.join()
        if self._failure is not None:
            raise self._failure
        return self._results

    def _feed(self, connection: Connection, take: Callable[[], Any], progress: Any) -> None:
        """Give one process a run after another, and keep what it gives back."""
        try:
            while True:
                run = take()
                connection.send(run)
                self._results[run] = self._answer(connection, progress)
        except IndexError:  # the queue is empty
            connection.close()
        except Exception as error:  # noqa: BLE001 - it is raised again in the main thread
            self._failure = self._failure or error
            self._queue.clear()

    def _answer(self, connection: Connection, progress: Any) -> Any:
        """What ``work`` returned; its reports are passed on until then."""
        while True:
            try:
                kind, content = connection.recv()
            except EOFError:
                raise InputError("each process of a run must end by itself. Received: one that was ended") from None
            if kind == "returned":
                return content
            if kind == "raised":
                raise content
            if progress is not None:
                progress(*content)


def _serve_both(first: Connection, second: Connection, work: Callable[..., Any], imports: Sequence[str]) -> None:
    """Import, part into two processes, and serve one connection in each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process, which ends this one
    can_fork = sys.platform == "linux"  # elsewhere system libraries forbid it
    if can_fork:
        os.setsid()  # so that both can be ended by one signal
        for name in imports:
            importlib.import_module(name)
    context: Any = multiprocessing.get_context("fork" if can_fork else "spawn")
    twin = context.Process(target=_serve, args=(second, work, first if can_fork else None), daemon=True)
    twin.start()
    second.close()
    _serve(first, work)
    twin.join()


def _serve(connection: Connection, work: Callable[..., Any], inherited: Connection | None = None) -> None:
    """Do the runs that come through the connection until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if inherited is not None:
        inherited.close()

    def report(*content: Any) -> None:
        connection.send(("reported", content))

    while True:
        try:
            run = connection.recv()
        except EOFError:
            return
        try:
            connection.send(("returned", work(run, report)))
        except Exception as error:  # noqa: BLE001 - it is raised again in the first process
            connection.send(("raised", error))


def _kill_group(process: Any) -> None:
    """End a process, and the one that it forked."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "linux" and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
