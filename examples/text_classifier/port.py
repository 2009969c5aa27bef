"""The text classifier of ``legacy.py`` in TensorFlow 2 and Keras 3."""

import keras
import tensorflow as tf

from tf_repro import optimizers

SUBJECTS = ("weather", "music", "cooking", "chess")
VOCABULARY, LENGTH, PADDING = 300, 20, 0
EMBEDDING, WIDTHS, FILTERS, HIDDEN = 16, (2, 3, 4), 12, 24
L2, CLIP, DECAY_STEPS, DECAY_RATE, AVERAGE = 1e-3, 1.0, 50, 0.9, 0.99


def classifier(keep_prob=1.0):
    """A Keras model from words int32[batch, LENGTH] and lengths int32[batch] to logits."""
    words = keras.Input([LENGTH], dtype="int32", name="words")
    lengths = keras.Input([], dtype="int32", name="lengths")
    uniform = keras.initializers.RandomUniform(-0.5, 0.5)
    vectors = keras.layers.Embedding(VOCABULARY, EMBEDDING, uniform, name="embedding")(words)
    known = keras.ops.expand_dims(keras.ops.cast(keras.ops.not_equal(words, PADDING), "float32"), -1)
    features = [convolve(vectors * known, width, lengths) for width in WIDTHS]
    features = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")(keras.ops.concatenate(features, axis=1))
    features = keras.layers.Dropout(1 - keep_prob)(features)
    hidden = dense(HIDDEN, "hidden", "elu")(features)
    return keras.Model({"words": words, "lengths": lengths}, dense(len(SUBJECTS), "output")(hidden))


def convolve(vectors, width, lengths):
    answers = keras.layers.Conv1D(
        FILTERS,
        width,
        activation="relu",
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.1),
        bias_initializer=keras.initializers.Constant(0.1),
        kernel_regularizer=keras.regularizers.L2(L2 / 2),  # tf.nn.l2_loss is half the sum of squares
        name=f"convolution_{width}",
    )(vectors)
    within = keras.ops.less(keras.ops.arange(LENGTH - width + 1), keras.ops.expand_dims(lengths - width + 1, -1))
    return keras.ops.max(answers * keras.ops.expand_dims(keras.ops.cast(within, "float32"), -1), axis=1)


def dense(units, name, activation=None):
    return keras.layers.Dense(units, activation, kernel_regularizer=keras.regularizers.L2(L2 / 2), name=name)


def losses(model, logits, subjects):
    labels = tf.one_hot(subjects, len(SUBJECTS), on_value=0.91, off_value=0.03)
    cross_entropy = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, logits))
    return cross_entropy, cross_entropy + tf.add_n(model.losses)


def make_optimizer(learning_rate=0.003):
    rate = keras.optimizers.schedules.ExponentialDecay(learning_rate, DECAY_STEPS, DECAY_RATE, staircase=True)
    return optimizers.Adam(rate)


def make_averages(model):
    """A variable beside each weight, for ``tf.train.ExponentialMovingAverage``."""
    return [
        tf.Variable(weight, trainable=False, name=f"{weight.path}/ExponentialMovingAverage")
        for weight in model.trainable_variables
    ]


def update_averages(averages, weights, steps):
    """Each average moves towards its weight, faster in the first steps."""
    steps = tf.cast(steps, tf.float32)
    decay = tf.minimum(AVERAGE, (1.0 + steps) / (10.0 + steps))
    for average, weight in zip(averages, weights, strict=True):
        average.assign_sub((average - weight) * (1.0 - decay))


def build():
    model = classifier()
    optimizer = make_optimizer()
    averages = make_averages(model)

    @tf.function
    def forward(feeds):
        texts = {name: feeds[name] for name in ("words", "lengths")}
        logits = model(texts, training=True)
        cross_entropy, loss = losses(model, logits, feeds["subjects"])
        return {"logits": logits, "cross_entropy": cross_entropy, "loss": loss}

    @tf.function
    def step(feeds):
        with tf.GradientTape() as tape:
            loss = forward(feeds)["loss"]
        gradients = tape.gradient(loss, model.trainable_variables)
        clipped, _ = tf.clip_by_global_norm(gradients, CLIP)
        optimizer.apply(clipped, model.trainable_variables)
        update_averages(averages, model.trainable_variables, optimizer.iterations)

    return {"variables": [*model.variables, *averages], "forward": forward, "step": step, "optimizer": optimizer}
