"""The TF1 side of a check: in this process through compat.v1, or in a genuine TF1 interpreter."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
from absl import flags as absl_flags

from legacy_tf1 import run as runner
from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.programs.beside import is_beside, ports_modules_hidden

_GLOBAL_SWITCHES = (
    "disable_v2_behavior",
    "enable_v2_behavior",
    "disable_eager_execution",
    "enable_eager_execution",
    "disable_resource_variables",
    "enable_resource_variables",
    "disable_v2_tensorshape",
    "enable_v2_tensorshape",
    "disable_control_flow_v2",
    "enable_control_flow_v2",
)


def run_legacy(path, *, steps, seed, feeds, tf1_python=None, time_limit=None, start=None):
    """Run the TF1 program.

    Args:
        path: the program's file.
        steps: how many training steps.
        seed: of the graph and of drawn feeds.
        feeds: arrays by placeholder name, or None.
        tf1_python: an interpreter with TensorFlow 1.x, or None for compat.v1 in this process.
        time_limit: seconds that the interpreter may take.
        start: values in place of the program's initial ones, for compat.v1.

    Returns:
        A Record of every moment, and the description of the program (see :func:`legacy_tf1.run.run`).
    """
    if tf1_python is None:
        moments, description = _run_in_process(path, steps, seed, feeds, start)
    else:
        moments, description = _run_in_interpreter(path, steps, seed, feeds, Path(tf1_python), time_limit)
    provenance = {key: description[key] for key in ("tensorflow", "python")} | {"program": Path(path).name}
    return Record(moments, provenance), description


def _run_in_process(path, steps, seed, feeds, start):
    import tensorflow.compat.v1 as tf

    with ports_modules_hidden(), _tensorflow_is_version_1(tf, path):
        try:
            return runner.run(str(path), tf, steps, seed, feeds, start)
        except runner.ProgramError as error:
            raise InputError(_with_mend(str(error))) from None
        except Exception as error:
            raise InputError(f"the TF1 program must run. Received: {runner.explain(error, str(path))}") from None


def _with_mend(text):
    """What the program failed with, and that it needs genuine TensorFlow 1 where this one lacks what it calls."""
    if "is not available with Keras 3" in text:
        return f"{text.rstrip('.')}; tf.layers and tf.nn.rnn_cell need a TF1 interpreter, give one with --tf1-python"
    if "AttributeError" in text or "NotImplementedError" in text or "No module named 'tensor" in text:
        return f"{text.rstrip('.')}; TensorFlow 2 may lack it, give a TF1 interpreter with --tf1-python"
    return text


@contextlib.contextmanager
def _tensorflow_is_version_1(tf, path):
    """While it lasts, ``import tensorflow as tf`` gives compat.v1, whose process-wide switches do nothing."""
    face = types.ModuleType("tensorflow")
    face.__getattr__ = lambda name: getattr(tf, name)
    face.__path__ = []
    vars(face).update({name: lambda *_, **__: None for name in _GLOBAL_SWITCHES})
    face.compat = types.SimpleNamespace(
        v1=face, **{n: getattr(tf.compat, n) for n in ("as_bytes", "as_str", "as_text")}
    )
    swapped = {"tensorflow": face, "tensorflow.compat.v1": face}
    before = {name: sys.modules.get(name) for name in swapped}
    loaded = set(sys.modules)
    folder = str(Path(path).resolve().parent)
    sys.modules.update(swapped)
    sys.path.insert(0, folder)
    verbosity, flags = tf.logging.get_verbosity(), set(absl_flags.FLAGS)
    tf.disable_v2_tensorshape()
    try:
        yield
    finally:
        tf.logging.set_verbosity(verbosity)
        tf.enable_v2_tensorshape()
        sys.path.remove(folder)
        for name in set(absl_flags.FLAGS) - flags:
            delattr(absl_flags.FLAGS, name)  # the program runs again, for which they must not be defined
        sys.modules.update({name: module for name, module in before.items() if module is not None})
        for name in set(sys.modules) - loaded:
            if is_beside(sys.modules[name], folder):
                del sys.modules[name]  # the port must not get the program's own helpers on compat.v1


def _run_in_interpreter(path, steps, seed, feeds, python, time_limit):
    if shutil.which(python) is None:
        raise InputError(f"--tf1-python must be an executable Python interpreter. Received: {python}")
    with tempfile.TemporaryDirectory(prefix="tf_repro-") as name:
        folder = Path(name)
        request = {"path": str(Path(path).resolve()), "steps": steps, "seed": seed, "feeds": None}
        if feeds is not None:
            request["feeds"] = str(folder / "feeds.npz")
            np.savez(request["feeds"], **feeds)
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        command = [shutil.which(python), "-W", "ignore", runner.__file__, str(folder / "request.json"), str(folder)]
        code, printed = _run_limited(command, folder, time_limit)
        return _read_answer(folder, code, printed, python)


def _run_limited(command, folder, time_limit):
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


def _read_answer(folder, code, printed, python):
    """The moments and the description that the runner wrote, or an :class:`InputError` that says what came instead."""
    try:
        answer = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if "error" in answer:
            raise InputError(answer["error"])
        moments = {moment: {} for moment in answer["moments"]}
        with np.load(folder / "run.npz") as arrays:
            for number, (moment, name) in enumerate(answer["index"]):
                moments[moment][name] = arrays[f"a{number}"]
        return moments, answer["description"]
    except InputError:
        raise
    except Exception:
        last = (printed.strip().splitlines() or ["nothing"])[-1][:200]
        ended = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise InputError(
            f"the TF1 interpreter must run the program to its end. Received: {python} ended with {ended} and printed: "
            f"{last}"
        ) from None
