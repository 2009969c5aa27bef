"""Functions of single entries: no order of a sum can show in them."""

from collections import OrderedDict

from legacy_tf1.atlas.harness import Kernel, find
from legacy_tf1.atlas.inputs import normal, uniform

WIDE = uniform(1, -8, 8, 61)
POSITIVE = uniform(2, 0.001, 20, 61)
UNIT = uniform(3, 0.01, 0.99, 61)
TARGETS = uniform(4, 0, 1, 61)


def unary(name, x, *names):
    """A probe of one function of one argument, under the first of its names."""
    symbols = " ".join("tf." + each for each in names)
    return Kernel(name, symbols, lambda tf, x: find(tf, *names)(x), OrderedDict(x=x), sums=False)


def sigmoid_cross_entropy(tf, logits, labels):
    """0.12 calls the labels targets."""
    try:
        return tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=labels)
    except TypeError:
        return tf.nn.sigmoid_cross_entropy_with_logits(logits, labels)


def of_one_argument():
    """The functions that have a name and an argument."""
    return [
        unary("exp", WIDE, "exp"),
        unary("log", POSITIVE, "math.log", "log"),
        unary("log1p", POSITIVE, "math.log1p", "log1p"),
        unary("expm1", uniform(7, -1, 1, 61), "math.expm1", "expm1"),
        unary("tanh", WIDE, "tanh"),
        unary("sigmoid", WIDE, "sigmoid"),
        unary("log_sigmoid", WIDE, "math.log_sigmoid", "log_sigmoid"),
        unary("softplus", WIDE, "nn.softplus"),
        unary("erf", uniform(8, -3, 3, 61), "math.erf", "erf"),
        unary("erfc", uniform(8, -3, 3, 61), "math.erfc", "erfc"),
        unary("lgamma", POSITIVE, "math.lgamma", "lgamma"),
        unary("digamma", POSITIVE, "math.digamma", "digamma"),
        unary("sin", WIDE, "sin"),
        unary("cos", WIDE, "cos"),
        unary("tan", UNIT, "tan"),
        unary("asin", UNIT, "asin"),
        unary("atan", WIDE, "atan"),
        unary("sinh", UNIT, "sinh"),
        unary("sqrt", POSITIVE, "sqrt"),
        unary("rsqrt", POSITIVE, "math.rsqrt", "rsqrt"),
        unary("reciprocal", POSITIVE, "math.reciprocal", "reciprocal", "inv"),
        unary("elu", WIDE, "nn.elu"),
        unary("selu", WIDE, "nn.selu"),
        unary("leaky_relu", WIDE, "nn.leaky_relu"),
        unary("swish", WIDE, "nn.swish", "nn.silu"),
        unary("gelu", WIDE, "nn.gelu"),
        unary("softsign", WIDE, "nn.softsign"),
        unary("round", WIDE * 2.0, "round"),
    ]


def probes():
    """All probes of this file."""
    pair = OrderedDict([("x", uniform(5, 0.1, 4, 61)), ("y", normal(6, 61))])
    return [
        *of_one_argument(),
        Kernel("pow", "tf.pow tf.math.pow", lambda tf, x, y: tf.pow(x, y), pair, sums=False),
        Kernel("pow_2", "tf.pow tf.math.pow", lambda tf, x: tf.pow(x, 2), OrderedDict(x=WIDE), sums=False),
        Kernel("divide", "tf.divide", lambda tf, x, y: y / x, pair, sums=False),
        Kernel("atan2", "tf.atan2 tf.math.atan2", lambda tf, x, y: find(tf, "math.atan2", "atan2")(y, x), pair, False),
        Kernel(
            "sigmoid_cross_entropy",
            "tf.nn.sigmoid_cross_entropy_with_logits tf.losses.sigmoid_cross_entropy",
            sigmoid_cross_entropy,
            OrderedDict([("logits", WIDE), ("labels", TARGETS)]),
            sums=False,
        ),
        Kernel(
            "weighted_cross_entropy",
            "tf.nn.weighted_cross_entropy_with_logits",
            lambda tf, x: tf.nn.weighted_cross_entropy_with_logits(tf.constant(TARGETS, x.dtype), x, 1.5),
            OrderedDict(logits=WIDE),
            sums=False,
        ),
        Kernel(
            "clip_by_value",
            "tf.clip_by_value",
            lambda tf, x: tf.clip_by_value(x, -1.5, 2.5),
            OrderedDict(x=WIDE),
            sums=False,
        ),
    ]
