"""Monte Carlo arithmetic for a TF1 program: each operation's result is moved by up to a last place, at random."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from legacy_tf1 import run as runner
from tf_repro.migrate.checker.noise import RUNS, spread_of
from tf_repro.programs.port import patched
from tf_repro.programs.tf1 import run_legacy

EXACT = re.compile(
    "Placeholder|Variable|VarHandle|Const$|Assign|Enter|Exit|Merge|Switch|NextIteration|LoopCond|TensorArray|Stack|"
    "Shape|Size$|Rank$|Reshape|Random|Stateless|Range|Save|Restore|Queue|Iterator|Py|PartitionedCall|While|If$|Case$|"
    "Floor|Ceil|Rint|Round|Sign|ZerosLike|OnesLike|Fill|Empty|Print|CheckNumerics|Assert"
)
"""Operations that do not round, whose results have to stay what they are, or that must not be wrapped."""


def noise(path: Any, record: Any, seed: int, runs: int = RUNS, **options: Any) -> tuple[dict[str, Any], list[str]]:
    """How far rounding moves each tensor of the TF1 program, run through compat.v1 from the same values and feeds.

    Args:
        path: the program's file.
        record: what it computed.
        seed: of the graph.
        runs: how many perturbed runs; with none only the unsteady names are told.
        options: ``steps`` and ``inputs`` as for :func:`tf_repro.programs.tf1.run_legacy`.

    Returns:
        The spread by moment and quantity, and the names of what the program does not compute twice alike.
    """
    options |= {"seed": seed, "feeds": record["feeds"], "start": record["initial"], "shapes": record.get("feed shapes")}
    base, _ = run_legacy(path, **options)
    again, _ = run_legacy(path, **options)
    unsteady = [
        name for moment in base if moment in ("before", "after", "gradients")
        for name, value in base[moment].items() if not np.array_equal(value, again[moment][name], equal_nan=True)
    ]  # fmt: skip
    moved = []
    for number in range(runs):
        with perturbed(number):
            moved.append(run_legacy(path, **options)[0])
    return spread_of(base, moved) if moved else {}, list(dict.fromkeys(unsteady))


@contextlib.contextmanager
def perturbed(number: int) -> Iterator[None]:
    """While it lasts, results of operations that are put into a graph are moved by up to a last place.

    Values that are whole numbers stay: they are counts, masks and labels.
    """
    from tensorflow.python.framework import op_callbacks  # private: tests/…/test_rounding.py fails where it moves

    count = iter(range(2**31))

    def callback(op_type: str, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> Any:
        if graph is None or EXACT.search(op_type):
            return None
        return [_moved(output, number, next(count)) for output in outputs]

    op_callbacks.add_op_callback(callback)
    try:
        with patched(runner, "session_of", _session_without_rewrites):
            yield
    finally:
        op_callbacks.remove_op_callback(callback)


def _session_without_rewrites(tf1: Any) -> Any:
    """A Session of one thread that runs the graph as it is; to optimise it would take longer than to run it."""
    config = tf1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return tf1.Session(config=config)


def _moved(tensor: Any, number: int, place: int) -> Any:
    """``x (1 + eps sin(c x))`` with c a multiple of pi, another one for each result: whole numbers stay exactly."""
    dtype = tensor.dtype
    if dtype not in (tf.float16, tf.float32, tf.float64):
        return tensor
    numpy_dtype = dtype.as_numpy_dtype
    random = np.random.RandomState((7919 * place + number) % 2**32)
    frequency = tf.constant(numpy_dtype(np.pi * random.randint(100, 1000)))
    last_place = tf.constant(numpy_dtype(np.finfo(numpy_dtype).eps))
    ops = tf.raw_ops
    draw = ops.Mul(x=ops.Sin(x=ops.Mul(x=tensor, y=frequency)), y=last_place)
    moved = ops.StopGradient(input=ops.Mul(x=tensor, y=draw))  # its slope, c eps, is no rounding of a gradient
    return ops.AddV2(x=tensor, y=moved)
