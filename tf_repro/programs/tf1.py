"""The TF1 runner: a program's ``build()`` becomes a Record, through compat.v1 or in a genuine TF1 interpreter."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from legacy_tf1 import run as runner
from legacy_tf1.program_source import failure
from legacy_tf1.version_1 import version_1
from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.programs.beside import flags_of_its_own, is_beside, ports_modules_hidden

Feeds = Mapping[str, Any]


def run_tf1(
    path: Path | str,
    *,
    inputs: Mapping[str, Any] | None = None,
    program: str = "build",
    steps: int = 1,
    seed: int = 0,
    feeds: Feeds | None = None,
    moments: Sequence[str] = ("before", "after"),
) -> Record:
    """Run a TF1 program in this process, through ``tensorflow.compat.v1``.

    Args:
        path: the program's file.
        inputs: keyword arguments of its function.
        program: the function's name in the file.
        steps: how many training steps lie between ``"before"`` and ``"after"``.
        seed: of the graph and of drawn feeds.
        feeds: arrays by placeholder name, or None for the program's own.
        moments: which of :data:`legacy_tf1.run.MOMENTS` the Record has.

    Returns:
        A Record; a program without a train op has no ``"after"``.

    Raises:
        InputError: the program or its inputs break a rule.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> text = '''
        ... import tensorflow as tf
        ... def build(rate=0.5):
        ...     w = tf.Variable(1.0)
        ...     train = tf.train.GradientDescentOptimizer(rate).minimize(tf.square(w))
        ...     return {"placeholders": {}, "fetches": {"w": w}, "train": train}
        ... '''
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "legacy.py")
        ...     _ = file.write_text(text)
        ...     record = run_tf1(file, inputs={"rate": 0.25}, steps=2)
        >>> float(record["before"]["w"]), float(record["after"]["w"])
        (1.0, 0.25)
    """
    options = {"inputs": inputs, "program": program, "steps": steps, "seed": seed, "feeds": feeds, "moments": moments}
    return _record(path, *_run_in_process(path, options))


def run_legacy(
    path: Path | str,
    *,
    steps: int,
    seed: int | None,
    feeds: Mapping[str, Any] | None,
    tf1_python: Path | str | None = None,
    time_limit: float | None = None,
    start: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    script: Mapping[str, Any] | None = None,
    shapes: Mapping[str, Any] | None = None,
) -> tuple[Record, Any]:
    """Run the TF1 program of a check.

    Args:
        path: the program's file.
        steps: how many training steps.
        seed: of the graph and of drawn feeds.
        feeds: arrays by placeholder name, or None.
        tf1_python: an interpreter with TensorFlow 1.x, or None for compat.v1 in this process.
        time_limit: seconds that the interpreter may take.
        start: values in place of the program's initial ones, for compat.v1.
        inputs: keyword arguments of ``build()``, or None.
        script: what to take of a script without ``build()``; see :func:`legacy_tf1.program_script.content`.
        shapes: of each step's value for feeds that are given uncut, or None; for compat.v1.

    Returns:
        A Record of every moment, and the description of the program (see :func:`legacy_tf1.run.run`).
    """
    options = {"steps": steps, "seed": seed, "feeds": feeds, "inputs": inputs, "script": script}
    if tf1_python is None:
        moments, description = _run_in_process(path, options | {"start": start, "shapes": shapes})
    else:
        moments, description = _run_in_interpreter(path, options, Path(tf1_python), time_limit)
    return _record(path, moments, description), description


def _record(path: Path | str, moments: Mapping[str, Any], description: Mapping[str, Any]) -> Record:
    provenance = {key: description[key] for key in ("tensorflow", "python", "execution")}
    return Record(moments, provenance | {"program": Path(path).name})


def _run_in_process(path: Path | str, options: Any) -> Any:
    with ports_modules_hidden(), own_modules(path), version_1() as tf:
        try:
            return runner.run(str(path), tf, **options)
        except runner.ProgramError as error:
            raise InputError(_with_mend(str(error))) from None
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a program raises what it likes
            raise InputError(failure("the TF1 program must run", error, str(path))) from None


def _with_mend(text: str) -> Any:
    """What the program failed with, and that it needs genuine TensorFlow 1 where this one lacks what it calls."""
    if "is not available with Keras 3" in text:
        return f"{text.rstrip('.')}; tf.layers and tf.nn.rnn_cell need a TF1 interpreter, give one with --tf1-python"
    if "AttributeError" in text or "NotImplementedError" in text or "No module named 'tensor" in text:
        return f"{text.rstrip('.')}; TensorFlow 2 may lack it, give a TF1 interpreter with --tf1-python"
    return text


@contextlib.contextmanager
def own_modules(path: Path | str) -> Iterator[None]:
    """While it lasts, the program imports what lies beside it; its modules and flags are forgotten afterwards."""
    loaded = set(sys.modules)
    folder = str(Path(path).resolve().parent)
    sys.path.insert(0, folder)
    try:
        with flags_of_its_own():
            yield
    finally:
        sys.path.remove(folder)
        for name in set(sys.modules) - loaded:
            if is_beside(sys.modules[name], folder):
                del sys.modules[name]  # the port must not get the program's own helpers on compat.v1


def _run_in_interpreter(path: Path | str, options: Any, python: Path | str, time_limit: float | None) -> Any:
    if shutil.which(python) is None:
        raise InputError(f"--tf1-python must be an executable Python interpreter. Received: {python}")
    with tempfile.TemporaryDirectory(prefix="tf_repro-") as name:
        folder = Path(name)
        request = options | {"path": str(Path(path).resolve()), "genuine": True}
        if request["feeds"] is not None:
            np.savez(folder / "feeds.npz", **request["feeds"])
            request["feeds"] = str(folder / "feeds.npz")
        (folder / "request.json").write_text(
            json.dumps(request, default=lambda value: np.asarray(value).tolist()), encoding="utf-8"
        )
        command = [shutil.which(python), "-W", "ignore", runner.__file__, str(folder / "request.json"), str(folder)]
        code, printed = run_limited(command, folder, time_limit)
        return _read_answer(folder, code, printed, python)


def run_limited(command: Sequence[str], folder: Path, time_limit: float | None) -> Any:
    """Run a command in a process group of its own, which is gone afterwards; exit code and what it printed."""
    blocked = {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"}
    environment = {key: value for key, value in os.environ.items() if key not in blocked}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    with open(folder / "printed", "w+b") as printed:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise InputError(
                f"--tf1-python must be an executable Python interpreter. Received: {command[0]} ({error.strerror})"
            ) from None
        try:
            code = process.wait(time_limit)
        except subprocess.TimeoutExpired:
            raise InputError(
                f"the TF1 program must end within the time limit. Received: {command[0]} still running after "
                f"{time_limit:g} s; take fewer steps or give a longer --time-limit"
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        printed.seek(0)
        return code, printed.read().decode("utf-8", "replace")


def _read_answer(folder: Path, code: int, printed: str, python: Path | str) -> Any:
    """The moments and the description that the runner wrote, or an :class:`InputError` that says what came instead."""
    try:
        answer = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if "error" in answer:
            raise InputError(answer["error"])
        moments: dict[str, dict[str, Any]] = {moment: {} for moment in answer["moments"]}
        with np.load(folder / "run.npz") as arrays:
            for number, (moment, name) in enumerate(answer["index"]):
                moments[moment][name] = arrays[f"a{number}"]
        return moments, answer["description"]
    except InputError:
        raise
    except Exception:  # noqa: BLE001 - what json and NumPy raise for a file that was cut short
        last = (printed.strip().splitlines() or ["nothing"])[-1][:200]
        ended = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise InputError(
            f"the TF1 interpreter must run the program to its end. Received: {python} ended with {ended} and printed: "
            f"{last}"
        ) from None
