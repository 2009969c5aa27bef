"""What is made of several operations: cells, layers, resizing, look-ups, losses, schedules, averages, metrics."""

from collections import OrderedDict

import numpy as np

from legacy_tf1.atlas.harness import STEPS, Kernel, Probe, find, started
from legacy_tf1.atlas.inputs import integers, normal, uniform
from legacy_tf1.atlas.kernels import IMAGES, INDICES, TABLE

SEQUENCE = OrderedDict(x=normal(111, 3, 7, 5))
PAIR = OrderedDict([("predictions", uniform(112, 0.05, 0.95, 6, 10)), ("labels", uniform(113, 0, 1, 6, 10))])
BATCHES = 3


class Eager(Kernel):
    """A kernel of version 2's objects, run op by op."""

    styles = ("eager",)

    def eager(self, tf, dtype):
        """Run once: what holds variables is another at its second step."""
        first = self.taped(tf, dtype)
        return first, first


class Graph(Kernel):
    """A kernel of version 1's objects, run in a Session."""

    styles = ("session",)


def weights(shape, dtype=None, partition_info=None):
    """An initializer in every release's form: fixed weights."""
    import tensorflow

    return tensorflow.constant(0.5 * normal(114, *[int(size) for size in shape]), dtype or "float32")


def in_scope(body):
    """The body, its variables initialised with fixed weights."""

    def scoped(tf, x):
        with tf.variable_scope("probe", initializer=weights):
            return body(tf, x)

    return scoped


def set_weights(layer, x):
    """Build a Keras layer and give it fixed weights."""
    layer.build(x.shape)
    layer.set_weights([0.5 * normal(115 + number, *each.shape) for number, each in enumerate(layer.get_weights())])
    return layer


def cells():
    """Recurrent cells over seven steps."""

    def cell(name):
        def body(tf, x):
            made = find(tf, "nn.rnn_cell." + name, "contrib.rnn." + name)(4)
            return tf.nn.dynamic_rnn(made, x, dtype=x.dtype)[0]

        symbols = "tf.nn.rnn_cell.{0} tf.contrib.rnn.{0} tf.nn.dynamic_rnn".format(name)
        return Graph("cell_" + name, symbols, in_scope(body), SEQUENCE, kind="layer", dtypes=("float32",))

    def layer(name):
        def body(tf, x):
            return set_weights(find(tf, "keras.layers." + name)(4), x)(x)

        return Eager(
            "keras_layer_" + name, "tf.keras.layers." + name, body, SEQUENCE, kind="layer", dtypes=("float32",)
        )

    return [cell(name) for name in ("BasicRNNCell", "BasicLSTMCell", "LSTMCell", "GRUCell")] + [
        layer(name) for name in ("SimpleRNN", "LSTM", "GRU")
    ]


def layers():
    """Layers of ``tf.layers`` and of Keras, in training."""
    flat, images = OrderedDict(x=normal(116, 6, 13)), OrderedDict(x=IMAGES)

    def norm(tf, x):
        y = tf.layers.batch_normalization(x, training=True)
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            moving = [tf.identity(v.read_value()) for v in tf.global_variables() if "moving" in v.name]
        return OrderedDict([("value", y), ("moving mean", moving[0]), ("moving variance", moving[1])])

    def keras(name, arguments, inputs, **options):
        def body(tf, x):
            return set_weights(find(tf, "keras.layers." + name)(*arguments), x)(x, **options)

        return Eager("keras_layer_" + name, "tf.keras.layers." + name, body, inputs, kind="layer", dtypes=("float32",))

    def keras_norm(tf, x):
        layer = tf.keras.layers.BatchNormalization()
        y = layer(x, training=True)
        mean, variance = layer.get_weights()[2:]
        return OrderedDict(value=y, mean=tf.constant(mean), variance=tf.constant(variance))

    single = ("float32",)
    return [
        Graph("layer_dense", "tf.layers.dense", in_scope(lambda tf, x: tf.layers.dense(x, 5)), flat, kind="layer"),
        Graph("layer_conv2d", "tf.layers.conv2d", in_scope(lambda tf, x: tf.layers.conv2d(x, 4, 3)), images, True, True,
              "layer", single),
        Graph("layer_batch_normalization", "tf.layers.batch_normalization", norm, images, True, True, "layer", single),
        Eager("keras_layer_BatchNormalization", "tf.keras.layers.BatchNormalization", keras_norm, images, True, True,
              "layer", single),
        keras("Dense", [5], flat),
        keras("Conv2D", [4, 3], images),
        keras("LayerNormalization", [], flat),
    ]  # fmt: skip


def images():
    """Resizing, each way of placing the corners."""
    only = OrderedDict(x=IMAGES)

    def old(name, corners):
        def body(tf, x):
            names = "image.resize_" + name, "compat.v1.image.resize_" + name
            return find(tf, *names)(x, [14, 5], align_corners=corners)

        title = "resize_{}{}".format(name, "_corners" if corners else "")
        return Kernel(title, "tf.image.resize_{0} tf.image.resize_images".format(name), body, only, dtypes=("float32",))

    def new(tf, x):
        return find(tf, "image.resize")(x, [14, 5])

    methods = ("bilinear", "nearest_neighbor", "bicubic", "area")
    found = [old(name, corners) for name in methods for corners in (False, True)]
    for each in found:
        each.gradient = "area" not in each.name and "bicubic" not in each.name
    return [*found, Kernel("resize", "tf.image.resize", new, only, dtypes=("float32",))]


def look_ups():
    """Rows taken and rows added, some of them more than once."""
    rows = OrderedDict(x=normal(117, 16, 9))
    sorted_indices = np.sort(INDICES)

    def ids(tf):
        return tf.constant(INDICES)

    segment = "math.unsorted_segment_sum", "unsorted_segment_sum"
    return [
        Kernel("gather", "tf.gather", lambda tf, x: tf.gather(x, ids(tf)), TABLE, sums=False),
        Kernel("embedding_lookup", "tf.nn.embedding_lookup tf.keras.layers.Embedding",
               lambda tf, x: tf.nn.embedding_lookup(x, ids(tf)), TABLE),
        Kernel("scatter_nd", "tf.scatter_nd", lambda tf, x: tf.scatter_nd(ids(tf)[:, None], x, [5, 9]), rows),
        Kernel("unsorted_segment_sum", "tf.unsorted_segment_sum tf.math.unsorted_segment_sum",
               lambda tf, x: find(tf, *segment)(x, ids(tf), 5), rows),
        Kernel("segment_sum", "tf.segment_sum tf.math.segment_sum",
               lambda tf, x: tf.reshape(
                   find(tf, "math.segment_sum", "segment_sum")(x, tf.constant(sorted_indices)), [5, 9]), rows),
        Kernel("segment_mean", "tf.segment_mean tf.math.segment_mean",
               lambda tf, x: tf.reshape(
                   find(tf, "math.segment_mean", "segment_mean")(x, tf.constant(sorted_indices)), [5, 9]), rows),
        Kernel("top_k", "tf.nn.top_k tf.math.top_k", lambda tf, x: tf.nn.top_k(x, 3)[0], TABLE, sums=False),
    ]  # fmt: skip


def losses():
    """Losses of ``tf.losses`` and of Keras, reduced as each reduces by default."""

    def old(name, symbol):
        def body(tf, predictions, labels):
            return find(tf, "losses." + name, "compat.v1.losses." + name)(labels, predictions)

        # whatever it is given, it computes in float32
        return Graph("loss_" + name, symbol, body, PAIR, True, True, "layer", ("float32",))

    def keras(name):
        def body(tf, predictions, labels):
            return find(tf, "keras.losses." + name)()(labels, predictions)

        return Eager("keras_loss_" + name, "tf.keras.losses." + name, body, PAIR, True, True, "layer", ("float32",))

    names = ("mean_squared_error", "absolute_difference", "huber_loss", "log_loss", "hinge_loss")
    return [old(name, "tf.losses." + name) for name in names] + [
        keras(name)
        for name in ("MeanSquaredError", "BinaryCrossentropy", "CategoricalCrossentropy", "Huber", "KLDivergence",
                     "CosineSimilarity", "Poisson")
    ]  # fmt: skip


class Schedule(Probe):
    """A learning rate at several steps."""

    def __init__(self, name, keras, arguments):
        symbol = ("keras.optimizers.schedules." if keras else "train.") + name
        title = ("keras_schedule_" if keras else "schedule_") + name
        Probe.__init__(self, title, "schedule", "tf." + symbol, False, ("float32",))
        self.styles = ("eager",) if keras else ("session",)
        self.symbol, self.arguments = symbol, arguments

    def session(self, tf, dtype):
        """TF1's schedules are functions of the step."""
        step = tf.placeholder("int32", [])
        head = [step] if "piecewise" in self.symbol else [0.1, step]
        rate = find(tf, self.symbol)(*(head + self.arguments))
        with started(tf) as session:
            value = np.array([session.run(rate, {step: number}) for number in range(0, 60, 3)])
        return {"value": value}, {}

    def eager(self, tf, dtype):
        """Keras' schedules are objects that are called with the step."""
        head = [] if "Piecewise" in self.symbol else [0.1]
        schedule = find(tf, self.symbol)(*(head + self.arguments))
        return {"value": np.array([np.asarray(schedule(tf.constant(n))) for n in range(0, 60, 3)])}, {}


def schedules():
    """Exponential decay and its kin."""
    pieces = [[10, 30], [0.1, 0.03, 0.01]]
    old = [
        ("exponential_decay", [7, 0.9]),
        ("natural_exp_decay", [7, 0.9]),
        ("inverse_time_decay", [7, 0.9]),
        ("polynomial_decay", [40, 0.001, 0.5]),
        ("cosine_decay", [40]),
        ("piecewise_constant", pieces),
    ]
    new = [
        ("ExponentialDecay", [7, 0.9]),
        ("InverseTimeDecay", [7, 0.9]),
        ("PolynomialDecay", [40, 0.001, 0.5]),
        ("CosineDecay", [40]),
        ("PiecewiseConstantDecay", pieces),
    ]
    found = [Schedule(name, False, rest) for name, rest in old]
    return found + [Schedule(name, True, rest) for name, rest in new]  # fmt: skip


class Average(Probe):
    """An exponential moving average over twenty values."""

    def __init__(self, name, arguments):
        Probe.__init__(self, name, "optimizer", "tf.train.ExponentialMovingAverage", False, ("float32",))
        self.styles, self.arguments = ("session",), arguments

    def session(self, tf, dtype):
        """The average after the last value."""
        w, value = tf.Variable(tf.constant(normal(71, 13), dtype)), tf.placeholder(dtype, [13])
        averages = tf.train.ExponentialMovingAverage(*self.arguments)
        with tf.control_dependencies([w.assign(value)]):
            update = averages.apply([w])
        with started(tf) as session:
            for number in range(STEPS):
                session.run(update, {value: normal(80 + number, 13)})
            found = session.run({"average": averages.average(w)})
        return found, found


class Metric(Probe):
    """A metric over three batches."""

    def __init__(self, name, keras, integral=False):
        symbol = ("keras.metrics." if keras else "metrics.") + name
        Probe.__init__(
            self, ("keras_metric_" if keras else "metric_") + name, "metric", "tf." + symbol, True, ("float32",)
        )
        self.styles = ("eager",) if keras else ("session",)
        self.symbol, self.integral = symbol, integral

    def batch(self, number):
        """(labels, predictions) of a batch: classes for integral metrics, probabilities else."""
        labels = integers(131 + number, 2, 24)
        if self.integral:
            return labels, integers(141 + number, 2, 24)
        return labels.astype(np.float32), uniform(151 + number, 0.01, 0.99, 24).astype(np.float32)

    def session(self, tf, dtype):
        """TF1's metrics are a value and an update."""
        labels, predictions = (tf.placeholder(str(each.dtype), [24]) for each in self.batch(0))
        metric = find(tf, self.symbol, "contrib.metrics.streaming_" + self.symbol.split(".")[-1])
        given = OrderedDict(labels=labels, predictions=predictions)
        if self.symbol.endswith(".mean"):
            given = OrderedDict(values=predictions)
        if self.symbol.endswith("mean_iou"):
            given["num_classes"] = 2
        value, update = metric(**given)
        with started(tf) as session:
            for number in range(BATCHES):
                session.run(update, dict(zip((labels, predictions), self.batch(number))))
            found = session.run({"value": value})
        return found, found

    def eager(self, tf, dtype):
        """Keras' metrics are objects."""
        metric = find(tf, self.symbol)()
        for number in range(BATCHES):
            labels, predictions = self.batch(number)
            metric.update_state(*([predictions] if self.symbol.endswith(".Mean") else [labels, predictions]))
        value = {"value": np.asarray(metric.result())}
        return value, value


def metrics():
    """Metrics of both versions."""
    old = ("mean", "accuracy", "auc", "precision", "recall", "mean_squared_error", "mean_iou")
    new = ("Mean", "BinaryAccuracy", "AUC", "Precision", "Recall", "MeanSquaredError")
    whole = ("accuracy", "precision", "recall", "mean_iou")
    return [Metric(name, False, name in whole) for name in old] + [Metric(name, True) for name in new]


def probes():
    """All probes of this file."""
    averages = [Average("moving_average", [0.9]), Average("moving_average_updates", [0.9, 5])]
    return cells() + layers() + images() + look_ups() + losses() + schedules() + averages + metrics()
