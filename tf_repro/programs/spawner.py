"""The server of :mod:`tf_repro.programs.processes`: imports TensorFlow once, then forks a child for each request."""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import random
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import numpy

PR_SET_PDEATHSIG = 1


def main(requests: Connection, answers: Connection) -> None:
    """Serve until the other end of the pipe is closed."""
    import keras  # noqa: F401 (so that no child has to)
    import tensorflow  # noqa: F401

    import tf_repro.programs.port
    import tf_repro.programs.tf1  # noqa: F401

    while True:
        try:
            folder, module = requests.recv()
        except EOFError:
            return
        with contextlib.suppress(Exception):  # it is the child that tells why
            importlib.import_module(module)  # here once, not in every child
        pid = os.fork()
        if pid == 0:
            serve(Path(folder))
        answers.send(pid)
        answers.send(os.waitpid(pid, 0)[1])


def serve(folder: Path) -> None:
    """Do one request in this process, which is a child, and end it."""
    os.setsid()
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    printed = os.open(folder / "printed", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(printed, stream)
    code = 1
    try:
        answer = answered(folder)
        temporary = folder / "answer.part"
        temporary.write_bytes(answer)
        temporary.rename(folder / "answer")
        code = 0
    finally:
        for output in (sys.stdout, sys.stderr):
            output.flush()
        os._exit(code)


def answered(folder: Path) -> bytes:
    """What the function gave, pickled: its value, or the exception that it raised."""
    import traceback

    from tf_repro.core.errors import InputError
    from tf_repro.programs.processes import resolved

    function, arguments, options, path, where = pickle.loads((folder / "request").read_bytes())
    sys.path[:], sys.argv = path, [""]
    random.seed()  # a fork has its parent's numbers; a process of its own has others each time
    numpy.random.seed()
    os.chdir(where)
    try:
        return pickle.dumps(("returned", resolved(function)(*arguments, **options)), protocol=5)
    except InputError as error:
        return pickle.dumps(("raised", error))
    except Exception as error:  # noqa: BLE001 - it is raised again in the parent
        error.__traceback__, text = None, traceback.format_exc()
        return pickle.dumps(("raised", RuntimeError(text)))


def die_with_parent() -> None:
    """Ask the system to end this process when its parent ends, where it can."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main(Connection(int(sys.argv[1]), writable=False), Connection(int(sys.argv[2]), readable=False))
