"""Many runs, one of them long: this process takes the long one, and a second process helps with the others."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, TypeVar

Run = TypeVar("Run")

WORTH_A_PROCESS = 1000  # steps from Python: with fewer, importing TensorFlow twice costs more than it saves


def in_two_processes(
    work: Callable[..., Any], runs: Sequence[Run], length: Callable[[Run], int], progress: Any = None
) -> dict[Run, Any]:
    """``work(run)`` for every run, by run, in their order.

    Args:
        work: a picklable function of a run; in this process it also gets ``progress``.
        runs: what to do.
        length: how long a run is; the longest stays in this process. Where none reaches :data:`WORTH_A_PROCESS`,
            everything does.
        progress: given to ``work`` in this process.

    Raises:
        Exception: whatever ``work`` raised, in either process.
    """
    longest = max(runs, key=length, default=None)
    if longest is None or length(longest) < WORTH_A_PROCESS or len(runs) == 1:
        return {run: work(run, progress) for run in runs}
    others = deque(run for run in runs if run != longest)
    with _Helper(work, others) as helper:
        done = {longest: work(longest, progress)}
        while others:
            run = others.popleft()
            done[run] = work(run, progress)
        done |= helper.results()
    return {run: done[run] for run in runs}


class _Helper:
    """A second process that takes runs from the end of a queue while this one works; gone when the block is left."""

    def __init__(self, work: Callable[..., Any], queue: deque[Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, work), daemon=True)
        self._feeder = threading.Thread(target=self._feed, args=(queue,), daemon=True)
        self._results: dict[Any, Any] = {}
        self._failure: BaseException | None = None
        self._other = other

    def __enter__(self) -> _Helper:
        self._process.start()
        self._other.close()
        self._feeder.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def results(self) -> dict[Any, Any]:
        """What the process did, once it is done with what it took."""
        self._feeder.join()
        if self._failure is not None:
            raise self._failure
        return self._results

    def _feed(self, queue: deque[Any]) -> None:
        try:
            while queue:
                run = queue.pop()
                self._connection.send(run)
                result, failure = self._connection.recv()
                if failure is not None:
                    queue.clear()
                    self._failure = failure
                self._results[run] = result
        except IndexError:  # this process took the last one in between
            return
        except (EOFError, OSError) as error:
            self._failure = error


def _serve(connection: Connection, work: Callable[..., Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process, which ends this one
    while True:
        try:
            run = connection.recv()
        except EOFError:
            return
        try:
            connection.send((work(run), None))
        except Exception as error:  # noqa: BLE001 - it is raised again in the first process
            connection.send((None, error))
