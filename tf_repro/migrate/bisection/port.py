"""The port's trace: every operation that it carries out eagerly is seen, and can be exchanged for another.

TensorFlow's eager operations all go through one function of its Python layer, ``TFE_Py_FastPathExecute``, or, where an
argument is no tensor yet, through ``execute.execute``; what is called in an operation's place is what the
gradient tape records.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_repro.migrate.bisection.trace import Node, Place, Ref, Trace
from tf_repro.migrate.checker.rungs import prepared
from tf_repro.programs.port import Port, patched, running_eagerly
from tf_repro.programs.private import module_with

pywrap_tfe = module_with("tensorflow.python.pywrap_tfe", "TFE_Py_FastPathExecute")
execute = module_with("tensorflow.python.eager.execute", "execute")
op_def_registry = module_with("tensorflow.python.framework.op_def_registry", "get")

WRITES = {"AssignVariableOp": "Assign", "AssignSubVariableOp": "AssignSub", "AssignAddVariableOp": "AssignAdd"}
MOST_ELEMENTS = 20_000_000

Exchange = Callable[["Recorder", int], Any]
"""Given the recorder and the number of the operation just carried out: a tensor in place of its output, or None."""


class Recorder:
    """What a port carries out while :meth:`recording` lasts.

    Args:
        port: the built port.
        exchange: given, it is asked after each operation whether another tensor takes the place of its output.

    Attributes:
        trace: the operations so far; it begins anew with each call of the port's functions.
        tensors: their outputs as tensors.
    """

    def __init__(self, port: Port, exchange: Exchange | None = None) -> None:
        self.port, self.exchange = port, exchange
        self.folder = port.path.parent
        self.busy = False
        self.restart({})

    def restart(self, feeds: dict[str, Any]) -> None:
        """Begin a new trace with these feeds."""
        self.trace = Trace()
        self.tensors: list[list[Any]] = []
        self.refs: dict[int, Ref] = {}
        self.replaced: list[Any] = []
        self.handles = {}
        for name, variable in self.port.variables.items():
            plain = variable.value if isinstance(variable, keras.Variable) else variable
            self.handles[id(plain.handle)] = name
        for name, tensor in feeds.items():
            self._add(Node("Placeholder", name, (), {}, [tensor.numpy()]), [tensor])

    def _add(self, node: Node, tensors: list[Any]) -> int:
        self.trace.nodes.append(node)
        self.tensors.append(tensors)
        number = len(self.trace.nodes) - 1
        for output, tensor in enumerate(tensors):
            self.refs[id(tensor)] = Ref(number, output)
        return number

    def ref(self, value: Any) -> Ref:
        """Which output a tensor is; one that no operation made becomes a source."""
        if id(value) in self.refs:
            return self.refs[id(value)]
        array = _array(value)
        if array is not None and array.size > 1:  # the tape hands back what it kept in another wrapper
            for number in range(len(self.trace.nodes) - 1, -1, -1):
                made = self.trace.nodes[number]
                for output, known in enumerate(made.values if made.type != "ReadVariableOp" else ()):
                    if known is not None and known.shape == array.shape and np.array_equal(known, array):
                        return Ref(number, output)
        return Ref(self._add(Node("Const", "", (), {}, [array]), [value]))

    def after(self, kind: str, inputs: list[Any], attributes: dict[str, Any], result: Any) -> Any:
        """Note an operation; what its caller is given."""
        if kind == "ReadVariableOp":
            name = self.handles.get(id(inputs[0]))
            node = Node("Variable" if name else "ReadVariableOp", name or "", (), {}, [_array(result)])
        else:
            given = tuple(self.ref(each) for each in inputs if not _is_handle(each))
            node = Node(kind, "", given, attributes, [])
        node.place = self._place()
        outputs = result if isinstance(result, (list, tuple)) else [result]
        node.values = [_array(each) for each in outputs]
        number = self._add(node, list(outputs))
        if kind in WRITES and id(inputs[0]) in self.handles:
            self.trace.roots[f"write {WRITES[kind]}", self.handles[id(inputs[0])]] = node.inputs[0]
        other = self.exchange(self, number) if self.exchange is not None else None
        if other is None:
            return result
        if isinstance(result, (list, tuple)):
            raise TypeError("only an operation with one output can be exchanged")
        self.refs[id(other)] = Ref(number)
        self.replaced.append(result)  # alive as long as its id is known
        self.tensors[number] = [other]
        node.values = [_array(other)]
        return other

    def _place(self) -> Place | None:
        frame = sys._getframe(3)
        call = 0
        while frame is not None:
            file = frame.f_code.co_filename
            call = hash((call, frame.f_lasti, file))
            if file == str(self.port.path) or (file.startswith(str(self.folder)) and "site-packages" not in file):
                break
            frame = frame.f_back  # type: ignore[assignment]
        if frame is None:
            return None
        positions = _positions(frame)
        return Place(file, frame.f_lineno, *positions, call=call)

    @contextlib.contextmanager
    def recording(self) -> Iterator[Recorder]:
        """While it lasts, operations are noted, and the port's functions begin a new trace when they are called."""
        fast, slow = pywrap_tfe.TFE_Py_FastPathExecute, execute.execute

        @functools.wraps(fast)
        def fast_path(context: Any, kind: Any, name: Any, *arguments: Any) -> Any:
            if self.busy:
                return fast(context, kind, name, *arguments)
            result = fast(context, kind, name, *arguments)
            inputs, attributes = _split(kind, arguments)
            return self._noted(kind, inputs, attributes, result)

        def slow_path(op_name: Any, num_outputs: int, inputs: Any, attrs: Any, ctx: Any, name: Any = None) -> Any:
            result = slow(op_name, num_outputs, inputs, attrs, ctx, name)
            if self.busy:
                return result
            kind = op_name.decode() if isinstance(op_name, bytes) else op_name
            plain = dict(zip(attrs[::2], attrs[1::2], strict=False)) if attrs else {}
            noted = self._noted(kind, list(inputs), _plain(plain), result[0] if len(result) == 1 else result)
            return [noted] if len(result) == 1 else noted

        with contextlib.ExitStack() as stack:
            stack.enter_context(patched(pywrap_tfe, "TFE_Py_FastPathExecute", fast_path))
            stack.enter_context(patched(execute, "execute", slow_path))
            stack.enter_context(patched(tf.GradientTape, "gradient", self._gradient(tf.GradientTape.gradient)))
            stack.enter_context(running_eagerly())
            for name in ("forward_function", "step_function"):
                if getattr(self.port, name) is not None:
                    stack.enter_context(patched(self.port, name, self._restarted(getattr(self.port, name))))
            yield self

    def _noted(self, kind: str, inputs: list[Any], attributes: dict[str, Any], result: Any) -> Any:
        self.busy = True
        try:
            return self.after(kind, inputs, attributes, result)
        finally:
            self.busy = False

    @contextlib.contextmanager
    def unseen(self) -> Iterator[None]:
        """While it lasts, operations are not noted."""
        before, self.busy = self.busy, True
        try:
            yield
        finally:
            self.busy = before

    def _restarted(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def call(feeds: dict[str, Any]) -> Any:
            with self.unseen():
                self.restart(feeds)
            returned = function(feeds)
            if isinstance(returned, dict):
                with self.unseen():
                    for name, value in returned.items():
                        value = value.value if isinstance(value, keras.Variable) else value
                        self.trace.roots["fetch", name] = self.ref(tf.convert_to_tensor(value))
            return returned

        return call

    def _gradient(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def gradient(tape: Any, target: Any, *arguments: Any, **options: Any) -> Any:
            count = sum(kind == "loss" for kind, _ in self.trace.roots)
            with self.unseen():
                for n, each in enumerate(tf.nest.flatten(target)):
                    self.trace.roots["loss", str(count + n)] = self.ref(each)
            return original(tape, target, *arguments, **options)

        return gradient


def record(port: Port, feeds: dict[str, np.ndarray], step: bool, gradients: bool = True) -> Trace:
    """The trace of the port's ``forward`` or of its ``step``, with its gradients as roots where they are asked for."""
    with Recorder(port).recording() as recorder:
        if not step:
            port.forward(feeds)
            return recorder.trace
        if not gradients:
            port.step(feeds)
            return recorder.trace
        given = port.gradients(feeds) or {}
    with recorder.unseen():
        for name, value in given.items():
            recorder.trace.roots["gradient", name] = recorder.ref(tf.constant(value))
    return recorder.trace


def uses(climb: Any) -> list[str]:
    """The port's variables by name, in the order in which its forward pass first reads them."""
    trace = record(prepared(climb), climb.feeds(0), step=False)
    return list(dict.fromkeys(node.name for node in trace.nodes if node.type == "Variable"))


@functools.cache
def _arguments(kind: str) -> int:
    definition = op_def_registry.get(kind)
    return len(definition.input_arg) if definition is not None else 0


def _split(kind: str, arguments: tuple[Any, ...]) -> tuple[list[Any], dict[str, Any]]:
    count = _arguments(kind)
    inputs: list[Any] = []
    for argument in arguments[:count]:
        inputs += argument if isinstance(argument, (list, tuple)) and _has_tensor(argument) else [argument]
    rest = arguments[count:]
    return inputs, _plain(dict(zip(rest[::2], rest[1::2], strict=False)))


def _has_tensor(arguments: Any) -> bool:
    return any(isinstance(each, tf.Tensor) for each in arguments)


def _plain(attributes: dict[str, Any]) -> dict[str, Any]:
    plain = {}
    for name, value in attributes.items():
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if isinstance(value, tf.DType):
            value = value.name
        if isinstance(value, (str, int, float, bool, list, tuple)):
            plain[name] = list(value) if isinstance(value, tuple) else value
    return plain


def _is_handle(value: Any) -> bool:
    return isinstance(value, tf.Tensor) and value.dtype in (tf.resource, tf.variant)


def _array(value: Any) -> np.ndarray | None:
    try:
        if isinstance(value, tf.Tensor):
            if value.dtype in (tf.resource, tf.variant, tf.string) or value.shape.num_elements() > MOST_ELEMENTS:
                return None
            return np.asarray(value.numpy())
        array = np.asarray(value)
    except Exception:  # noqa: BLE001 - an operation takes objects of any kind
        return None
    if array.dtype == np.float64 and not isinstance(value, (np.ndarray, np.generic)):
        array = array.astype(np.float32)  # a Python number becomes the other operand's dtype
    return array if array.dtype.kind in "fiub" and array.size <= MOST_ELEMENTS else None


def _positions(frame: Any) -> tuple[int | None, int | None]:
    """The columns of the call, where this Python tells them (3.11 and later) and the call is on one line."""
    positions = getattr(frame.f_code, "co_positions", None)
    if positions is None:
        return None, None
    line, end_line, column, end = list(positions())[frame.f_lasti // 2]
    return (column, end) if line == end_line == frame.f_lineno else (None, None)
