"""Softmax and its gradient on rows of many widths: what tells one build's order of summation from another's."""

import hashlib
from collections import OrderedDict

import numpy as np

from legacy_tf1.tensorflow1 import tf

SEED = 20261124
SHAPES = ((2,), (3,), (5,), (8,), (11,), (40, 5), (40, 10), (2, 3, 7), (40, 33), (20, 100), (20, 127), (20, 1000))
SCALES = (0.5, 5, 40, 150)  # logits that lie close, and so far apart that some exponentials underflow
LARGEST_IN_FULL = 12  # entries; a larger case is recorded as one digest for each row


def cases():
    """(name, logits, cotangent) of every case, drawn from a stream that no release of NumPy changes."""
    random = np.random.RandomState(SEED)

    def draw(shape, scale, dtype):
        # Sums of three uniform numbers, not normal ones, whose logarithm differs from one C library to the next.
        return ((random.random_sample((3, *shape)).sum(axis=0) - 1.5) * scale).astype(dtype)

    for dtype in ("float32", "float64"):
        for shape in SHAPES:
            for scale in SCALES:
                name = "{} {} scale {}".format(dtype, "x".join(str(length) for length in shape), scale)
                yield name, draw(shape, scale, dtype), draw(shape, 6, dtype)
    logits = draw((40, 10), 5, "float32")
    yield "float32 40x10 tiny cotangent", logits, draw((40, 10), 2.0**-120, "float32")


def digests(value):
    """uint32[rows]: the first four bytes of each row's SHA-256, so that wide rows take little room."""
    rows = np.ascontiguousarray(value).reshape(-1, value.shape[-1])
    return np.array([np.frombuffer(hashlib.sha256(row.tobytes()).digest()[:4], "<u4")[0] for row in rows], np.uint32)


def abridged(quantities):
    """Each quantity as the recording holds it: in full, or as a digest for each row."""
    return OrderedDict(
        (name, value if value.size <= LARGEST_IN_FULL else digests(value)) for name, value in quantities.items()
    )


def run(logits, cotangent):
    """{"y": softmax of the logits, "gradient": its gradient for the cotangent}."""
    with tf.Graph().as_default():
        z = tf.placeholder(logits.dtype, logits.shape)
        dy = tf.placeholder(logits.dtype, logits.shape)
        y = tf.nn.softmax(z)
        prints = OrderedDict([("y", y), ("gradient", tf.gradients(y, z, dy)[0])])
        # Several threads may cut a batch at a place that is no multiple of a packet (1.15 does).
        config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        with tf.Session(config=config) as session:
            return session.run(prints, {z: logits, dy: cotangent})


def recorded():
    """What the recording holds: every case, abridged."""
    return OrderedDict((name, abridged(run(logits, cotangent))) for name, logits, cotangent in cases())
