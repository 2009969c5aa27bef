"""Programs whose faults hide: biases that begin as zeros, masks that need an axis, reductions along one axis of two."""

from tests.migrate.diagnosis.heads import HEAD, PORT_HEAD

POOLED = (
    HEAD
    + """
def build():
    words = tf.placeholder(tf.int32, [None, 7])
    length = tf.placeholder(tf.int32, [None])
    target = tf.placeholder(tf.float32, [None])
    table = weights("table", [23, 6], 1)
    kernel = weights("kernel", [6, 1], 2)
    bias = tf.get_variable("bias", [1], initializer=tf.zeros_initializer())
    vectors = tf.nn.embedding_lookup(table, words)
    mask = tf.sequence_mask(length, 7, dtype=tf.float32)
    count = tf.maximum(tf.reduce_sum(mask, 1, keepdims=True), 1.0)
    pooled = tf.reduce_sum(vectors * tf.expand_dims(mask, 2), axis=1) / count
    normed = tf.nn.l2_normalize(pooled, 1, epsilon=1e-6)
    score = tf.squeeze(tf.matmul(normed, kernel) + bias, 1)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=score))
    train = tf.train.AdagradOptimizer(0.2).minimize(loss)
    return {"placeholders": {"words": words, "length": length, "target": target},
            "fetches": {"score": score, "loss": loss}, "train": train}
"""
)

POOLED_PORT = (
    PORT_HEAD
    + """
def build():
    table, kernel, bias = (tf.Variable(tf.zeros(shape)) for shape in ([23, 6], [6, 1], [1]))
    optimizer = optimizers.Adagrad(0.2)

    def forward(feeds):
        vectors = tf.gather(table, feeds["words"])
        mask = tf.sequence_mask(feeds["length"], 7, dtype=tf.float32)
        count = tf.maximum(tf.reduce_sum(mask, 1, keepdims=True), 1.0)
        pooled = tf.reduce_sum(vectors * mask[:, :, None], axis=1) / count
        normed = tf.math.l2_normalize(pooled, 1, epsilon=1e-6)
        score = tf.squeeze(tf.matmul(normed, kernel) + bias, 1)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=feeds["target"], logits=score)
        return {"score": score, "loss": tf.reduce_mean(losses)}

    variables = {"table": table, "kernel": kernel, "bias": bias}
    step = trained(lambda feeds: forward(feeds)["loss"], optimizer, [table, kernel, bias])
    return {"variables": variables, "forward": forward, "step": step, "optimizer": optimizer}
"""
)

SPARSE_CODE = (
    HEAD
    + """
def build():
    x = tf.placeholder(tf.float32, [None, 12])
    w = weights("w", [12, 5], 3)
    b = tf.get_variable("b", [12], initializer=tf.zeros_initializer())
    code = tf.sigmoid(tf.matmul(x, w))
    again = tf.matmul(code, w, transpose_b=True) + b
    activity = tf.reduce_mean(code, 0)
    loss = tf.reduce_mean(tf.reduce_sum(tf.square(again - x), 1)) + 0.1 * tf.reduce_sum(tf.abs(activity - 0.05))
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    pairs = optimizer.compute_gradients(loss)
    gradients, _ = tf.clip_by_global_norm([g for g, _ in pairs], 0.5)
    train = optimizer.apply_gradients(zip(gradients, [v for _, v in pairs]))
    return {"placeholders": {"x": x}, "fetches": {"code": code, "loss": loss}, "train": train}
"""
)

SPARSE_CODE_PORT = (
    PORT_HEAD
    + """
def build():
    w, b = tf.Variable(tf.zeros([12, 5])), tf.Variable(tf.zeros([12]))
    optimizer = optimizers.GradientDescent(0.1)

    def forward(feeds):
        x = feeds["x"]
        code = tf.sigmoid(tf.matmul(x, w))
        again = tf.matmul(code, w, transpose_b=True) + b
        activity = tf.reduce_mean(code, 0)
        loss = tf.reduce_mean(tf.reduce_sum(tf.square(again - x), 1)) + 0.1 * tf.reduce_sum(tf.abs(activity - 0.05))
        return {"code": code, "loss": loss}

    def step(feeds):
        variables = [w, b]
        with tf.GradientTape() as tape:
            loss = forward(feeds)["loss"]
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, variables), 0.5)
        optimizer.apply(gradients, variables)

    return {"variables": {"w": w, "b": b}, "forward": forward, "step": step, "optimizer": optimizer}
"""
)

SLOW_COPY = (
    HEAD
    + """
def build():
    x = tf.placeholder(tf.float32, [None, 5])
    w = weights("w", [5, 3], 1)
    slow = tf.get_variable("slow", [5, 3], initializer=tf.random_normal_initializer(0.0, 0.4, seed=2), trainable=False)
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - tf.matmul(x, tf.stop_gradient(slow)) - 1.0))
    with tf.control_dependencies([tf.train.GradientDescentOptimizer(0.2).minimize(loss)]):
        train = slow.assign(0.9 * slow + 0.1 * w)
    return {"placeholders": {"x": x}, "fetches": {"loss": loss}, "train": train}
"""
)

SLOW_COPY_PORT = (
    PORT_HEAD
    + """
def build():
    w, slow = tf.Variable(tf.zeros([5, 3])), tf.Variable(tf.zeros([5, 3]), trainable=False)
    optimizer = optimizers.GradientDescent(0.2)

    def forward(feeds):
        x = feeds["x"]
        return {"loss": tf.reduce_mean(tf.square(tf.matmul(x, w) - tf.matmul(x, slow) - 1.0))}

    descend = trained(lambda feeds: forward(feeds)["loss"], optimizer, [w])

    def step(feeds):
        descend(feeds)
        slow.assign(0.9 * slow + 0.1 * w)

    return {"variables": {"w": w, "slow": slow}, "forward": forward, "step": step, "optimizer": optimizer}
"""
)
