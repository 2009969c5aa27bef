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
from tf_repro.programs.private import module_with
from tf_repro.programs.tf1 import run_legacy

EXACT = re.compile(
    "Placeholder|Variable|VarHandle|Const$|Assign|Enter|Exit|Merge|Switch|NextIteration|LoopCond|TensorArray|Stack|"
    "Shape|Size$|Rank$|Reshape|Random|Stateless|Range|Save|Restore|Queue|Iterator|Py|PartitionedCall|While|If$|Case$|"
    "Floor|Ceil|Rint|Round|Sign|ZerosLike|OnesLike|Fill|Empty|Print|CheckNumerics|Assert"
)
"""Operations that do not round, whose results have to stay what they are, or that must not be wrapped."""

SUMS = {
    "MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum", "Sum", "Mean", "BiasAddGrad", "Conv2D",
    "Conv2DBackpropInput", "Conv2DBackpropFilter", "Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2",
    "DepthwiseConv2dNative", "DepthwiseConv2dNativeBackpropInput", "DepthwiseConv2dNativeBackpropFilter",
    "UnsortedSegmentSum", "SegmentSum",
}  # fmt: skip
"""Sums of products, whose order is the kernel's own: oneDNN's is another than Eigen's."""
TWICE = 10
"""After how many steps what is drawn has shown."""
FLOATS = (tf.float16, tf.float32, tf.float64)


def noise(path: Any, record: Any, seed: int, runs: int = RUNS, **options: Any) -> tuple[dict[str, Any], list[str]]:
    """How far rounding moves each tensor of the TF1 program, run through compat.v1 from the same values and feeds.

    Args:
        path: the program's file.
        record: what it computed.
        seed: of the graph.
        runs: how many perturbed runs; with none only the unsteady names are told.
        options: ``steps``, ``inputs`` and ``script`` as for :func:`tf_repro.programs.tf1.run_legacy`.

    Returns:
        The spread by moment and quantity, and the names of what the program does not compute twice alike where it is
        given no seed: what an operation without a seed of its own draws is another in a port, whatever the global seed.
    """
    options |= {"seed": seed, "feeds": record["feeds"], "start": record["initial"], "shapes": record.get("feed shapes")}
    base, _ = run_legacy(path, **options)
    seedless = options | {"seed": None, "steps": min(options["steps"], TWICE)}
    once, again = (run_legacy(path, **seedless)[0] for _ in range(2))
    unsteady = [
        name for moment in once if moment.startswith(("before", "gradients", "step ", "slots", "after"))
        for name, value in once[moment].items() if not np.array_equal(value, again[moment][name], equal_nan=True)
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
    callbacks = module_with("tensorflow.python.framework.op_callbacks", "add_op_callback", "remove_op_callback")
    count = iter(range(2**31))

    def callback(op_type: str, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> Any:
        if graph is None or EXACT.search(op_type):
            return None
        if op_type in SUMS and outputs[0].dtype in FLOATS:
            return [_moved(outputs[0], number, next(count), _size_of_partial_sums(outputs[0].op))]
        return [_moved(output, number, next(count)) for output in outputs]

    callbacks.add_op_callback(callback)
    try:
        with patched(runner, "session_of", _session_without_rewrites):
            yield
    finally:
        callbacks.remove_op_callback(callback)


def _session_without_rewrites(tf1: Any) -> Any:
    """A Session of one thread that runs the graph as it is; to optimise it would take longer than to run it."""
    config = tf1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return tf1.Session(config=config)


def _size_of_partial_sums(operation: Any) -> Any:
    """``max(|s|, sqrt(sum t^2)) sqrt(n) / 5`` for a sum s of n terms t: by how many last places of what a sum errs.

    Partial sums are of the size of the result where the terms have one sign, and of the root of the sum of squares
    where they cancel; n roundings of them, each uniform in half a last place (deviation 0.29, and 0.7 of that for an
    average mantissa), add up to ``0.2 sqrt(n)`` of it. Both sums are the operation itself, which is linear in each of
    its inputs: on their squares, and on ones.
    """
    graph, attributes, outputs = (
        operation.graph,
        dict(operation.node_def.attr),
        [each.dtype for each in operation.outputs],
    )

    def carried_out(change: Any) -> Any:
        inputs = [change(each) if each.dtype in FLOATS else each for each in operation.inputs]
        return graph.create_op(operation.type, inputs, outputs, attrs=attributes).outputs[0]

    ops = tf.raw_ops
    squares, result = carried_out(lambda each: ops.Square(x=each)), operation.outputs[0]
    if operation.type == "Mean":
        given = operation.inputs[0]
        count = ops.Cast(x=ops.Size(input=given), DstT=given.dtype) / ops.Cast(
            x=ops.Size(input=result), DstT=given.dtype
        )
        squares = squares / count
    else:
        count = carried_out(lambda each: ops.OnesLike(x=each))
    fifth = tf.constant(0.2, result.dtype)
    return ops.Maximum(x=ops.Abs(x=result), y=ops.Sqrt(x=squares)) * ops.Sqrt(x=count) * fifth


def _moved(tensor: Any, number: int, place: int, size: Any = None) -> Any:
    """``x + eps m sin(c x)`` with c a multiple of pi, another one for each result: whole numbers stay exactly.

    Args:
        tensor: x.
        number: of the run.
        place: of the operation in it.
        size: m where it is more than x itself, or None.
    """
    dtype = tensor.dtype
    if dtype not in FLOATS:
        return tensor
    numpy_dtype = dtype.as_numpy_dtype
    random = np.random.RandomState((7919 * place + number) % 2**32)
    frequency = tf.constant(numpy_dtype(np.pi * random.randint(100, 1000)))
    last_place = tf.constant(numpy_dtype(np.finfo(numpy_dtype).eps))
    ops = tf.raw_ops
    draw = ops.Mul(x=ops.Sin(x=ops.Mul(x=tensor, y=frequency)), y=last_place)
    size = tensor if size is None else ops.Maximum(x=size, y=ops.Abs(x=tensor))
    moved = ops.StopGradient(input=ops.Mul(x=size, y=draw))  # its slope, c eps, is no rounding of a gradient
    return ops.AddV2(x=tensor, y=moved)
