"""What a probe is, and how it is run: in a Session, eagerly, and in a ``tf.function``."""

import base64
import contextlib
import hashlib
from collections import OrderedDict

import numpy as np

from legacy_tf1.atlas.inputs import normal

SAMPLE = 64
STEPS = 20


class Absent(Exception):
    """The release has no such thing; the message says what is missing."""


class Probe(object):
    """A small program with fixed inputs.

    Args:
        name: what it is called in the atlas.
        kind: ``"kernel"``, ``"layer"``, ``"random"``, ``"optimizer"``, ``"default"`` or ``"program"``.
        symbols: the public names that it exercises, those of version 1 and of version 2.
        run: called with (api, dtype), gives {output: tensor} for a kernel; see the subclasses.
        sums: whether the result holds a sum of more than two terms, so that an order can show.
        dtypes: the precisions to run it in.
    """

    styles = ("session", "eager", "function")

    def __init__(self, name, kind, symbols, sums, dtypes=("float32", "float64")):
        self.name, self.kind, self.symbols, self.sums, self.dtypes = name, kind, symbols.split(), sums, dtypes


class Kernel(Probe):
    """``body(tf, *inputs)`` gives a tensor or {name: tensor}; with ``gradient``, so do its vector products."""

    def __init__(self, name, symbols, body, inputs, sums=True, gradient=True, kind="kernel", dtypes=None):
        Probe.__init__(self, name, kind, symbols, sums, dtypes or ("float32", "float64"))
        self.body, self.inputs, self.gradient = body, inputs, gradient

    def cast(self, dtype):
        """The inputs in a precision."""
        return OrderedDict((name, np.asarray(value, dtype)) for name, value in self.inputs.items())

    def evaluate(self, tf, tensors):
        """{output: tensor} of the body in a graph, gradients included."""
        outputs = named(self.body(tf, *tensors.values()))
        if self.gradient and tensors:
            cotangents = [upstream(tf, value) for value in outputs.values()]
            gradients = tf.gradients(list(outputs.values()), list(tensors.values()), cotangents)
            add_gradients(tf, outputs, tensors, gradients)
        return outputs

    def session(self, tf, dtype):
        """Run in a Session, the inputs fed."""
        values = self.cast(dtype)
        placeholders = OrderedDict((n, tf.placeholder(dtype, v.shape, name=n)) for n, v in values.items())
        outputs = self.evaluate(tf, placeholders)
        with started(tf) as session:
            feeds = {placeholders[name]: value for name, value in values.items()}
            first = session.run(dict(outputs), feeds)
            again = session.run(dict(outputs), feeds) if self.kind == "kernel" else first
        return first, again

    def eager(self, tf, dtype):
        """Run operation by operation, under a tape."""
        return self.taped(tf, dtype), self.taped(tf, dtype)

    def function(self, tf, dtype):
        """Run as one ``tf.function``."""
        values = self.cast(dtype)
        run = tf.function(lambda *tensors: self.watched(tf, OrderedDict(zip(values, tensors))), autograph=False)
        tensors = [tf.constant(value) for value in values.values()]
        first = run(*tensors)
        return first, run(*tensors) if self.kind == "kernel" else first

    def taped(self, tf, dtype):
        """The outputs of the body, eagerly."""
        seed(tf)
        return self.watched(tf, OrderedDict((name, tf.constant(v)) for name, v in self.cast(dtype).items()))

    def watched(self, tf, tensors):
        """{output: tensor} of the body under a gradient tape."""
        if not (self.gradient and tensors):
            return named(self.body(tf, *tensors.values()))
        with tf.GradientTape() as tape:
            for tensor in tensors.values():
                tape.watch(tensor)
            outputs = named(self.body(tf, *tensors.values()))
        cotangents = [upstream(tf, value) for value in outputs.values()]
        gradients = tape.gradient(list(outputs.values()), list(tensors.values()), output_gradients=cotangents)
        add_gradients(tf, outputs, tensors, gradients)
        return outputs


def named(outputs):
    """{name: tensor}, whichever the body gave."""
    return OrderedDict(outputs) if isinstance(outputs, dict) else OrderedDict(value=outputs)


def add_gradients(tf, outputs, tensors, gradients):
    """Put the gradients that exist beside the outputs."""
    for name, gradient in zip(tensors, gradients):
        if gradient is not None:
            outputs["gradient of " + name] = tf.convert_to_tensor(gradient)


def upstream(tf, tensor):
    """Fixed cotangents of an output."""
    shape = tensor.get_shape().as_list() if hasattr(tensor, "get_shape") else list(tensor.shape)
    return tf.constant(normal(99, *shape), dtype=tensor.dtype)


def find(tf, *names):
    """The first of the dotted names that the release has."""
    for name in names:
        found = tf
        for part in name.split("."):
            found = getattr(found, part, None)
            if found is None:
                break
        if found is not None:
            return found
    raise Absent("tf." + ", tf.".join(names) + ": not in this release")


def seed(tf):
    """The global seed, whatever the release calls it."""
    find(tf, "random.set_seed", "set_random_seed")(1)


@contextlib.contextmanager
def started(tf):
    """A Session of one thread, its variables initialised."""
    config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    with tf.Session(config=config) as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        yield session


def encode(value):
    """A recorded output: a digest of everything, and at most 64 of the values, evenly spread."""
    array = np.ascontiguousarray(value)
    little = array.astype(array.dtype.newbyteorder("<"))
    content = (str(array.dtype) + str(array.shape)).encode("ascii") + little.tobytes()
    stride = max(1, -(-array.size // SAMPLE))
    sample = base64.b64encode(little.ravel()[::stride].tobytes()).decode("ascii")
    return {
        "digest": hashlib.sha256(content).hexdigest()[:16],
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        "stride": stride,
        "values": sample,
    }
