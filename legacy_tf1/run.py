"""Run a TF1 program and write down what it computes: ``python run.py REQUEST.json FOLDER`` on any TensorFlow.

A TF1 program is a file with ``build(**inputs)`` that is written with plain ``import tensorflow as tf`` and returns a
dict: ``placeholders`` and ``fetches`` (tensors by name) and, if it has them, ``train`` (the train op), ``feeds``
(arrays by placeholder) and ``gradients`` (tensors by variable). A file without ``build()`` is a script, which is run as
it is; see ``program_script.py``.

Python 3.6, NumPy and TensorFlow (0.12 to 1.15, or the ``compat.v1`` of 2) are all that this folder needs.
"""

import contextlib
import json
import os
import platform
import re
import sys
from collections import OrderedDict

import numpy as np

if __package__:
    from legacy_tf1 import program_optimizers as optimizing
    from legacy_tf1.program_feeds import Feeds, ProgramError
    from legacy_tf1.program_source import built, command_line_of, explain
    from legacy_tf1.version_1 import is_version_1, tf_version, version_1
else:  # a script in an interpreter of its own, which must not see what else lies beside this file
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import program_optimizers as optimizing
    from program_feeds import Feeds, ProgramError
    from program_source import built, command_line_of, explain
    from version_1 import is_version_1, tf_version, version_1

    beside = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [place for place in sys.path if os.path.abspath(place) != beside]

MOMENTS = ("initial", "initial slots", "before", "before, otherwise fed", "gradients", "steps", "slots", "after",
           "learning rate", "feeds", "feed shapes")  # fmt: skip
"""``"before, otherwise fed"`` is with another number of examples, and in inference mode, where feeds are drawn;
``"feed shapes"`` has the shape of each step's value for what is drawn: ``"feeds"`` holds them uncut."""


def run(
    path,
    tf,
    *,
    steps=1,
    seed=0,
    feeds=None,
    start=None,
    inputs=None,
    program="build",
    script=None,
    moments=MOMENTS,
    shapes=None,
):
    """Build the program and run every moment of it that is asked for.

    Args:
        path: the program's file.
        tf: TensorFlow's version 1 API, as the program imports it; see :func:`legacy_tf1.version_1.version_1`.
        steps: how many training steps.
        seed: of the graph, and of the feeds that are drawn.
        feeds: feeds by placeholder name, or None; an extra leading axis holds one value per step.
        start: values for some of the variables in place of their initial ones, or None.
        inputs: keyword arguments of the function, or None.
        program: the name of the function in the file.
        script: what to take of a script; options of :func:`legacy_tf1.program_script.content`, or None.
        moments: which of ``MOMENTS``; ``"steps"`` stands for ``"step 1"``, ``"step 2"`` and so on.
        shapes: of each step's value for feeds that are given uncut (an earlier run's ``"feed shapes"``), or None.

    Returns:
        ({moment: {quantity: array}}, a JSON-ready description of the program). Without a train op there is nothing
        behind ``"before"``.
    """
    tf.logging.set_verbosity(tf.logging.ERROR)
    with command_line_of(path), graph_of_its_own(tf, seed), optimizing.captured_optimizers(tf) as applied:
        content = built(path, program, inputs or {}, tf, dict(script or {}, steps=steps))
        graph = graph_of(tf, content)
        with graph.as_default():
            built_program = Program(tf, content, applied, seed, feeds, shapes)
            values = run_moments(tf, built_program, steps, start or content.get("start") or {}, moments)
            return values, built_program.description(graph)


class Program:
    """A program that has been built: its tensors, feeds, variables and slots."""

    def __init__(self, tf, content, applied, seed, feeds, shapes=None):
        self.tf, self.applied = tf, applied
        self.fetches, self.train = content["fetches"], content.get("train")
        self.gradients = content.get("gradients") or {}
        given = content.get("feeds") if feeds is None else feeds
        self.feeds = Feeds(content["placeholders"], given, seed, shapes, tf.make_ndarray)
        self.variables = OrderedDict((optimizing.plain(v), v) for v in tf.global_variables())
        self.slots = optimizing.slot_variables(applied)
        self.model = OrderedDict(
            (name, v)
            for name, v in self.variables.items()
            if all(v is not slot for slot in self.slots.values())
            and not re.search(r"(^|/)beta[12]_power(_\d+)?$", name)
        )

    def applied_gradients(self):
        """What the optimizers apply, by variable, and the gradients that the program itself gives."""
        gradients = OrderedDict(
            (optimizing.plain(v), self.tf.convert_to_tensor(g))
            for _, pairs in self.applied
            for g, v in pairs
            if g is not None
        )
        gradients.update(self.gradients)
        return gradients

    def rate(self):
        """The first optimizer's learning rate where every run of the train op computes it, else None."""
        rates = [
            rate for rate in (optimizing.learning_rate(optimizer) for optimizer, _ in self.applied) if rate is not None
        ]
        return rates[0] if rates and optimizing.rate_is_used(rates[0], self.train) else None

    def description(self, graph):
        """What the program is and how it was executed, ready for JSON."""
        trainable = {optimizing.plain(v) for v in self.tf.trainable_variables()}
        return {
            "tensorflow": tf_version(self.tf),
            "python": platform.python_version(),
            "execution": "tf.Session of {} operations".format(len(graph.get_operations())),
            "trainable": [name for name in self.model if name in trainable],
            "order": in_order_of_computation(self.fetches),
            "uses": optimizing.in_order_of_use(graph, self.model),
            "optimizers": [optimizing.describe(optimizer) for optimizer, _ in self.applied],
        }


def run_moments(tf, program, steps, given, asked):
    """What the program computes: initial values, fetches, gradients, every step, slots."""
    moments = OrderedDict()
    gradients = program.applied_gradients() if "gradients" in asked and program.train is not None else {}
    if program.feeds.are_varied and not takes_any_batch(tf, program):
        program.feeds.vary_no_more()
    with session_of(tf) as session:
        restore(session, tf, program.variables, given)
        start = session.run(program.variables) if program.variables else {}
        moments["initial"] = OrderedDict((name, start[name]) for name in program.model)
        moments["initial slots"] = session.run(program.slots) if program.slots else {}
        moments["before"] = session.run(program.fetches, program.feeds.at(0))
        if program.feeds.shapes and "before, otherwise fed" in asked:
            moments["before, otherwise fed"] = session.run(program.fetches, program.feeds.otherwise())
    if gradients:
        with session_of(tf) as session:
            restore(session, tf, program.variables, start)
            moments["gradients"] = session.run(gradients, program.feeds.at(0))
    if program.train is not None:
        with session_of(tf) as session:
            restore(session, tf, program.variables, start)
            train(session, program, steps, asked, moments)
    moments["feeds"] = program.feeds.first()
    if program.feeds.shapes:
        moments["feed shapes"] = program.feeds.shapes
    kept = set(asked) | ({moment for moment in moments if moment.startswith("step ")} if "steps" in asked else set())
    return OrderedDict((moment, quantities) for moment, quantities in moments.items() if moment in kept)


def takes_any_batch(tf, program):
    """Whether the program can be run with another number of examples; if not, every drawn step has the same."""
    with session_of(tf) as session:
        session.run(tf.global_variables_initializer())
        try:
            session.run([program.fetches, program.train or []], program.feeds.at(1))
        except Exception:  # noqa: BLE001 - a program raises what it likes
            return False
    return True


def train(session, program, steps, asked, moments):
    """Run the steps; the rate is that of the very run, for a run of its own might run updates that hang on it."""
    rate = program.rate() if "learning rate" in asked else None
    fetched = [program.train] if rate is None else [program.train, rate]
    rates = OrderedDict()
    for step in range(1, steps + 1):
        values = session.run(fetched, program.feeds.at(step - 1))
        if rate is not None:
            rates["step {}".format(step)] = values[1]
        if "steps" in asked:
            moments["step {}".format(step)] = session.run(program.model)
    moments["slots"] = session.run(program.slots) if program.slots else {}
    moments["after"] = session.run(program.fetches, program.feeds.at(0))
    moments["learning rate"] = rates


def in_order_of_computation(fetches):
    """The names of the fetches, those first that others are computed from."""
    place = {operation.name: number for number, operation in enumerate(tensor_graph_operations(fetches))}
    return sorted(fetches, key=lambda name: place.get(fetches[name].op.name, 0))


def tensor_graph_operations(fetches):
    """The operations of the graph that the fetches are in."""
    return next(iter(fetches.values())).graph.get_operations() if fetches else []


def session_of(tf):
    """A Session of one thread: how many share a sum decides its order."""
    return tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1))


def restore(session, tf, variables, values):
    """Initialise, then put ``values`` in place of what initialisers drew."""
    if set(variables) - set(values):  # else none is run: one may need what only the script would feed it
        session.run(tf.global_variables_initializer())
    if tf.local_variables():
        session.run(tf.local_variables_initializer())
    session.run(tf.get_collection(tf.GraphKeys.TABLE_INITIALIZERS))
    initializers = {name: variables[name].initializer for name in values}
    session.run(initializers, {initializers[name].inputs[1]: value for name, value in values.items()})


@contextlib.contextmanager
def graph_of_its_own(tf, seed):
    """While it lasts there is a new default graph, and tf.reset_default_graph() gives another one."""
    original = tf.reset_default_graph
    with contextlib.ExitStack() as stack:

        def new_graph():
            stack.enter_context(tf.Graph().as_default())
            tf.set_random_seed(seed)

        tf.reset_default_graph = new_graph
        stack.callback(setattr, tf, "reset_default_graph", original)
        new_graph()
        yield


def graph_of(tf, program):
    """The graph that the program's tensors are in; the default one where it has none."""
    for tensor in (*program["fetches"].values(), *program["placeholders"].values()):
        return tensor.graph
    return tf.get_default_graph()


def require_version_1():
    """Refuse an interpreter whose TensorFlow is not a genuine 1.x."""
    import tensorflow

    if not is_version_1(tensorflow):
        found = "{} with TensorFlow {}".format(sys.executable, tf_version(tensorflow))
        raise ProgramError("the interpreter must have TensorFlow 1.x. Received: " + found)


def main(arguments):
    """Read the request, run, and write ``run.json`` and ``run.npz`` into the folder."""
    request_path, folder = arguments
    with open(request_path, encoding="utf-8") as file:
        request = json.load(file)
    sys.path.insert(0, os.path.dirname(os.path.abspath(request["path"])))
    if request["feeds"]:
        with np.load(request["feeds"]) as archive:
            request["feeds"] = {name: archive[name] for name in archive.files}
    arrays, index = {}, []
    try:
        if request.pop("genuine", False):
            require_version_1()
        with version_1() as tf:
            moments, description = run(tf=tf, **request)
        for moment, quantities in moments.items():
            for name, value in quantities.items():
                index.append([moment, name])
                arrays["a{}".format(len(index) - 1)] = value
        answer = {"description": description, "moments": list(moments), "index": index}
        np.savez(os.path.join(folder, "run.npz"), **arrays)
    except ProgramError as error:
        answer = {"error": str(error)}
    except ImportError as error:
        answer = {"error": f"the interpreter must have TensorFlow 1.x. Received: {sys.executable}: {error}"}
    except Exception as error:  # noqa: BLE001 - a program raises what it likes
        answer = {"error": "the TF1 program must run. Received: " + explain(error, request["path"])}
    with open(os.path.join(folder, "run.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
