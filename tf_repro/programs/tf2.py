"""The TensorFlow 2 runner: a ``build()`` becomes a Record, eagerly, as a ``tf.function``, or compiled by XLA.

A program is a function ``build(**inputs)`` that returns a dict:

- ``variables``: the variables by name.
- ``forward``: a function of the feeds, a dict of tensors, that returns the fetches by name.
- ``step``: a function of the feeds that takes one step of training; without it the program has only a forward pass.
  What it returns by a variable's name is that variable's gradient; any other quantity is recorded step by step.
- ``feeds``: arrays by name, where the program has inputs of its own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.core.inputs import as_count
from tf_repro.core.record import Record
from tf_repro.programs.machine import machine

ENGINES = ("eager", "function", "xla")

Program = Mapping[str, Any]
Step = Callable[[int], None]


def run(
    build: Callable[..., Program],
    inputs: Mapping[str, Any] | None = None,
    *,
    engine: str = "eager",
    steps: int = 1,
    on_step: Step | None = None,
) -> Record:
    """Build a program and run it.

    Args:
        build: the program; see this module's description.
        inputs: keyword arguments of ``build``.
        engine: ``"eager"``, ``"function"`` or ``"xla"``.
        steps: how many steps of training.
        on_step: called behind each step with its number.

    Returns:
        A Record with the moments ``before`` (the fetches at the start) and, where the program trains, ``after`` (the
        fetches behind the last step) and ``trajectory`` (what ``step`` returned, stacked). Its provenance names the
        machine, and says how the program was executed and what proves it.

    Raises:
        InputError: the engine is unknown, ``steps`` is no count, ``build`` does not take the inputs or returns no
            program, or a step returns other quantities than the one before.

    Example:
        >>> def build(rate=0.5):
        ...     w = tf.Variable(8.0)
        ...     return {
        ...         "variables": {"w": w},
        ...         "forward": lambda feeds: {"w": w + 0.0},
        ...         "step": lambda feeds: {"moved": w.assign_sub(rate * w)},
        ...     }
        >>> record = run(build, {"rate": 0.25}, engine="function", steps=2)
        >>> float(record["after"]["w"]), record["trajectory"]["moved"].tolist()
        (4.5, [6.0, 4.5])
        >>> record.provenance["execution"].partition(":")[0]
        'tf.function'
    """
    steps = as_count("steps", steps)
    program = _built(build, inputs or {})
    feeds = {name: tf.convert_to_tensor(value) for name, value in program.get("feeds", {}).items()}
    forward = Executed(program["forward"], engine)
    moments = {"before": to_numpy(forward(feeds))}
    executed = [forward]
    if program.get("step") is not None:
        step = Executed(program["step"], engine)
        moments["trajectory"] = _train(step, feeds, steps, set(program["variables"]), on_step)
        moments["after"] = to_numpy(forward(feeds))
        executed.append(step)
    return Record(moments, machine() | {"engine": engine, "execution": proof(executed, feeds)})


def _built(build: Callable[..., Program], inputs: Mapping[str, Any]) -> Program:
    known = inspect.signature(build).parameters
    unknown = [name for name in inputs if name not in known]
    if unknown and not any(each.kind is each.VAR_KEYWORD for each in known.values()):
        raise InputError(f"inputs must be among {', '.join(known) or 'none'}. Received: {', '.join(unknown)}")
    program = build(**inputs)
    require_form(program, getattr(build, "__qualname__", repr(build)))
    return program


def require_form(program: Any, origin: str) -> None:
    """Refuse what ``build()`` returned if it is no program.

    Args:
        program: what it returned.
        origin: what the error calls it.

    Raises:
        InputError: it is no dict with the keys of this module's description, or ``forward`` or ``step`` is no function.
    """
    rule = "build() of a port must return {'variables': …, 'forward': …, 'step': …}"
    if not isinstance(program, Mapping):
        raise InputError(f"{rule}. Received: {type(program).__name__} from {origin}")
    unknown = set(program) - {"variables", "forward", "step", "optimizer", "slots", "feeds"}
    if unknown or not {"variables", "forward"} <= set(program):
        raise InputError(f"{rule}. Received: the keys {', '.join(map(str, program)) or 'none'}")
    for name in ("forward", "step"):
        if program.get(name) is not None and not callable(program[name]):
            raise InputError(f"{name} must be a function of the feeds. Received: {program[name]!r:.80}")


def _train(
    step: Executed, feeds: Mapping[str, tf.Tensor], steps: int, variables: set[str], on_step: Step | None
) -> dict[str, Any]:
    """Take the steps; what each returned beside gradients, stacked by name."""
    returned: list[Mapping[str, tf.Tensor]] = []
    for number in range(1, steps + 1):
        quantities = step(feeds)
        if isinstance(quantities, Mapping):
            returned.append({name: value for name, value in quantities.items() if name not in variables})
        if on_step is not None:
            on_step(number)
    shapes = [{name: tuple(value.shape) for name, value in each.items()} for each in returned]
    for each in shapes[1:]:
        if each != shapes[0]:
            raise InputError(f"step() must return the same quantities each time. Received: {shapes[0]}, then {each}")
    return {name: np.stack([np.asarray(each[name]) for each in returned]) for name in (shapes or [{}])[0]}


class Executed:
    """A function of the feeds made ready for an engine, and the evidence of how it was executed.

    Args:
        function: a function of a dict of tensors; the variables that it uses exist already.
        engine: ``"eager"``, ``"function"`` or ``"xla"``.

    Raises:
        InputError: the engine is none of these.
    """

    def __init__(self, function: Callable[[Mapping[str, tf.Tensor]], Any], engine: str) -> None:
        if engine not in ENGINES:
            raise InputError(f"engine must be one of {', '.join(ENGINES)}. Received: {engine!r}")
        self.engine = engine
        self.calls = self.bodies = self.eager_bodies = 0

        @functools.wraps(function)  # TensorFlow counts retracings by the code that it finds under the wrapper
        def body(feeds: Mapping[str, tf.Tensor]) -> Any:
            self.bodies += 1
            self.eager_bodies += tf.executing_eagerly()
            return function(feeds)

        compiled = engine == "xla"
        self.function = body if engine == "eager" else tf.function(body, jit_compile=compiled, autograph=False)

    def __call__(self, feeds: Mapping[str, tf.Tensor]) -> Any:
        """What the function returns, executed as the engine does."""
        self.calls += 1
        return self.function(feeds)

    def operations(self, feeds: Mapping[str, tf.Tensor]) -> int:
        """How many operations ran at each call's one launch: of the graph, or of the module that XLA compiles.

        Raises:
            RuntimeError: the function was executed in another way than its engine's.
        """
        if self.engine == "eager":
            self._require(self.eager_bodies == self.bodies == self.calls, "run eagerly at every call")
            return 0
        traced: Any = self.function
        is_traced = hasattr(traced, "get_concrete_function") and not self.eager_bodies and self.bodies == 1
        self._require(is_traced, "be traced once, in a graph")
        if self.engine == "function":
            return len(traced.get_concrete_function(feeds).graph.get_operations())
        try:
            module = traced.experimental_get_compiler_ir(feeds)(stage="hlo")  # later stages would compile it again
        except ValueError as error:
            self._require(False, f"be compiled by XLA ({error})")
        return sum(" = " in line for line in module.splitlines())

    def _require(self, holds: bool, rule: str) -> None:
        if not holds:
            raise RuntimeError(
                f"engine {self.engine!r} must {rule}. Received: {self.calls} calls, {self.bodies} runs of the body, "
                f"{self.eager_bodies} of them eager"
            )


def proof(executed: Iterable[Executed], feeds: Mapping[str, tf.Tensor]) -> str:
    """One line on how the functions were executed.

    Raises:
        RuntimeError: one was executed in another way than its engine's.
    """
    functions = list(executed)
    sizes = " and ".join(str(function.operations(feeds)) for function in functions)
    return {
        "eager": "eager: no graph was made",
        "function": f"tf.function: graphs of {sizes} operations, each traced once",
        "xla": f"XLA: modules of {sizes} instructions, each compiled",
    }[functions[0].engine]


def to_numpy(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Tensors and variables as NumPy arrays of their own, name by name."""
    return {name: np.array(tf.convert_to_tensor(tensor).numpy()) for name, tensor in tensors.items()}
