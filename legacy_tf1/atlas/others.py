"""Random numbers under fixed seeds, optimizers over twenty steps, the documents' programs, and defaults as facts."""

import inspect
from collections import OrderedDict

from legacy_tf1 import record
from legacy_tf1.atlas.harness import STEPS, Kernel, Probe, find, started
from legacy_tf1.atlas.inputs import normal

SHAPE = [37]
OPTIMIZERS = (
    ("GradientDescent", {}),
    ("Momentum", {"momentum": 0.9}),
    ("Adagrad", {}),
    ("Adadelta", {}),
    ("Adam", {}),
    ("RMSProp", {}),
    ("Ftrl", {}),
)
VARIANTS = (
    ("MomentumNesterov", "Momentum", {"momentum": 0.9, "use_nesterov": True}),
    ("RMSPropCentered", "RMSProp", {"centered": True, "momentum": 0.9}),
    ("FtrlL1", "Ftrl", {"l1_regularization_strength": 0.01, "l2_regularization_strength": 0.01}),
)
KERAS_OPTIMIZERS = ("SGD", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam", "RMSprop", "Ftrl")
LAYERS = ("BatchNormalization", "LayerNormalization", "LSTM", "GRU", "Dense", "Embedding", "LeakyReLU", "ELU",
          "SimpleRNN", "Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "Dropout", "Softmax", "ReLU",
          "PReLU")  # fmt: skip
NEEDED = {"LSTM": [3], "GRU": [3], "SimpleRNN": [3], "Dense": [3], "Embedding": [3, 4], "Conv2D": [3, 3],
          "Conv2DTranspose": [3, 3], "DepthwiseConv2D": [3], "Dropout": [0.5]}  # fmt: skip
LOSSES = ("MeanSquaredError", "BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy",
          "Huber")  # fmt: skip
METRICS = ("AUC", "Precision", "TopKCategoricalAccuracy")
INITIALIZERS = ("RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal")
FUNCTIONS = (
    "nn.l2_normalize", "nn.lrn", "nn.leaky_relu", "nn.dropout", "layers.batch_normalization", "layers.dense",
    "train.AdamOptimizer", "train.RMSPropOptimizer", "train.AdagradOptimizer", "train.AdadeltaOptimizer",
    "train.FtrlOptimizer", "train.MomentumOptimizer", "train.ExponentialMovingAverage", "nn.rnn_cell.BasicLSTMCell",
    "truncated_normal_initializer", "random_uniform_initializer", "random_normal_initializer",
    "nn.rnn_cell.LSTMCell", "nn.rnn_cell.GRUCell", "nn.softmax", "nn.log_softmax", "nn.moments", "nn.fused_batch_norm",
    "nn.batch_normalization", "nn.conv2d", "nn.embedding_lookup", "nn.ctc_loss", "nn.sampled_softmax_loss",
    "image.resize_bilinear", "image.resize_images", "image.resize", "train.exponential_decay", "train.cosine_decay",
    "losses.mean_squared_error", "losses.softmax_cross_entropy", "metrics.auc", "reduce_sum", "argmax", "cumsum",
    "matmul", "clip_by_norm", "layers.conv2d", "layers.dropout", "get_variable", "orthogonal_initializer",
    "variance_scaling_initializer", "random_normal", "random_uniform",
)  # fmt: skip


def sampler(name, symbols, body, dtypes=None):
    """A probe of random numbers: one draw under the global seed 1 and the operation's seed 2."""
    return Kernel("random_" + name, symbols, body, OrderedDict(), False, False, "random", dtypes or ("float32",))


def initializer(name, **options):
    """A probe of a Keras initializer under seed 2."""

    def body(tf):
        return find(tf, "keras.initializers." + name)(seed=2, **options)([*SHAPE, 5])

    return sampler("keras_" + name, "tf.keras.initializers." + name, body)


def old_initializer(name):
    """A probe of an initializer of version 1 under seed 2."""
    return sampler(name, "tf." + name, lambda tf: find(tf, name)(seed=2)([*SHAPE, 5]))


def randomness():
    """Samplers, dropout and initializers."""
    dropout = OrderedDict(x=normal(61, 37))
    return [
        sampler("normal", "tf.random_normal tf.random.normal",
                lambda tf: find(tf, "random.normal", "random_normal")(SHAPE, seed=2)),
        sampler("uniform", "tf.random_uniform tf.random.uniform",
                lambda tf: find(tf, "random.uniform", "random_uniform")(SHAPE, seed=2)),
        sampler("integers", "tf.random_uniform tf.random.uniform",
                lambda tf: find(tf, "random.uniform", "random_uniform")(SHAPE, 0, 1000, "int32", seed=2)),
        sampler("truncated_normal", "tf.truncated_normal tf.random.truncated_normal",
                lambda tf: find(tf, "random.truncated_normal", "truncated_normal")(SHAPE, seed=2)),
        sampler("gamma", "tf.random_gamma tf.random.gamma",
                lambda tf: find(tf, "random.gamma", "random_gamma")(SHAPE, 2.0, seed=2)),
        sampler("shuffle", "tf.random_shuffle tf.random.shuffle",
                lambda tf: find(tf, "random.shuffle", "random_shuffle")(tf.range(37), seed=2)),
        sampler("stateless_normal", "tf.random.stateless_normal",
                lambda tf: find(tf, "random.stateless_normal")(SHAPE, [1, 2])),
        sampler("stateless_uniform", "tf.random.stateless_uniform",
                lambda tf: find(tf, "random.stateless_uniform")(SHAPE, [1, 2])),
        sampler("glorot_uniform", "tf.glorot_uniform_initializer tf.get_variable tf.layers.dense",
                lambda tf: find(tf, "glorot_uniform_initializer")(seed=2)([*SHAPE, 5])),
        Kernel("random_dropout", "tf.nn.dropout tf.layers.dropout", lambda tf, x: tf.nn.dropout(x, 0.5, None, 2),
               dropout, False, False, "random", ("float32",)),
        sampler("categorical", "tf.multinomial tf.random.categorical",
                lambda tf: find(tf, "random.categorical", "multinomial")(tf.constant([[0.0, 1.0, 2.0]]), 37, seed=2)),
        sampler("poisson", "tf.random_poisson tf.random.poisson",
                lambda tf: find(tf, "random_poisson", "random.poisson")(lam=4.0, shape=SHAPE, seed=2)),
        old_initializer("truncated_normal_initializer"),
        old_initializer("random_uniform_initializer"),
        old_initializer("orthogonal_initializer"),
        old_initializer("variance_scaling_initializer"),
        sampler("xavier", "tf.contrib.layers.xavier_initializer",
                lambda tf: find(tf, "contrib.layers.xavier_initializer")(seed=2)([*SHAPE, 5])),
        initializer("GlorotUniform"),
        initializer("HeNormal"),
        initializer("Orthogonal"),
        initializer("RandomNormal"),
        initializer("TruncatedNormal"),
    ]  # fmt: skip


class Training(Probe):
    """Twenty updates of a vector by an optimizer, the gradients given."""

    def __init__(self, name, keras, options, title=None):
        room = "tf.keras.optimizers." if keras else "tf.train."
        symbol = room + name + ("" if keras else "Optimizer")
        title = ("keras_" if keras else "train_") + (title or name)
        Probe.__init__(self, title, "optimizer", symbol, False, ("float32",))
        self.styles = ("eager",) if keras else ("session",)
        self.symbol, self.options = symbol[3:], options

    def session(self, tf, dtype):
        """TF1's optimizers."""
        w, gradient = tf.Variable(tf.constant(normal(71, 13), dtype)), tf.placeholder(dtype, [13])
        step = find(tf, self.symbol)(0.05, **self.options).apply_gradients([(gradient, w)])
        with started(tf) as session:
            for number in range(STEPS):
                session.run(step, {gradient: normal(80 + number, 13)})
            value = session.run({"variable": w})
        return value, value

    def eager(self, tf, dtype):
        """Keras' optimizers."""
        w = tf.Variable(tf.constant(normal(71, 13), dtype))
        optimizer = find(tf, self.symbol)(0.05)
        for number in range(STEPS):
            optimizer.apply_gradients([(tf.constant(normal(80 + number, 13), dtype), w)])
        return {"variable": w.numpy()}, {"variable": w.numpy()}


class Program(Probe):
    """A document's own Session program; the outputs are what it prints."""

    styles = ("session",)

    def __init__(self, name):
        Probe.__init__(self, "document_" + name, "program", "", True, ("float32",))
        self.document = name

    def session(self, tf, dtype):
        """All moments of the program."""
        moments = record.document(self.document)
        value = OrderedDict((m + " " + q, v) for m, quantities in moments.items() for q, v in quantities.items())
        return value, value


class Default(Probe):
    """The default arguments of a public name, as facts: no numbers are computed."""

    styles = ("session", "eager")

    def __init__(self, path):
        Probe.__init__(self, "default_" + path, "default", "tf." + path, False, ("fact",))
        self.path = path

    def session(self, tf, dtype):
        """{argument: default}; a Keras layer is made, and its configuration read."""
        target = find(tf, self.path)
        if self.path.startswith("keras.layers."):
            facts = target(*NEEDED.get(self.path.split(".")[-1], [])).get_config()
        else:
            facts = defaults(target)
        if self.path.startswith("keras.optimizers."):
            facts["learning_rate"] = facts.get("learning_rate", facts.pop("lr", None))
            if facts.get("epsilon", 0) is None:
                facts["epsilon"] = tf.keras.backend.epsilon()
        plain = OrderedDict((key, fact(value)) for key, value in sorted(facts.items()) if key != "name")
        return OrderedDict((key, value) for key, value in plain.items() if value is not None), {}

    eager = session


def defaults(target):
    """The default arguments of a function or a constructor, under TensorFlow's decorators."""
    target = target.__init__ if inspect.isclass(target) else target
    while getattr(target, "_tf_decorator", None) is not None:
        target = target._tf_decorator.decorated_target
    signature = inspect.signature(target).parameters.values()
    return {each.name: each.default for each in signature if each.default is not inspect.Parameter.empty}


def fact(value):
    """A default as text; an initializer by its class."""
    if isinstance(value, dict) and "class_name" in value:
        config = value.get("config", {})
        if value["class_name"] == "VarianceScaling" and config.get("distribution") == "uniform":
            return "GlorotUniform" if (config["scale"], config["mode"]) == (1.0, "fan_avg") else "VarianceScaling"
        return value["class_name"]
    return repr(value) if isinstance(value, (bool, int, float, str, type(None))) else None


def probes():
    """All probes of this file."""
    rooms = [("layers", LAYERS), ("optimizers", KERAS_OPTIMIZERS), ("losses", LOSSES), ("metrics", METRICS)]
    rooms.append(("initializers", INITIALIZERS))
    facts = ["keras.{}.{}".format(room, name) for room, names in rooms for name in names]
    return (
        randomness()
        + [Training(name, False, options) for name, options in OPTIMIZERS]
        + [Training(name, False, options, title) for title, name, options in VARIANTS]
        + [Training(name, True, {}) for name in KERAS_OPTIMIZERS]
        + [Program(name) for name in ("softmax_backprop", "softmax_cross_entropy", "reverse_mode")]
        + [Default(path) for path in list(FUNCTIONS) + facts]
    )
