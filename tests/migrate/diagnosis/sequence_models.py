"""Recurrent cells and attention by hand: TF1 programs and correct ports of them, as text."""

from tests.migrate.diagnosis.heads import HEAD, PORT_HEAD

LSTM = (
    HEAD
    + """
def build():
    x = tf.placeholder(tf.float32, [4, 5, 3])
    kernel, bias = weights("lstm/kernel", [7, 16], 1), weights("lstm/bias", [16], 2)
    h = c = tf.zeros([4, 4])
    for time in range(5):
        gates = tf.matmul(tf.concat([x[:, time], h], 1), kernel) + bias
        i, j, f, o = tf.split(gates, 4, 1)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        h = tf.tanh(c) * tf.sigmoid(o)
    loss = tf.reduce_sum(tf.square(h))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    return {"placeholders": {"x": x}, "fetches": {"h": h, "loss": loss}, "train": train}
"""
)

LSTM_PORT = (
    PORT_HEAD
    + """
def build():
    kernel = tf.Variable(tf.zeros([7, 16]), name="lstm/kernel")
    bias = tf.Variable(tf.zeros([16]), name="lstm/bias")
    optimizer = optimizers.GradientDescent(0.1)

    def forward(feeds):
        h = c = tf.zeros([4, 4])
        for time in range(5):
            gates = tf.matmul(tf.concat([feeds["x"][:, time], h], 1), kernel) + bias
            i, j, f, o = tf.split(gates, 4, 1)
            c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            h = tf.tanh(c) * tf.sigmoid(o)
        return {"h": h, "loss": tf.reduce_sum(tf.square(h))}

    step = trained(lambda feeds: forward(feeds)["loss"], optimizer, [kernel, bias])
    return {"variables": [kernel, bias], "forward": forward, "step": step, "optimizer": optimizer}
"""
)

GRU = (
    HEAD
    + """
def build():
    x = tf.placeholder(tf.float32, [4, 5, 3])
    wg, bg = weights("gates/kernel", [7, 8], 1), weights("gates/bias", [8], 2)
    wc, bc = weights("candidate/kernel", [7, 4], 3), weights("candidate/bias", [4], 4)
    h = tf.zeros([4, 4])
    for time in range(5):
        gates = tf.sigmoid(tf.matmul(tf.concat([x[:, time], h], 1), wg) + bg)
        r, u = tf.split(gates, 2, 1)
        c = tf.tanh(tf.matmul(tf.concat([x[:, time], r * h], 1), wc) + bc)
        h = u * h + (1 - u) * c
    loss = tf.reduce_sum(tf.square(h))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    return {"placeholders": {"x": x}, "fetches": {"h": h, "loss": loss}, "train": train}
"""
)

GRU_PORT = (
    PORT_HEAD
    + """
def build():
    wg, bg = tf.Variable(tf.zeros([7, 8]), name="gates/kernel"), tf.Variable(tf.zeros([8]), name="gates/bias")
    wc, bc = tf.Variable(tf.zeros([7, 4]), name="candidate/kernel"), tf.Variable(tf.zeros([4]), name="candidate/bias")
    variables, optimizer = [wg, bg, wc, bc], optimizers.GradientDescent(0.1)

    def forward(feeds):
        h = tf.zeros([4, 4])
        for time in range(5):
            gates = tf.sigmoid(tf.matmul(tf.concat([feeds["x"][:, time], h], 1), wg) + bg)
            r, u = tf.split(gates, 2, 1)
            c = tf.tanh(tf.matmul(tf.concat([feeds["x"][:, time], r * h], 1), wc) + bc)
            h = u * h + (1 - u) * c
        return {"h": h, "loss": tf.reduce_sum(tf.square(h))}

    step = trained(lambda feeds: forward(feeds)["loss"], optimizer, variables)
    return {"variables": variables, "forward": forward, "step": step, "optimizer": optimizer}
"""
)

ATTENTION = (
    HEAD
    + """
def build():
    x = tf.placeholder(tf.float32, [None, 4, 4])
    q, k, v = (weights(name, [4, 4], n) for n, name in enumerate(["q", "k", "v"]))
    gamma, beta = weights("gamma", [4], 7), weights("beta", [4], 8)
    queries, keys, values = (tf.tensordot(x, w, 1) for w in (q, k, v))
    scores = tf.matmul(queries, keys, transpose_b=True) / np.sqrt(4.0).astype(np.float32)
    mixed = tf.matmul(tf.nn.softmax(scores), values)
    hidden = x + mixed
    mean, variance = tf.nn.moments(hidden, [-1], keep_dims=True)
    hidden = (hidden - mean) / tf.sqrt(variance + 1e-6) * gamma + beta
    loss = tf.reduce_mean(tf.reduce_sum(tf.square(hidden), [1, 2]))
    train = tf.train.AdamOptimizer(0.01).minimize(loss)
    feeds = {"x": np.random.RandomState(5).randn(4, 4, 4)}
    return {"placeholders": {"x": x}, "fetches": {"hidden": hidden, "loss": loss}, "train": train, "feeds": feeds}
"""
)

ATTENTION_PORT = (
    PORT_HEAD
    + """
def build():
    q, k, v = (tf.Variable(tf.zeros([4, 4]), name=name) for name in ("q", "k", "v"))
    gamma, beta = tf.Variable(tf.zeros([4]), name="gamma"), tf.Variable(tf.zeros([4]), name="beta")
    variables, optimizer = [q, k, v, gamma, beta], optimizers.Adam(0.01)

    def forward(feeds):
        x = feeds["x"]
        queries, keys, values = (tf.tensordot(x, w, 1) for w in (q, k, v))
        scores = tf.matmul(queries, keys, transpose_b=True) / 2.0
        mixed = tf.matmul(tf.nn.softmax(scores), values)
        hidden = x + mixed
        mean, variance = tf.nn.moments(hidden, [-1], keepdims=True)
        hidden = (hidden - mean) / tf.sqrt(variance + 1e-6) * gamma + beta
        return {"hidden": hidden, "loss": tf.reduce_mean(tf.reduce_sum(tf.square(hidden), [1, 2]))}

    step = trained(lambda feeds: forward(feeds)["loss"], optimizer, variables)
    return {"variables": variables, "forward": forward, "step": step, "optimizer": optimizer}
"""
)
