"""The migration checker: does a TF2 port compute what its TF1 original did, and if not, where do they part and why.

:func:`check` climbs a ladder (variables, initial values, forward, gradients, one step, many steps, optimizer slots) and
stops at the first rung on which the programs part. Importing this package does not import TensorFlow.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HOMES = {
    "Bundle": "golden",
    "Cause": "checker.outcome",
    "CheckReport": "checker.outcome",
    "Draws": "draws",
    "Hit": "scanner",
    "RestoreReport": "checkpoint",
    "Rung": "checker.outcome",
}

__all__ = [
    "Bundle",
    "Cause",
    "CheckReport",
    "Draws",
    "Hit",
    "RestoreReport",
    "Rung",
    "check",
    "deterministic_draws",
    "load_tf1_checkpoint",
    "record",
    "scan",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"tf_repro.migrate.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> Any:
    return sorted({*globals(), *_HOMES})


def check(
    legacy: Any,
    port: Any,
    *,
    steps: int | None = None,
    max_ulp: Any = None,
    scaled: Any = False,
    strict: Any = False,
    tf1_python: Path | str | None = None,
    feeds: Mapping[str, Any] | Path | str | None = None,
    inputs: Mapping[str, Any] | None = None,
    seed: int | None = None,
    name_map: Any = None,
    keep_going: Any = False,
    time_limit: float = 120.0,
    train: Any = None,
    fetches: Any = None,
    call: Any = None,
    deterministic_draws: Any = False,
) -> Any:
    """Hold a TF2 port against its TF1 original, rung by rung.

    Args:
        legacy: the TF1 program's file. Its ``build()`` returns a dict with ``placeholders`` and ``fetches`` (tensors
            by name), ``train`` (the train op) and, if you like, ``feeds`` (arrays by placeholder) and ``gradients``.
            Or a script without ``build()``, which is run as it is, up to its N-th training step: what it feeds,
            fetches, minimises and trains is seen at its Sessions, under the names that the script itself uses.
            Or a golden bundle, what :func:`record` made of such a program: it is replayed without TensorFlow 1, and
            ``steps``, ``feeds``, ``inputs``, ``seed`` and ``tf1_python`` are those of the recording.
        port: the TF2 program's file. Its ``build()`` returns a dict with ``variables`` (a dict, a list or a Keras
            model), ``forward`` and ``step`` (functions of the feeds by name; ``forward`` returns the fetches by name)
            and, if you like, ``optimizer`` (a Keras optimizer) and ``slots``. A ``step`` without a Keras optimizer may
            return its gradients by variable.
        steps: how many training steps the rung "N steps" takes; 10 without it.
        max_ulp: how many floating-point steps (ULP) any element may be off; None for what rounding makes of the
            program itself, measured by moving each operation's result by a last place.
        scaled: count ULP of each tensor's largest element instead of each element's own. Where terms cancel, an
            element is small and its own ULP tell nothing but that; the rounding of the terms is as large as ever.
        strict: only equal bits pass.
        tf1_python: a Python interpreter with TensorFlow 1.x; without it ``tensorflow.compat.v1`` runs the TF1 program.
        feeds: an ``.npz`` file or a dict of arrays by placeholder; an extra leading axis holds one value per step. What
            neither this nor the TF1 program gives is drawn from the placeholder's shape.
        inputs: keyword arguments of both programs' ``build()``.
        seed: of what is drawn, and of both programs' random numbers; 0 without it.
        name_map: TF1 variable to port variable, for what is not inferred rightly; None leaves a TF1 variable out.
        keep_going: climb on after a rung that fails, unless it is the first.
        time_limit: seconds that one run of either program may take.
        train: of a script that runs several training ops, the name of the one that a step is.
        fetches: of a script, the names of the tensors to compare, in place of what it fetches and minimises.
        call: of a script, the function to call; without it the script runs as ``__main__``.
        deterministic_draws: make every random draw of both programs from one seed, as in
            :func:`deterministic_draws` with ``mode="constant"``; for dropout and noise, on ``compat.v1`` only.

    Returns:
        A :class:`CheckReport`; ``report.passed`` is the verdict and ``str(report)`` the ladder.

    Raises:
        InputError: a file, an interpreter, a feed or a name breaks a rule, or a value to compare is nan.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> legacy = '''
        ... import tensorflow as tf
        ... def build():
        ...     x = tf.placeholder(tf.float32, [3])
        ...     w = tf.Variable([1.0, 2.0, 3.0], name="w")
        ...     return {"placeholders": {"x": x}, "fetches": {"y": x * w}}
        ... '''
        >>> port = '''
        ... import tensorflow as tf
        ... def build():
        ...     w = tf.Variable([0.0, 0.0, 0.0])
        ...     return {"variables": {"w": w}, "forward": lambda feeds: {"y": feeds["x"] * w}}
        ... '''
        >>> with TemporaryDirectory() as folder:
        ...     legacy_file, port_file = Path(folder, "legacy.py"), Path(folder, "port.py")
        ...     _ = legacy_file.write_text(legacy), port_file.write_text(port)
        ...     report = check(legacy_file, port_file)
        >>> report.passed
        True
    """
    from tf_repro.migrate.checker import ladder

    return ladder.run_ladder(
        legacy,
        port,
        steps=steps,
        max_ulp=max_ulp,
        scaled=scaled,
        strict=strict,
        tf1_python=tf1_python,
        feeds=feeds,
        inputs=inputs,
        seed=seed,
        name_map=name_map,
        keep_going=keep_going,
        time_limit=time_limit,
        train=train,
        fetches=fetches,
        call=call,
        deterministic_draws=deterministic_draws,
    )


def record(
    legacy: Any,
    *,
    steps: int = 10,
    tf1_python: Path | str | None = None,
    feeds: Mapping[str, Any] | Path | str | None = None,
    inputs: Mapping[str, Any] | None = None,
    seed: int = 0,
    graph: Any = True,
    time_limit: float = 120.0,
    train: Any = None,
    fetches: Any = None,
    call: Any = None,
) -> Any:
    """Run a TF1 program once, and keep what a check of its port asks in a golden bundle.

    Args:
        legacy: the TF1 program's file; see :func:`check`.
        steps: how many training steps.
        tf1_python: a Python interpreter with TensorFlow 1.x; without it ``tensorflow.compat.v1`` runs the program.
        feeds: an ``.npz`` file or a dict of arrays by placeholder, as of :func:`check`.
        inputs: keyword arguments of the program's ``build()``.
        seed: of what is drawn, and of the program's random numbers.
        graph: keep the value of each tensor in the first step, by which a check finds where programs first part.
        time_limit: seconds that one run may take. There are up to six: rounding is measured by running it perturbed.
        train: of a script that runs several training ops, the name of the one that a step is.
        fetches: of a script, the names of the tensors to keep, in place of what it fetches and minimises.
        call: of a script, the function to call; without it the script runs as ``__main__``.

    Returns:
        A :class:`Bundle`; ``bundle.write(path)`` writes the file that :func:`check` takes for a program.

    Raises:
        InputError: the program, an interpreter or a feed breaks a rule.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> legacy = '''
        ... import tensorflow as tf
        ... def build():
        ...     x = tf.placeholder(tf.float32, [3])
        ...     w = tf.Variable([1.0, 2.0, 3.0], name="w")
        ...     return {"placeholders": {"x": x}, "fetches": {"y": x * w}}
        ... '''
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "legacy.py")
        ...     _ = file.write_text(legacy)
        ...     bundle = record(file, feeds={"x": [1.0, 1.0, 2.0]})
        >>> bundle.record["before"]["y"]
        array([1., 2., 6.], dtype=float32)
    """
    from tf_repro.migrate import recording

    return recording.record(
        legacy,
        steps=steps,
        tf1_python=tf1_python,
        feeds=feeds,
        inputs=inputs,
        seed=seed,
        graph=graph,
        time_limit=time_limit,
        train=train,
        fetches=fetches,
        call=call,
    )


def scan(paths: Any, on_error: Any = None) -> Any:
    r"""Find the TensorFlow 1 symbols in programs, without running them and without importing TensorFlow.

    Args:
        paths: Python files (of version 2 or 3), notebooks, or folders of them.
        on_error: a function that takes the InputError of what cannot be read; the scan goes on after it. Without it
            the first such error is raised.

    Returns:
        A list of :class:`Hit`, file by file in the order of the lines: the symbol, what ``tf_upgrade_v2`` would do,
        what to write in native TensorFlow 2, whether the numbers change and what proves it.

    Raises:
        InputError: a file is missing, no text or no Python; or no TensorFlow is installed whose tables could be read.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     program = Path(folder, "train.py")
        ...     _ = program.write_text("import tensorflow as T\nx = T.placeholder(T.float32)")
        ...     (hit,) = scan([program])
        >>> hit.line, hit.symbol, hit.numbers
        (2, 'tf.placeholder', 'same')
    """
    from tf_repro.migrate import scanner

    return scanner.scan(paths, on_error)


def load_tf1_checkpoint(
    path: Path, port_variables: Any, name_map: Any = None, optimizer: Any = None, allow_incomplete: Any = False
) -> Any:
    """Restore a TensorFlow 1 checkpoint, weights and optimizer slots, into a TensorFlow 2 program.

    Args:
        path: the checkpoint's prefix (what ``Saver.save`` returned), one of its files, or a folder with a file
            ``checkpoint``.
        port_variables: a Keras model, or the variables as a list or a dict by name. A dict may hold sub-models too,
            whose variables' names then begin with their keys.
        name_map: TF1 variable to port variable, for what is not inferred rightly; None leaves a TF1 variable out.
        optimizer: one of :mod:`tf_repro.optimizers`, or one of Keras' whose slots hold what TF1's do (Adam, RMSprop,
            Adagrad, Adadelta, Ftrl, SGD without momentum); it takes the slots, the powers of β if it keeps them, and
            ``global_step`` as its iterations. Several are a dict by the keys of the sub-models that they train, in
            the order in which TF1 applied them. Without it slots are ignored.
        allow_incomplete: restore what matches even where something does not. Otherwise an incomplete match changes no
            value (an optimizer that had no slots yet has them then, at their initial values).

    Returns:
        A :class:`RestoreReport`: what matched, what did not, what shape or dtype disagreed, which names did not decide,
        and whether anything was restored.

    Raises:
        InputError: the checkpoint is missing, truncated, altered or not TF1's; the optimizer is another kind; or
            ``name_map`` names what does not exist.

    Example:
        >>> import tensorflow as tf
        >>> from tempfile import TemporaryDirectory
        >>> def save(folder):
        ...     with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        ...         w = tf.compat.v1.get_variable("w", initializer=[1.0, 2.0])
        ...         session.run(w.initializer)
        ...         return tf.compat.v1.train.Saver().save(session, f"{folder}/model", write_meta_graph=False)
        >>> kernel = tf.Variable([0.0, 0.0])
        >>> with TemporaryDirectory() as folder:
        ...     print(load_tf1_checkpoint(save(folder), {"dense/kernel": kernel}))
        restored: 1 matched
          w → dense/kernel
        >>> kernel.numpy()
        array([1., 2.], dtype=float32)
    """
    from tf_repro.migrate import checkpoint

    return checkpoint.load_tf1_checkpoint(path, port_variables, name_map, optimizer, allow_incomplete)


def deterministic_draws(seed: int = 0, mode: Any = "num_random_ops") -> Any:
    """A context in which a Session's draws, eager draws and Keras' draws are equal.

    Every draw of ``tf.random.*``, ``tf.nn.dropout``, the initializers and dropout of ``compat.v1`` and of Keras is made
    without state from a seed of its own, whatever seeds the program gives. A graph numbers its draws as they are built,
    eager code as they are made, so both must draw in one order; a graph draws the same at each run, so in a loop eager
    code calls ``reset()`` at the top of each step.

    What it does not reach: genuine TensorFlow 1 (it is for ``compat.v1`` in this process), ``tf.random.Generator``,
    ``tf.raw_ops``, ``tf.data``, candidate samplers, NumPy, Keras layers that take a SeedGenerator's seeds themselves,
    and functions traced before. XLA rounds otherwise. It is for one thread at a time.

    Args:
        seed: a whole number from 0 to 2147483647.
        mode: ``"num_random_ops"``, the n-th draw gets the n-th seed; or ``"constant"``, every draw gets the same one,
            so that their order does not matter.

    Returns:
        A context manager that gives a :class:`Draws`, with ``count`` and ``reset()``.

    Raises:
        InputError: ``seed`` or ``mode`` is none of these.

    Example:
        >>> import tensorflow as tf
        >>> with deterministic_draws(1), tf.Graph().as_default(), tf.compat.v1.Session() as session:
        ...     legacy = session.run(tf.compat.v1.random_normal([3]))
        >>> with deterministic_draws(1):
        ...     native = tf.random.normal([3])
        >>> bool((legacy == native.numpy()).all())
        True
    """
    from tf_repro.migrate import draws as randomness

    return randomness.deterministic_draws(seed, mode)
