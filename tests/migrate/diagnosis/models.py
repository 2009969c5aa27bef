# ruff: noqa: E501 (programs as text)
"""Small TF1 programs and correct ports of them, as text to be changed in one place."""

from tests.migrate.diagnosis.heads import HEAD, PORT_HEAD
from tests.migrate.diagnosis.pooled_models import (
    POOLED,
    POOLED_PORT,
    SLOW_COPY,
    SLOW_COPY_PORT,
    SPARSE_CODE,
    SPARSE_CODE_PORT,
)
from tests.migrate.diagnosis.sequence_models import ATTENTION, ATTENTION_PORT, GRU, GRU_PORT, LSTM, LSTM_PORT

MLP = (
    HEAD
    + """
def build():
    x = tf.placeholder(tf.float32, [None, 6])
    y = tf.placeholder(tf.float32, [None, 6])
    w1, w2, w3 = (weights("w%d" % n, [6, 6], n) for n in (1, 2, 3))
    b1, b2, b3 = (weights("b%d" % n, [6], 10 + n) for n in (1, 2, 3))
    first = tf.nn.relu(tf.matmul(x, w1) + b1)
    second = tf.tanh(tf.matmul(first, w2) + b2)
    logits = tf.matmul(second, w3) + b3
    labels = y
    losses = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    penalty = 0.01 * (tf.nn.l2_loss(w1) + tf.nn.l2_loss(w2) + tf.nn.l2_loss(w3))
    loss = tf.reduce_mean(losses) + penalty
    optimizer = tf.train.AdamOptimizer(0.01)
    pairs = optimizer.compute_gradients(loss)
    gradients, variables = [g for g, _ in pairs], [v for _, v in pairs]
    gradients, _ = tf.clip_by_global_norm(gradients, 0.5)
    train = optimizer.apply_gradients(zip(gradients, variables))
    random = np.random.RandomState(5)
    feeds = {"x": random.randn(8, 6), "y": np.eye(6)[random.randint(0, 6, 8)]}
    return {"placeholders": {"x": x, "y": y}, "fetches": {"logits": logits, "loss": loss}, "train": train, "feeds": feeds}
"""
)

MLP_PORT = (
    PORT_HEAD
    + """
def build():
    w1, w2, w3 = (tf.Variable(tf.zeros([6, 6]), name="w%d" % n) for n in (1, 2, 3))
    b1, b2, b3 = (tf.Variable(tf.zeros([6]), name="b%d" % n) for n in (1, 2, 3))
    variables = [w1, w2, w3, b1, b2, b3]
    optimizer = optimizers.Adam(0.01)

    def forward(feeds):
        first = tf.nn.relu(tf.matmul(feeds["x"], w1) + b1)
        second = tf.tanh(tf.matmul(first, w2) + b2)
        logits = tf.matmul(second, w3) + b3
        labels = feeds["y"]
        losses = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
        penalty = 0.01 * (tf.nn.l2_loss(w1) + tf.nn.l2_loss(w2) + tf.nn.l2_loss(w3))
        loss = tf.reduce_mean(losses) + penalty
        return {"logits": logits, "loss": loss}

    def step(feeds):
        with tf.GradientTape() as tape:
            loss = forward(feeds)["loss"]
        gradients = tape.gradient(loss, variables)
        gradients, _ = tf.clip_by_global_norm(gradients, 0.5)
        optimizer.apply(gradients, variables)

    return {"variables": variables, "forward": forward, "step": step, "optimizer": optimizer}
"""
)

CONV = (
    HEAD
    + """
def build():
    x = tf.placeholder(tf.float32, [None, 8, 8, 4])
    k1, k2 = weights("k1", [3, 3, 4, 4], 1), weights("k2", [3, 3, 4, 4], 2)
    gamma = tf.get_variable("gamma", [4], initializer=tf.ones_initializer())
    beta = tf.get_variable("beta", [4], initializer=tf.zeros_initializer())
    mean = tf.get_variable("moving_mean", [4], initializer=tf.zeros_initializer(), trainable=False)
    variance = tf.get_variable("moving_variance", [4], initializer=tf.ones_initializer(), trainable=False)
    dense = weights("dense", [16, 5], 3)
    maps = tf.nn.conv2d(x, k1, [1, 2, 2, 1], "SAME")
    batch_mean, batch_variance = tf.nn.moments(maps, [0, 1, 2])
    updates = [
        tf.assign_sub(mean, 0.1 * (mean - batch_mean)),
        tf.assign_sub(variance, 0.1 * (variance - batch_variance)),
    ]
    maps = tf.nn.relu(tf.nn.batch_normalization(maps, batch_mean, batch_variance, beta, gamma, 1e-3))
    maps = tf.nn.relu(tf.nn.conv2d(maps, k2, [1, 1, 1, 1], "SAME"))
    pooled = tf.nn.avg_pool(maps, [1, 3, 3, 1], [1, 2, 2, 1], "SAME")
    features = tf.reshape(pooled, [-1, 16])
    scores = tf.matmul(features, dense)
    loss = tf.reduce_mean(tf.square(scores - 1.0))
    minimize = tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
    train = tf.group(minimize, *updates)
    feeds = {"x": np.random.RandomState(5).randn(6, 8, 8, 4)}
    return {"placeholders": {"x": x}, "fetches": {"scores": scores, "loss": loss}, "train": train, "feeds": feeds}
"""
)

CONV_PORT = (
    PORT_HEAD
    + """
def build():
    k1, k2 = tf.Variable(tf.zeros([3, 3, 4, 4]), name="k1"), tf.Variable(tf.zeros([3, 3, 4, 4]), name="k2")
    gamma, beta = tf.Variable(tf.ones([4]), name="gamma"), tf.Variable(tf.zeros([4]), name="beta")
    mean = tf.Variable(tf.zeros([4]), name="moving_mean", trainable=False)
    variance = tf.Variable(tf.ones([4]), name="moving_variance", trainable=False)
    dense = tf.Variable(tf.zeros([16, 5]), name="dense")
    optimizer = optimizers.Momentum(0.01, 0.9)
    learned = [k1, k2, gamma, beta, dense]

    def network(feeds, training):
        maps = tf.nn.conv2d(feeds["x"], k1, 2, "SAME")
        batch_mean, batch_variance = tf.nn.moments(maps, [0, 1, 2])
        if training:
            mean.assign_sub(0.1 * (mean - batch_mean))
            variance.assign_sub(0.1 * (variance - batch_variance))
        maps = tf.nn.relu(tf.nn.batch_normalization(maps, batch_mean, batch_variance, beta, gamma, 1e-3))
        maps = tf.nn.relu(tf.nn.conv2d(maps, k2, 1, "SAME"))
        pooled = tf.nn.avg_pool2d(maps, 3, 2, "SAME")
        features = tf.reshape(pooled, [-1, 16])
        scores = tf.matmul(features, dense)
        return {"scores": scores, "loss": tf.reduce_mean(tf.square(scores - 1.0))}

    step = trained(lambda feeds: network(feeds, True)["loss"], optimizer, learned)
    variables = [k1, k2, gamma, beta, mean, variance, dense]
    return {"variables": variables, "forward": lambda feeds: network(feeds, False), "step": step, "optimizer": optimizer}
"""
)

EMBEDDING = (
    HEAD
    + """
def build():
    ids = tf.placeholder(tf.int32, [None, 5])
    clicked = tf.placeholder(tf.float32, [None, 3])
    table, dense = weights("table", [9, 4], 1), weights("dense", [4, 3], 2)
    step = tf.train.get_or_create_global_step()
    pooled = tf.reduce_mean(tf.nn.embedding_lookup(table, ids), axis=1)
    logits = tf.matmul(pooled, dense)
    losses = tf.nn.weighted_cross_entropy_with_logits(targets=clicked, logits=logits, pos_weight=3.0)
    loss = tf.reduce_mean(losses)
    minimize = tf.train.AdagradOptimizer(0.1).minimize(loss, global_step=step)
    average = tf.train.ExponentialMovingAverage(0.9, num_updates=step)
    with tf.control_dependencies([minimize]):
        train = average.apply([dense])
    random = np.random.RandomState(3)
    feeds = {"ids": random.randint(0, 9, [6, 5]), "clicked": random.randint(0, 2, [6, 3]).astype(np.float32)}
    placeholders = {"ids": ids, "clicked": clicked}
    return {"placeholders": placeholders, "fetches": {"logits": logits, "loss": loss}, "train": train, "feeds": feeds}
"""
)

EMBEDDING_PORT = (
    PORT_HEAD
    + """
def build():
    table, dense = tf.Variable(tf.zeros([9, 4]), name="table"), tf.Variable(tf.zeros([4, 3]), name="dense")
    average = tf.Variable(tf.zeros([4, 3]), name="dense/ExponentialMovingAverage", trainable=False)
    count = tf.Variable(0, trainable=False)
    optimizer = optimizers.Adagrad(0.1)

    def forward(feeds):
        pooled = tf.reduce_mean(tf.nn.embedding_lookup(table, feeds["ids"]), axis=1)
        logits = tf.matmul(pooled, dense)
        losses = tf.nn.weighted_cross_entropy_with_logits(feeds["clicked"], logits, pos_weight=3.0)
        return {"logits": logits, "loss": tf.reduce_mean(losses)}

    def step(feeds):
        with tf.GradientTape() as tape:
            loss = forward(feeds)["loss"]
        optimizer.apply(tape.gradient(loss, [table, dense]), [table, dense])
        count.assign_add(1)
        done = tf.cast(count, tf.float32)
        decay = tf.minimum(0.9, (1.0 + done) / (10.0 + done))
        average.assign_sub((average - dense) * (1.0 - decay))

    variables = [table, dense, average]
    return {"variables": variables, "forward": forward, "step": step, "optimizer": optimizer}
"""
)

GAN = (
    HEAD
    + """
def build():
    z, real = tf.placeholder(tf.float32, [8, 3]), tf.placeholder(tf.float32, [8, 2])
    g1, g2 = weights("g/w1", [3, 4], 1), weights("g/w2", [4, 2], 2)
    d1, d2 = weights("d/w1", [2, 4], 3), weights("d/w2", [4, 1], 4)
    critic = lambda data: tf.matmul(tf.nn.leaky_relu(tf.matmul(data, d1), 0.2), d2)
    fake = tf.matmul(tf.nn.relu(tf.matmul(z, g1)), g2)
    on_real, on_fake = critic(real), critic(fake)
    crossed = tf.nn.sigmoid_cross_entropy_with_logits
    d_loss = tf.reduce_mean(crossed(labels=tf.ones([8, 1]), logits=on_real))
    d_loss += tf.reduce_mean(crossed(labels=tf.zeros([8, 1]), logits=on_fake))
    g_loss = tf.reduce_mean(crossed(labels=tf.ones([8, 1]), logits=on_fake))
    d_gradients, g_gradients = tf.gradients(d_loss, [d1, d2]), tf.gradients(g_loss, [g1, g2])
    pairs = list(zip(d_gradients + g_gradients, [d1, d2, g1, g2]))
    train = tf.train.GradientDescentOptimizer(0.05).apply_gradients(pairs)
    fetches = {"fake": fake, "d_loss": d_loss, "g_loss": g_loss}
    return {"placeholders": {"z": z, "real": real}, "fetches": fetches, "train": train}
"""
)

GAN_PORT = (
    PORT_HEAD
    + """
def build():
    g1, g2 = tf.Variable(tf.zeros([3, 4]), name="g/w1"), tf.Variable(tf.zeros([4, 2]), name="g/w2")
    d1, d2 = tf.Variable(tf.zeros([2, 4]), name="d/w1"), tf.Variable(tf.zeros([4, 1]), name="d/w2")
    optimizer = optimizers.GradientDescent(0.05)
    crossed = tf.nn.sigmoid_cross_entropy_with_logits

    def critic(data):
        return tf.matmul(tf.nn.leaky_relu(tf.matmul(data, d1), 0.2), d2)

    def forward(feeds):
        fake = tf.matmul(tf.nn.relu(tf.matmul(feeds["z"], g1)), g2)
        on_real, on_fake = critic(feeds["real"]), critic(fake)
        d_loss = tf.reduce_mean(crossed(tf.ones([8, 1]), on_real))
        d_loss += tf.reduce_mean(crossed(tf.zeros([8, 1]), on_fake))
        g_loss = tf.reduce_mean(crossed(tf.ones([8, 1]), on_fake))
        return {"fake": fake, "d_loss": d_loss, "g_loss": g_loss}

    def step(feeds):
        with tf.GradientTape(persistent=True) as tape:
            fetches = forward(feeds)
        gradients = tape.gradient(fetches["d_loss"], [d1, d2]) + tape.gradient(fetches["g_loss"], [g1, g2])
        optimizer.apply(gradients, [d1, d2, g1, g2])

    return {"variables": [g1, g2, d1, d2], "forward": forward, "step": step, "optimizer": optimizer}
"""
)

MODELS = {
    "mlp": (MLP, MLP_PORT),
    "conv": (CONV, CONV_PORT),
    "lstm": (LSTM, LSTM_PORT),
    "gru": (GRU, GRU_PORT),
    "attention": (ATTENTION, ATTENTION_PORT),
    "embedding": (EMBEDDING, EMBEDDING_PORT),
    "gan": (GAN, GAN_PORT),
    "pooled": (POOLED, POOLED_PORT),
    "sparse code": (SPARSE_CODE, SPARSE_CODE_PORT),
    "slow copy": (SLOW_COPY, SLOW_COPY_PORT),
}
