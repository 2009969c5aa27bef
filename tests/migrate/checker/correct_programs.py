"""TF1 programs of several kinds and correct ports of them, as text."""

CONVOLUTION_LEGACY = """
import tensorflow as tf

def build():
    x = tf.placeholder(tf.float32, [4, 8, 8, 2])
    kernel = tf.get_variable("conv/kernel", [3, 3, 2, 4], initializer=tf.random_normal_initializer(seed=1))
    bias = tf.get_variable("conv/bias", [4], initializer=tf.random_normal_initializer(seed=2))
    maps = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME"), bias))
    pooled = tf.nn.max_pool(maps, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    loss = tf.reduce_mean(tf.square(pooled))
    train = tf.train.AdamOptimizer(0.01).minimize(loss)
    return {"placeholders": {"x": x}, "fetches": {"pooled": pooled, "loss": loss}, "train": train}
"""
CONVOLUTION_PORT = """
import keras
import tensorflow as tf
from tf_repro import optimizers

def build():
    normal = {name: keras.initializers.RandomNormal(stddev=1.0) for name in ("kernel_initializer", "bias_initializer")}
    layers = [keras.layers.Conv2D(4, 3, padding="same", activation="relu", **normal), keras.layers.MaxPool2D(2)]
    model = keras.Sequential([keras.Input((8, 8, 2)), *layers])
    optimizer = optimizers.Adam(0.01)

    @tf.function
    def forward(feeds):
        pooled = model(feeds["x"])
        return {"pooled": pooled, "loss": tf.reduce_mean(tf.square(pooled))}

    @tf.function
    def step(feeds):
        with tf.GradientTape() as tape:
            loss = forward(feeds)["loss"]
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    return {"variables": model, "forward": forward, "step": step, "optimizer": optimizer}
"""

EMBEDDING_LEGACY = """
import tensorflow as tf

def build():
    words = tf.placeholder(tf.int32, [4, 3])
    table = tf.get_variable("table", [5, 4], initializer=tf.random_normal_initializer(seed=1))
    rows = tf.nn.embedding_lookup(table, words)
    loss = tf.reduce_sum(tf.square(rows - 1.0))
    train = tf.train.AdamOptimizer(0.01).minimize(loss)
    return {
        "placeholders": {"words": words},
        "fetches": {"rows": rows, "loss": loss},
        "train": train,
        "feeds": {"words": [[0, 1, 1], [2, 4, 0], [1, 1, 1], [3, 3, 0]]},
    }
"""
EMBEDDING_PORT = """
import tensorflow as tf
from tf_repro import optimizers

def build():
    table = tf.Variable(tf.zeros([5, 4]))
    optimizer = optimizers.Adam(0.01)

    def forward(feeds):
        rows = tf.nn.embedding_lookup(table, feeds["words"])
        return {"rows": rows, "loss": tf.reduce_sum(tf.square(rows - 1.0))}

    def step(feeds):
        with tf.GradientTape() as tape:
            loss = forward(feeds)["loss"]
        optimizer.apply([tape.gradient(loss, table)], [table])

    return {"variables": [table], "forward": forward, "step": step, "optimizer": optimizer}
"""

BY_HAND_LEGACY = """
import tensorflow as tf

def build():
    x = tf.placeholder(tf.float64, [None, 3])
    w = tf.Variable(tf.constant([1.0, -2.0, 0.5], tf.float64), name="w")
    loss = tf.reduce_sum(tf.square(tf.reduce_sum(x * w, 1)))
    gradient, = tf.gradients(loss, [w])
    return {
        "placeholders": {"x": x},
        "fetches": {"loss": loss},
        "gradients": {"w": gradient},
        "train": tf.assign_sub(w, 0.01 * gradient),
    }
"""
BY_HAND_PORT = """
import tensorflow as tf

def build():
    w = tf.Variable(tf.zeros([3], tf.float64))

    def forward(feeds):
        return {"loss": tf.reduce_sum(tf.square(tf.reduce_sum(feeds["x"] * w, 1)))}

    def step(feeds):
        with tf.GradientTape() as tape:
            loss = forward(feeds)["loss"]
        gradient = tape.gradient(loss, w)
        w.assign_sub(0.01 * gradient)
        return {"w": gradient}

    return {"variables": {"w": w}, "forward": forward, "step": step}
"""

TRAIN_ON_BATCH_LEGACY = """
import tensorflow as tf

def build():
    x = tf.placeholder(tf.float32, [None, 4])
    y = tf.placeholder(tf.float32, [None, 1])
    kernel = tf.get_variable("kernel", [4, 1], initializer=tf.random_normal_initializer(seed=1))
    bias = tf.get_variable("bias", [1], initializer=tf.random_normal_initializer(seed=2))
    prediction = tf.matmul(x, kernel) + bias
    loss = tf.losses.mean_squared_error(y, prediction)
    train = tf.train.RMSPropOptimizer(0.01).minimize(loss)
    return {"placeholders": {"x": x, "y": y}, "fetches": {"prediction": prediction}, "train": train}
"""
TRAIN_ON_BATCH_PORT = """
import keras
from tf_repro import optimizers

def build():
    normal = {name: keras.initializers.RandomNormal(stddev=1.0) for name in ("kernel_initializer", "bias_initializer")}
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, **normal)])
    model.compile(optimizers.RMSProp(0.01), "mse")
    return {
        "variables": model,
        "forward": lambda feeds: {"prediction": model(feeds["x"])},
        "step": lambda feeds: model.train_on_batch(feeds["x"], feeds["y"]),
        "optimizer": model.optimizer,
    }
"""

LSTM_LEGACY = """
import tensorflow as tf

def build():
    x = tf.placeholder(tf.float32, [5, None, 3])
    y = tf.placeholder(tf.float32, [None, 4])
    kernel = tf.get_variable("lstm/kernel", [7, 16], initializer=tf.glorot_uniform_initializer(seed=1))
    bias = tf.get_variable("lstm/bias", [16], initializer=tf.zeros_initializer())

    def body(t, c, h):
        i, j, f, o = tf.split(tf.matmul(tf.concat([x[t], h], 1), kernel) + bias, 4, axis=1)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        return t + 1, c, tf.tanh(c) * tf.sigmoid(o)

    start = tf.zeros([tf.shape(x)[1], 4])
    any_batch = tf.TensorShape([None, 4])
    shapes = [tf.TensorShape([]), any_batch, any_batch]
    _, c, h = tf.while_loop(lambda t, c, h: t < 5, body, [0, start, start], shape_invariants=shapes)
    loss = tf.reduce_sum(tf.squared_difference(h, y))
    optimizer = tf.train.AdamOptimizer(0.01)
    gradients, variables = zip(*optimizer.compute_gradients(loss))
    clipped, norm = tf.clip_by_global_norm(gradients, 1.0)
    train = optimizer.apply_gradients(zip(clipped, variables))
    return {"placeholders": {"x": x, "y": y}, "fetches": {"h": h, "loss": loss, "norm": norm}, "train": train}
"""
LSTM_PORT = """
import tensorflow as tf
from tf_repro import optimizers

def build():
    variables = kernel, bias = tf.Variable(tf.zeros([7, 16]), name="kernel"), tf.Variable(tf.zeros([16]), name="bias")
    optimizer = optimizers.Adam(0.01)

    def run(feeds):
        with tf.GradientTape() as tape:
            c = h = tf.zeros([feeds["x"].shape[1], 4])
            for x in tf.unstack(feeds["x"]):
                i, j, f, o = tf.split(tf.matmul(tf.concat([x, h], 1), kernel) + bias, 4, axis=1)
                c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
                h = tf.tanh(c) * tf.sigmoid(o)
            loss = tf.reduce_sum(tf.math.squared_difference(h, feeds["y"]))
        clipped, norm = tf.clip_by_global_norm(tape.gradient(loss, variables), 1.0)
        return {"h": h, "loss": loss, "norm": norm}, clipped

    return {
        "variables": variables,
        "forward": lambda feeds: run(feeds)[0],
        "step": lambda feeds: optimizer.apply(run(feeds)[1], variables),
        "optimizer": optimizer,
    }
"""

SPARSE_CLIPPED_LEGACY = """
import tensorflow as tf

def build():
    words, label = tf.placeholder(tf.int64, [None, 3]), tf.placeholder(tf.int32, [None])
    table = tf.get_variable("table", [2, 4], initializer=tf.random_uniform_initializer(-1, 1, seed=1))
    kernel = tf.get_variable("kernel", [12, 2], initializer=tf.random_uniform_initializer(-1, 1, seed=2))
    logits = tf.matmul(tf.reshape(tf.nn.embedding_lookup(table, words), [-1, 12]), kernel)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits))
    variables = tf.trainable_variables()
    clipped, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 0.1)
    train = tf.train.AdamOptimizer(0.01).apply_gradients(zip(clipped, variables))
    return {"placeholders": {"words": words, "label": label}, "fetches": {"loss": loss}, "train": train}
"""
SPARSE_CLIPPED_PORT = """
import tensorflow as tf
from tf_repro import optimizers

def build():
    variables = table, kernel = tf.Variable(tf.zeros([2, 4])), tf.Variable(tf.zeros([12, 2]))
    optimizer = optimizers.Adam(0.01)

    def forward(feeds):
        logits = tf.matmul(tf.reshape(tf.nn.embedding_lookup(table, feeds["words"]), [-1, 12]), kernel)
        return {"loss": tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(feeds["label"], logits))}

    def step(feeds):
        with tf.GradientTape() as tape:
            loss = forward(feeds)["loss"]
        clipped, _ = tf.clip_by_global_norm(tape.gradient(loss, variables), 0.1)
        optimizer.apply(clipped, variables)

    return {"variables": {"table": table, "kernel": kernel}, "forward": forward, "step": step, "optimizer": optimizer}
"""

TWO_LOSSES_LEGACY = """
import tensorflow as tf

def build():
    x = tf.placeholder(tf.float32, [None, 6])
    keep_prob, rate = tf.placeholder(tf.float32), tf.placeholder(tf.float32, [])
    losses, trains = [], []
    for name, optimizer in (("one", tf.train.AdamOptimizer(rate)), ("two", tf.train.MomentumOptimizer(rate, 0.9))):
        with tf.variable_scope(name):
            w = tf.get_variable("w", [6], initializer=tf.random_normal_initializer(seed=1))
            l2 = 0.01 * tf.nn.l2_loss(w)
            tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, l2)
            losses.append(tf.reduce_mean(tf.nn.dropout(tf.sigmoid(x * w), keep_prob)) + l2)
            trains.append(optimizer.minimize(losses[-1], var_list=[w]))
    return {
        "placeholders": {"x": x, "keep_prob": keep_prob, "rate": rate},
        "fetches": {"one": losses[0], "two": losses[1]},
        "train": trains,
        "feeds": {"keep_prob": 1.0, "rate": [0.1, 0.1, 0.01]},
    }
"""
TWO_LOSSES_PORT = """
import tensorflow as tf
from tf_repro import optimizers

def build():
    variables = {name: tf.Variable(tf.zeros([6])) for name in ("one/w", "two/w")}
    both = [optimizers.Adam(0.1), optimizers.Momentum(0.1, 0.9)]

    def losses(feeds):
        return [tf.reduce_mean(tf.sigmoid(feeds["x"] * w)) + 0.01 * tf.nn.l2_loss(w) for w in variables.values()]

    def step(feeds):
        with tf.GradientTape(persistent=True) as tape:
            values = losses(feeds)
        gradients = {name: tape.gradient(loss, variables[name]) for name, loss in zip(variables, values)}
        for optimizer, (name, gradient) in zip(both, gradients.items()):
            optimizer.learning_rate = feeds["rate"]
            optimizer.apply([gradient], [variables[name]])
        return gradients

    return {"variables": variables, "forward": lambda feeds: dict(zip(("one", "two"), losses(feeds))), "step": step}
"""

PROGRAMS = {
    "an LSTM by hand in a while_loop": (LSTM_LEGACY, LSTM_PORT),
    "sparse gradients clipped by their global norm": (SPARSE_CLIPPED_LEGACY, SPARSE_CLIPPED_PORT),
    "two losses, two train ops, rates that are fed": (TWO_LOSSES_LEGACY, TWO_LOSSES_PORT),
    "convolution": (CONVOLUTION_LEGACY, CONVOLUTION_PORT),
    "embedding with sparse gradients": (EMBEDDING_LEGACY, EMBEDDING_PORT),
    "float64 and gradients by hand": (BY_HAND_LEGACY, BY_HAND_PORT),
    "train_on_batch": (TRAIN_ON_BATCH_LEGACY, TRAIN_ON_BATCH_PORT),
}
