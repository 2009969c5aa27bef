"""Every run of a program is a process of its own, forked from one that has TensorFlow imported and nothing run.

Importing TensorFlow takes seconds and a fork of it takes milliseconds: :func:`call` starts one server for this process,
which forks a child for each call. The child has a clean ``sys.argv``, its own session, its output in a file, and ends
with the call; it can neither change the next run nor end the caller.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
"""One thread: how many share a sum decides its order, and the programs of a check are small."""

_servers: dict[tuple[tuple[str, str], ...], Server] = {}
_in_this_process = False


class Ended(Exception):
    """A child ended before the function returned; the message says how, and what it printed last.

    Attributes:
        printed: all that it printed.
    """

    def __init__(self, how: str, printed: str) -> None:
        super().__init__(how)
        self.printed = printed

    def __str__(self) -> str:
        last = (self.printed.strip().splitlines() or ["nothing"])[-1][:200]
        return f"{self.args[0]} and printed: {last}"


class TimeUp(Exception):
    """A child was still running when its time was up, and was ended."""


def call(
    function: str, *arguments: Any, time_limit: float | None = None, environment: Any = None, **options: Any
) -> Any:
    """Call a function in a process of its own.

    Args:
        function: ``"package.module:name"``.
        arguments: what it takes; everything that goes there and back is pickled.
        time_limit: seconds that it may take, or None.
        environment: variables that differ from this process's, by name.
        options: its keyword arguments.

    Returns:
        What the function returns.

    Raises:
        InputError: the function raised it.
        Ended: the process ended before the function did: ``sys.exit``, ``os._exit``, a signal.
        TimeUp: it did not end within the time limit.
    """
    if _in_this_process:
        return resolved(function)(*arguments, **options)
    with tempfile.TemporaryDirectory(prefix="tf_repro-") as name:
        folder = Path(name)
        server = _server(environment or {})
        request = (function, arguments, options, list(sys.path), os.getcwd())
        try:
            how = server.run(folder, function, pickle.dumps(request, protocol=5), time_limit)
        except BaseException:  # Ctrl-C as well: nothing of ours may be left running
            server.stop()
            raise
        printed = (folder / "printed").read_text(encoding="utf-8", errors="replace")
        answer = folder / "answer"
        if not answer.exists():
            raise Ended(how, printed)
        kind, value = pickle.loads(answer.read_bytes())
        if kind == "raised":
            value.printed = printed
            raise value
        return value


@contextlib.contextmanager
def in_this_process() -> Iterator[None]:
    """While it lasts, :func:`call` calls: what is patched in this process holds there too."""
    global _in_this_process
    before, _in_this_process = _in_this_process, True
    try:
        yield
    finally:
        _in_this_process = before


def resolved(function: str) -> Any:
    """The function that ``"package.module:name"`` names."""
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(module), name)


def _server(environment: dict[str, str]) -> Server:
    wanted = {
        name: value for name, value in os.environ.items() if name.startswith(("TF_", "XLA_", "KERAS_", "ONEDNN_"))
    }
    key = tuple(sorted((_QUIET | wanted | environment).items()))
    server = _servers.get(key)
    if server is None or not server.is_alive:
        server = _servers[key] = Server(dict(key))
    return server


class Server:
    """The process that children are forked from.

    Args:
        environment: variables that it gets besides this process's.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        ours, theirs = os.pipe(), os.pipe()
        command = [sys.executable, "-W", "ignore", "-m", "tf_repro.programs.spawner", str(theirs[0]), str(ours[1])]
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        self.messages = tempfile.TemporaryFile()  # noqa: SIM115 (stop() closes it)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self.messages,
            stderr=self.messages,
            env=os.environ | environment | {"PYTHONPATH": path},
            pass_fds=(theirs[0], ours[1]),
            start_new_session=True,
        )
        os.close(theirs[0])
        os.close(ours[1])
        self.received, self.sent = Connection(ours[0], writable=False), Connection(theirs[1], readable=False)
        self.child: int | None = None
        atexit.register(self.stop)

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked for a child."""
        return self.process.poll() is None

    def run(self, folder: Path, function: str, request: bytes, time_limit: float | None) -> str:
        """Run one request in a child; how the child ended."""
        (folder / "request").write_bytes(request)
        try:
            self.sent.send((str(folder), function.partition(":")[0]))
            self.child = self.received.recv()
            if not self.received.poll(time_limit):
                self._end_child()
                self.received.recv()
                raise TimeUp(f"still running after {time_limit:g} s")
            status = self.received.recv()
        except (EOFError, OSError):
            self.messages.seek(0)
            raise RuntimeError("TensorFlow could not be started: " + self.messages.read().decode()[-2000:]) from None
        self._end_child()  # what the child itself has started
        self.child = None
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            return f"ended by signal {number} ({signal.Signals(number).name})"
        return f"ended with exit code {os.WEXITSTATUS(status)}"

    def stop(self) -> None:
        """End the server and the child that it has."""
        self._end_child()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.received.close()
        self.sent.close()
        self.messages.close()
        atexit.unregister(self.stop)

    def _end_child(self) -> None:
        if self.child is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.child, signal.SIGKILL)


def stop_servers() -> None:
    """End every server; the next :func:`call` starts another."""
    while _servers:
        _servers.popitem()[1].stop()
