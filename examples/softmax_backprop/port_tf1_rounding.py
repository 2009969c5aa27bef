"""The same on the softmax that rounds as TensorFlow up to 1.4 did, so that the document's digits come out.

It equals the TF1 program on a genuine TensorFlow up to 1.4 (--tf1-python), and no later one.
"""

from functools import partial

import port

from tf_repro import nn


def build():
    return port.build(softmax=partial(nn.softmax, numerics="tf1"))
