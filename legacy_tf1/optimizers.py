"""One hundred steps of every ``tf.train`` optimizer on given gradients, as a Session program."""

from collections import OrderedDict

import numpy as np

from legacy_tf1.tensorflow1 import tf

STEPS = 100
RECORDED_STEPS = (1, 2, 10, 100)
ROWS = (0, 2, 2, 4)

OPTIMIZERS = OrderedDict(
    [
        ("gradient_descent", ("GradientDescent", {"learning_rate": 0.1})),
        ("momentum", ("Momentum", {"learning_rate": 0.1, "momentum": 0.9})),
        ("nesterov", ("Momentum", {"learning_rate": 0.1, "momentum": 0.9, "use_nesterov": True})),
        ("adagrad", ("Adagrad", {"learning_rate": 0.1})),
        ("adam", ("Adam", {"learning_rate": 0.01})),
        ("rmsprop", ("RMSProp", {"learning_rate": 0.01})),
        ("rmsprop_momentum", ("RMSProp", {"learning_rate": 0.01, "decay": 0.8, "momentum": 0.7})),
        ("rmsprop_centered", ("RMSProp", {"learning_rate": 0.01, "centered": True})),
        ("adadelta", ("Adadelta", {"learning_rate": 1.0})),
        ("ftrl", ("Ftrl", {"learning_rate": 0.1})),
        (
            "ftrl_regularized",
            (
                "Ftrl",
                {
                    "learning_rate": 0.1,
                    "l1_regularization_strength": 0.01,
                    "l2_regularization_strength": 0.02,
                    "l2_shrinkage_regularization_strength": 0.03,
                },
            ),
        ),
    ]
)


def initial_values():
    """Where the variables start: ``w`` and ``double`` have dense gradients, ``table`` has sparse ones."""
    random = np.random.RandomState(0)
    return OrderedDict(
        [
            ("w", random.randn(3, 4).astype(np.float32)),
            ("double", random.randn(5)),
            ("table", random.randn(5, 3).astype(np.float32)),
        ]
    )


def gradients():
    """The gradients of each step: magnitudes from 1e-3 to 10, and every tenth step zeros for ``w``."""
    random = np.random.RandomState(1)
    steps = []
    for step in range(STEPS):
        scale = 10.0 ** random.uniform(-3, 1)
        w = 0.0 if step % 10 == 9 else scale
        steps.append(
            OrderedDict(
                [
                    ("w", (w * random.randn(3, 4)).astype(np.float32)),
                    ("double", scale * random.randn(5)),
                    ("table", (scale * random.randn(len(ROWS), 3)).astype(np.float32)),
                ]
            )
        )
    return steps


def run(name):
    """{"<optimizer> after step <n>": {"w": …, "w/<slot>": …}} of one entry of ``OPTIMIZERS``."""
    kind, arguments = OPTIMIZERS[name]
    moments = OrderedDict()
    with tf.Graph().as_default():
        values = initial_values()
        variables = OrderedDict((key, tf.Variable(value, name=key)) for key, value in values.items())
        fed = OrderedDict((key, tf.placeholder(value.dtype, value.shape)) for key, value in gradients()[0].items())
        applied = dict(fed, table=tf.IndexedSlices(fed["table"], tf.constant(ROWS), tf.constant(values["table"].shape)))
        optimizer = getattr(tf.train, kind + "Optimizer")(**arguments)
        train = optimizer.apply_gradients([(applied[key], variables[key]) for key in variables])
        prints = OrderedDict(variables)
        for key, variable in variables.items():
            for slot in optimizer.get_slot_names():
                prints[key + "/" + slot] = optimizer.get_slot(variable, slot)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for step, given in enumerate(gradients(), 1):
                session.run(train, {fed[key]: given[key] for key in fed})
                if step in RECORDED_STEPS:
                    moments["{} after step {}".format(name, step)] = session.run(prints)
    return moments


def recorded():
    """What the recording holds: every optimizer at every recorded step."""
    moments = OrderedDict()
    for name in OPTIMIZERS:
        moments.update(run(name))
    return moments
