"""Train a few steps, save, and train on: ``python -m legacy_tf1.checkpoint FOLDER`` on genuine TensorFlow 1.x."""

from __future__ import print_function

import io
import json
import os
import platform
import sys
from collections import OrderedDict

import numpy as np

from legacy_tf1.record import encode, processor
from legacy_tf1.tensorflow1 import tf

SAVED, CONTINUED = 7, 17
DECAY_STEPS, DECAY = 5, 0.5
OPTIMIZERS = OrderedDict(
    [
        ("adam", ("Adam", {})),
        ("nesterov", ("Momentum", {"momentum": 0.9, "use_nesterov": True})),
        ("rmsprop", ("RMSProp", {"momentum": 0.5, "centered": True})),
    ]
)
SHAPES = OrderedDict(
    [("hidden/kernel", (2, 3)), ("hidden/bias", (3,)), ("output/kernel", (3, 1)), ("output/bias", (1,))]
)


def values(seed):
    """An array per variable: fewer than eight elements, so that none goes through TF1's approximate square roots."""
    random = np.random.RandomState(seed)
    return OrderedDict((name, random.randn(*shape).astype(np.float32)) for name, shape in SHAPES.items())


def build(name):
    """Variables, train op and optimizer: a sum of squares whose gradient is element by element."""
    kind, arguments = OPTIMIZERS[name]
    variables, loss = OrderedDict(), 0.0
    for variable, start in values(0).items():
        scope, _, last = variable.partition("/")
        with tf.variable_scope(scope):
            variables[variable] = tf.get_variable(last, initializer=tf.constant(start))
        difference = variables[variable] * tf.constant(values(1)[variable]) - tf.constant(values(2)[variable])
        loss += tf.reduce_sum(tf.square(difference))
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(0.1, step, DECAY_STEPS, DECAY, staircase=True)
    optimizer = getattr(tf.train, kind + "Optimizer")(rate, **arguments)
    return variables, optimizer.minimize(loss, global_step=step), optimizer


def run(name, prefix=None):
    """{"saved": …, "continued": …} with variables and slots by name; the checkpoint goes to ``prefix``."""
    moments = OrderedDict()
    with tf.Graph().as_default():
        variables, train, optimizer = build(name)
        prints = OrderedDict(variables)
        for key, variable in variables.items():
            for slot in optimizer.get_slot_names():
                prints[key + "/" + slot] = optimizer.get_slot(variable, slot)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for step in range(1, CONTINUED + 1):
                session.run(train)
                if step in (SAVED, CONTINUED):
                    moments["saved" if step == SAVED else "continued"] = session.run(prints)
                if step == SAVED and prefix:
                    saver = tf.train.Saver()
                    saver.save(session, prefix, write_meta_graph=False, write_state=False)
    return moments


def main(arguments):
    """Write a checkpoint per optimizer, and what training on from it gave."""
    if len(arguments) != 1 or not os.path.isdir(arguments[0]):
        print("one existing folder must be given. Received: " + " ".join(arguments), file=sys.stderr)
        return 2
    folder = arguments[0]
    records = {}
    for name in OPTIMIZERS:
        moments = run(name, os.path.join(folder, name))
        records[name] = {m: {q: encode(v) for q, v in quantities.items()} for m, quantities in moments.items()}
    provenance = {
        "tensorflow": tf.VERSION if hasattr(tf, "VERSION") else tf.version.VERSION,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cpu": processor(),
        "program": "python -m legacy_tf1.checkpoint",
    }
    text = json.dumps({"provenance": provenance, "records": records}, indent=1, sort_keys=True) + "\n"
    with io.open(os.path.join(folder, "continuation.json"), "w", encoding="utf-8") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
