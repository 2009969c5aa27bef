"""Run a TF1 program and write down what it computes: ``python runner.py REQUEST.json FOLDER`` on any TensorFlow 1.x.

This file stands alone: Python 3.6, NumPy and TensorFlow are all it needs. The checker starts it in a genuine TF1
interpreter, or calls :func:`run` in its own process with ``tensorflow.compat.v1``.
"""

import contextlib
import json
import os
import platform
import re
import sys
import traceback
import types
from collections import OrderedDict

import numpy as np

DRAWN_BATCH = 8
HYPERPARAMETERS = OrderedDict(
    [
        ("beta1", "_beta1"),
        ("beta2", "_beta2"),
        ("epsilon", "_epsilon"),
        ("decay", "_decay"),
        ("rho", "_rho"),
        ("momentum", "_momentum"),
        ("use_nesterov", "_use_nesterov"),
        ("centered", "_centered"),
        ("initial_accumulator_value", "_initial_accumulator_value"),
        ("learning_rate_power", "_learning_rate_power"),
        ("l1_regularization_strength", "_l1_regularization_strength"),
        ("l2_regularization_strength", "_l2_regularization_strength"),
        ("l2_shrinkage_regularization_strength", "_l2_shrinkage_regularization_strength"),
    ]
)


class ProgramError(Exception):
    """The program or the feeds break a rule; the message is one line."""


def run(path, tf, steps, seed, given, start=None):
    """Build the program and run every moment of it.

    Args:
        path: the file with ``build()``.
        tf: TensorFlow's version 1 API.
        steps: how many training steps.
        seed: of the graph, and of the feeds that are drawn.
        given: feeds by placeholder name, or None; an extra leading axis holds one value per step.
        start: values for some of the variables in place of their initial ones, or None.

    Returns:
        ({moment: {quantity: array}}, a JSON-ready description of the program).
    """
    tf.logging.set_verbosity(tf.logging.ERROR)
    with tf.Graph().as_default():
        tf.set_random_seed(seed)
        with command_line_of(path), captured_optimizers(tf) as applied:
            program = built(path)
        feeds = Feeds(program["placeholders"], program.get("feeds") if given is None else given, seed)
        variables = OrderedDict((plain(v), v) for v in tf.global_variables())
        slots = slot_variables(applied)
        model = OrderedDict(
            (name, v)
            for name, v in variables.items()
            if all(v is not slot for slot in slots.values()) and not re.search(r"(^|/)beta[12]_power(_\d+)?$", name)
        )
        moments = run_moments(tf, program, model, slots, applied, feeds, steps, variables, start or {})
        trainable = {plain(v) for v in tf.trainable_variables()}
    description = {
        "tensorflow": tf_version(tf),
        "python": platform.python_version(),
        "trainable": [name for name in model if name in trainable],
        "optimizers": [describe(optimizer) for optimizer, _ in applied],
    }
    moments["feeds"] = feeds.first()
    return moments, description


def run_moments(tf, program, model, slots, applied, feeds, steps, variables, given):
    """What the program computes: initial values, fetches, gradients, every step, slots."""
    moments = OrderedDict()
    fetches = program["fetches"]
    gradients = OrderedDict(
        (plain(v), tf.convert_to_tensor(g)) for _, pairs in applied for g, v in pairs if g is not None
    )
    gradients.update(program.get("gradients") or {})
    with tf.Session() as session:
        restore(session, tf, variables, given)
        start = session.run(variables)
        moments["initial"] = OrderedDict((name, start[name]) for name in model)
        moments["initial slots"] = session.run(slots) if slots else {}
        moments["forward"] = session.run(fetches, feeds.at(0))
    if program.get("train") is None:
        return moments
    if gradients:
        with tf.Session() as session:
            restore(session, tf, variables, start)
            moments["gradients"] = session.run(gradients, feeds.at(0))
    with tf.Session() as session:
        restore(session, tf, variables, start)
        for step in range(1, steps + 1):
            session.run(program["train"], feeds.at(step - 1))
            moments[f"step {step}"] = session.run(model)
        moments["slots"] = session.run(slots) if slots else {}
        moments["forward after"] = session.run(fetches, feeds.at(0))
    rates = [learning_rate(optimizer) for optimizer, _ in applied]
    states = [start] + [moments[f"step {step}"] for step in range(1, steps)]
    moments["learning rate"] = learning_rates(
        tf, [rate for rate in rates if rate is not None], variables, states, feeds
    )
    return moments


def learning_rates(tf, rates, variables, states, feeds):
    """The first optimizer's rate in each step, read apart from the training: it may run updates that hang on it."""
    read = OrderedDict()
    for step, state in enumerate(states if rates else []):
        with tf.Session() as session:
            restore(session, tf, variables, state)
            read[f"step {step + 1}"] = session.run(rates[0], feeds.at(step))
    return read


def restore(session, tf, variables, values):
    """Initialise, then put ``values`` in place of what random initialisers drew."""
    session.run(tf.global_variables_initializer())
    for name, value in values.items():
        initializer = variables[name].initializer
        session.run(initializer, {initializer.inputs[1]: value})


class Feeds:
    """What each step is fed: given by name, or drawn from the placeholders' shapes."""

    def __init__(self, placeholders, given, seed):
        self.placeholders = placeholders
        given = dict(given or {})
        for name in given:
            if name not in placeholders:
                raise ProgramError(
                    "a feed must name one of the placeholders {}. Received: {!r}".format(", ".join(placeholders), name)
                )
        fed = {name: checked(name, placeholders[name], value) for name, value in given.items()}
        lengths = [len(fed[name][0]) for name in fed if has_batch_axis(placeholders[name])]
        batch, random = (lengths or [DRAWN_BATCH])[0], np.random.RandomState(seed)
        self.values = OrderedDict(
            (name, fed[name] if name in fed else drawn(name, placeholder, batch, random))
            for name, placeholder in placeholders.items()
        )

    def at(self, step):
        """The feed dictionary of a step."""
        return {self.placeholders[name]: values[step % len(values)] for name, values in self.values.items()}

    def first(self):
        """What every placeholder is fed, one value per step, by name."""
        return OrderedDict((name, np.stack(values)) for name, values in self.values.items())


def checked(name, placeholder, value):
    """The value of each step: ``value`` fits the placeholder, or has one leading axis more."""
    dtype, shape = placeholder.dtype.as_numpy_dtype, placeholder.shape
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or (np.dtype(dtype).kind in "iub" and array.dtype.kind == "f"):
        raise ProgramError(
            f"the feed {name!r} must hold numbers of dtype {np.dtype(dtype)}. Received: dtype {array.dtype}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ProgramError(f"the feed {name!r} must be finite. Received: a nan or an infinity")
    array = array.astype(dtype)
    if fits(shape, array.shape):
        return [array]
    if array.ndim and len(array) and fits(shape, array.shape[1:]):
        return list(array)
    raise ProgramError(
        f"the feed {name!r} must have shape {shape}, or one leading axis of steps more. Received: shape {array.shape}"
    )


def fits(shape, given):
    """Whether a value of shape ``given`` can be fed to a placeholder of shape ``shape``."""
    if shape.ndims is None:
        return True
    lengths = shape.as_list()
    return len(lengths) == len(given) and all(a is None or a == b for a, b in zip(lengths, given))


def has_batch_axis(placeholder):
    """Whether the placeholder's first axis has any length."""
    return bool(placeholder.shape.ndims) and placeholder.shape.as_list()[0] is None


def drawn(name, placeholder, batch, random):
    """Four steps of standard normal numbers, or of zeros and ones for integers and truth values."""
    shape, dtype = placeholder.shape, np.dtype(placeholder.dtype.as_numpy_dtype)
    if shape.ndims is None or shape.ndims == 0 or dtype.kind not in "biuf":
        raise ProgramError(
            "a placeholder that is a scalar, of unknown rank or not numeric must be given a feed. "
            f"Received: {name!r} of shape {shape} and dtype {dtype} without one; add it to the feeds"
        )
    lengths = [batch if length is None else length for length in shape.as_list()]
    if dtype.kind == "f":
        return [random.randn(*lengths).astype(dtype) for _ in range(4)]
    return [random.randint(0, 2, lengths).astype(dtype) for _ in range(4)]


@contextlib.contextmanager
def command_line_of(path):
    """While it lasts, the program's own flags have their defaults, whatever the checker was given."""
    before, sys.argv = sys.argv, [path]
    try:
        yield
    finally:
        sys.argv = before


class captured_optimizers:
    """Note every ``tf.train.Optimizer.apply_gradients``: what is really applied, after clipping, and by whom."""

    def __init__(self, tf):
        self.optimizer = tf.train.Optimizer

    def __enter__(self):
        self.original = original = self.optimizer.apply_gradients
        applied = []

        def apply_gradients(self, grads_and_vars, *arguments, **options):
            pairs = list(grads_and_vars)
            applied.append((self, pairs))
            return original(self, pairs, *arguments, **options)

        self.optimizer.apply_gradients = apply_gradients
        return applied

    def __exit__(self, *_):
        self.optimizer.apply_gradients = self.original


def slot_variables(applied):
    """{"<variable>/<slot>": variable} of every optimizer that was used."""
    slots = OrderedDict()
    for optimizer, pairs in applied:
        for _, variable in pairs:
            for slot in optimizer.get_slot_names():
                found = optimizer.get_slot(variable, slot)
                if found is not None:
                    slots[plain(variable) + "/" + slot] = found
    return slots


def describe(optimizer):
    """The optimizer's kind and those of its hyperparameters that are plain numbers."""
    kind = re.sub("Optimizer$", "", type(optimizer).__name__)
    values = ((name, getattr(optimizer, attribute, None)) for name, attribute in HYPERPARAMETERS.items())
    return {"kind": kind, "hyperparameters": {k: v for k, v in values if isinstance(v, (bool, int, float))}}


def learning_rate(optimizer):
    """The learning rate as a tensor of the graph, or None."""
    for attribute in ("_learning_rate_tensor", "_lr_t"):
        if getattr(optimizer, attribute, None) is not None:
            return getattr(optimizer, attribute)
    return None


def plain(variable):
    """A variable's name without the output's number."""
    return variable.name.split(":")[0]


def built(path):
    """What the ``build()`` of the file returns, its form checked."""
    name = os.path.basename(path)
    module = load(path)
    if not callable(getattr(module, "build", None)):
        raise ProgramError(f"a program must define build(). Received: {name} without one")
    try:
        program = module.build()
    except Exception as error:
        raise ProgramError(f"build() must succeed. Received: {explain(error, path)}") from None
    rule = "build() of a TF1 program must return {'placeholders': {…}, 'fetches': {…}, 'train': …}. Received: "
    if not isinstance(program, dict):
        raise ProgramError(rule + f"{type(program).__name__} from {name}")
    unknown = set(program) - {"placeholders", "fetches", "train", "feeds", "gradients"}
    missing = {"placeholders", "fetches"} - set(program)
    if unknown or missing:
        raise ProgramError(rule + "the keys {} from {}".format(", ".join(sorted(map(str, program))) or "none", name))
    for key in ("placeholders", "fetches"):
        if not isinstance(program[key], dict):
            raise ProgramError(f"{key!r} must be a dict by name. Received: {type(program[key]).__name__}")
    for key, tensor in program["fetches"].items():
        if not is_dense_number(tensor):
            kind = "{} of dtype {}".format(
                type(tensor).__name__, getattr(getattr(tensor, "dtype", None), "name", "none")
            )
            raise ProgramError(f"fetches must be dense tensors of real numbers. Received: {key!r}, a {kind}")
    for key, tensor in program["placeholders"].items():
        if not hasattr(tensor, "graph") or "Placeholder" not in getattr(getattr(tensor, "op", None), "type", ""):
            raise ProgramError(f"placeholders must be tf.placeholder tensors. Received: {key!r} = {tensor}")
    return program


def is_dense_number(tensor):
    """Whether a fetch gives an array of floating-point numbers, integers or truth values."""
    dtype = getattr(tensor, "dtype", None)
    return (
        dtype is not None
        and not hasattr(tensor, "indices")
        and (dtype.is_floating or dtype.is_integer or dtype.is_bool)
    )


def load(path):
    """The file as a module; an exception in it becomes one line."""
    module = types.ModuleType("legacy_program")
    module.__file__ = path
    try:
        with open(path, encoding="utf-8") as file:
            exec(compile(file.read(), path, "exec"), module.__dict__)
    except Exception as error:
        raise ProgramError(f"a program must load. Received: {explain(error, path)}") from None
    return module


def explain(error, path):
    """An exception in one line, with the last line of the program that it passed through."""
    frames = [frame for frame in traceback.extract_tb(sys.exc_info()[2]) if frame[0] == path]
    place = f"{os.path.basename(path)}, line {frames[-1][1]}" if frames else os.path.basename(path)
    failed_node = re.search(r"\nNode: .*\n(.*)", str(error))
    text = " ".join((failed_node.group(1) if failed_node else str(error)).split())
    return f"{place}: {type(error).__name__}: {text[:300]}"


def tf_version(tf):
    """TensorFlow's version, whichever face of it ``tf`` is."""
    return getattr(tf, "__version__", None) or getattr(tf, "VERSION", "unknown")


def main(arguments):
    """Read the request, run, and write ``run.json`` and ``run.npz`` into the folder."""
    request_path, folder = arguments
    with open(request_path, encoding="utf-8") as file:
        request = json.load(file)
    sys.path.insert(0, os.path.dirname(os.path.abspath(request["path"])))
    given = None
    if request["feeds"]:
        with np.load(request["feeds"]) as archive:
            given = {name: archive[name] for name in archive.files}
    arrays, index = {}, []
    try:
        import tensorflow as tf

        if not tf_version(tf).startswith("1."):
            raise ProgramError(
                f"the interpreter must have TensorFlow 1.x. Received: {sys.executable} with TensorFlow {tf_version(tf)}"
            )
        moments, description = run(request["path"], tf, request["steps"], request["seed"], given)
        for moment, quantities in moments.items():
            for name, value in quantities.items():
                index.append([moment, name])
                arrays[f"a{len(index) - 1}"] = value
        answer = {"description": description, "moments": list(moments), "index": index}
        np.savez(os.path.join(folder, "run.npz"), **arrays)
    except ProgramError as error:
        answer = {"error": str(error)}
    except ImportError as error:
        answer = {"error": f"the interpreter must have TensorFlow 1.x. Received: {sys.executable}: {error}"}
    except Exception as error:
        answer = {"error": "the TF1 program must run. Received: " + explain(error, request["path"])}
    text = json.dumps(answer)
    with open(os.path.join(folder, "run.json"), "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
