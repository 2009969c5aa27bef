"""Which kernels will run an operation: XLA's, oneDNN's or Eigen's, which are fast with different ones."""

import functools
import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

# Compiling takes some tenths of a second for each new shape, and below this many entries a pass over memory is as
# cheap as starting the compiled program: `python -m benchmarks --op softmax`, 64 × 10 and 256 × 1000.
WORTH_COMPILING = 250_000


def compiled_by_xla(*tensors: tf.Tensor) -> bool:
    """Whether XLA will compile the operations that use the tensors. Unseen, it costs time, not accuracy.

    Seen is the graph that is being traced, and that in which a tensor was made: the gradient of a compiled function
    is traced outside of it, from tensors that were made inside.
    """
    return any(_in_xla_context(place) for tensor in tensors for place in _places(tensor))


def _places(tensor: tf.Tensor) -> list[Any]:
    """The operation that makes a tensor, and the graphs it stands in; none in eager mode."""
    graph = getattr(tensor, "graph", None)
    places = [] if graph is None else [tensor.op]
    while graph is not None:
        places.append(graph)
        graph = getattr(graph, "outer_graph", None)
    return places


def _in_xla_context(place: Any) -> bool:
    # private; tests/test_private_api.py fails by name when it moves
    context = getattr(place, "_get_control_flow_context", lambda: None)()
    return context is not None and context.IsXLAContext()


@functools.cache
def onednn_is_on() -> bool:
    """Whether oneDNN's kernels stand in for Eigen's; unknown, it costs time, not accuracy."""
    try:  # private; tests/test_private_api.py fails by name when it moves
        from tensorflow.python.util import _pywrap_util_port

        return bool(_pywrap_util_port.IsMklEnabled())
    except (ImportError, AttributeError):
        return os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "1"


def compiled_where_it_pays(function: Callable[..., Any], *tensors: tf.Tensor) -> Any:
    """``function`` of the tensors, the first of them the largest, compiled by XLA in a graph of static shapes.

    Never in eager mode, whose shapes may be ever new ones. What is compiled belongs to the graph that is being traced,
    and goes with it.
    """
    known = all(tensor.shape.is_fully_defined() for tensor in tensors)
    if tf.executing_eagerly() or compiled_by_xla(*tensors) or not known:
        return function(*tensors)
    if tensors[0].shape.num_elements() < WORTH_COMPILING:
        return function(*tensors)
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in tensors]
    compiled = tf.function(function, jit_compile=True, autograph=False).get_concrete_function(*specs)
    return function(*tensors) if _is_watched(compiled) else compiled(*tensors)


def _is_watched(traced: Any) -> bool:
    """Whether `tf.debugging` looks at every operation, by means that XLA does not know."""
    return any(op.type.startswith(("CheckNumerics", "Debug")) for op in traced.graph.get_operations())
