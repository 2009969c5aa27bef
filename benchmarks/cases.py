"""What is compared: operations, sizes, inputs, and each library's way to write them."""

import importlib.util

import numpy as np

OPERATIONS = ("accuracy", "softmax", "dense", "sparse", "linear")

_TABLE = [(64, 10), (256, 1000), (4096, 1000), (1024, 32000), (256, 131072)]
# Of "accuracy": classes, scale of the logits, offset of the upstream gradient.
SIZES = {
    "accuracy": [(10, 1, 0), (1000, 5, 0), (1000, 20, 0), (1000, 5, 100), (1000, 5, 10_000)],
    "softmax": _TABLE,
    "dense": _TABLE,
    "sparse": _TABLE,
    "linear": [(1024, 256, 1000), (2048, 256, 8192), (4096, 256, 32000)],
}
QUICK_SIZES = {
    "accuracy": [(10, 1, 0)],
    "softmax": [(64, 10)],
    "dense": [(64, 10)],
    "sparse": [(64, 10), (16, 1000)],
    "linear": [(64, 16, 300)],
}


def inputs(operation, size):
    """Arrays of one case by name: float32, int32 labels, from a fixed seed."""
    rng = np.random.RandomState(0)
    rows, classes = size[0], size[-1]
    arrays = {"labels": rng.randint(classes, size=rows).astype(np.int32)}
    if operation == "linear":
        arrays["features"] = rng.standard_normal((rows, size[1])).astype(np.float32)
        arrays["kernel"] = (rng.standard_normal(size[1:]) / np.sqrt(size[1])).astype(np.float32)
        return arrays
    arrays["logits"] = (3 * rng.standard_normal((rows, classes))).astype(np.float32)
    if operation == "softmax":
        arrays["upstream"] = rng.standard_normal((rows, classes)).astype(np.float32)
    if operation == "dense":
        arrays["labels"] = (arrays["labels"][:, None] == np.arange(classes)).astype(np.float32)
    return arrays


def implementations(operation):
    """Names of those that can run here; the first is the one that ratios are over."""
    names = {
        "softmax": ["tf.nn", "tf_repro", "keras"],
        "dense": ["tf.nn", "tf_repro", "keras"],
        "sparse": ["tf.nn", "tf_repro", "keras"],
        "linear": ["tf.nn", "tf_repro", "tf_repro, chunks of 256", "tf_repro, recomputed"],
    }[operation]
    if importlib.util.find_spec("torch"):
        from benchmarks.torch_cases import CHUNKED, has_chunked_head

        names += ["torch", *([CHUNKED] if operation == "linear" and has_chunked_head() else [])]
    return names + (["jax"] if importlib.util.find_spec("jax") else [])


def build(operation, name, arrays):
    """A function of no arguments: value and gradients, computed before it returns, as a list of arrays."""
    if name.startswith("torch"):
        from benchmarks.torch_cases import build_torch

        return build_torch(operation, arrays, name)
    if name == "jax":
        from benchmarks.jax_cases import build_jax

        return build_jax(operation, arrays)
    return _build_tensorflow(operation, name, arrays)


def truth(operation, arrays):
    """Value and gradients in float64."""
    labels = arrays["labels"]
    if operation == "linear":
        return _linear_truth(
            arrays["features"].astype(np.float64), arrays["kernel"].astype(np.float64), arrays["labels"]
        )
    labels = arrays["labels"]
    q, log_q = _softmax(arrays["logits"].astype(np.float64))
    if operation == "softmax":
        dy = arrays["upstream"].astype(np.float64)
        return [q, q * (dy - (q * dy).sum(-1, keepdims=True))]
    if operation == "dense":
        return [-(labels * log_q).sum(-1)[:, None], q - labels]
    return _losses_and_residual(q, log_q, labels)


def _linear_truth(features, kernel, labels):
    """Mean loss and its gradients, 1024 examples at a time: all logits in float64 need not fit into memory."""
    total, dfeatures, dkernel = 0.0, np.empty_like(features), np.zeros_like(kernel)
    for begin in range(0, len(features), 1024):
        rows = slice(begin, begin + 1024)
        losses, residual = _losses_and_residual(*_softmax(features[rows] @ kernel), labels[rows])
        total += losses.sum()
        dfeatures[rows] = residual @ kernel.T
        dkernel += features[rows].T @ residual
    examples = len(features)
    return [np.full((1, 1), total / examples), dfeatures / examples, dkernel / examples]


def _losses_and_residual(q, log_q, labels):
    rows = np.arange(len(q))
    losses = -log_q[rows, labels][:, None]
    q[rows, labels] -= 1
    return [losses, q]


def _softmax(z):
    z = z - z.max(-1, keepdims=True)
    log_q = z - np.log(np.exp(z).sum(-1, keepdims=True))
    return np.exp(log_q), log_q


def _build_tensorflow(operation, name, arrays):
    import tensorflow as tf

    tensors = {key: tf.constant(value) for key, value in arrays.items()}
    watched = [key for key in ("features", "kernel", "logits") if key in tensors]
    forward = _tensorflow_forward(operation, name)

    @tf.function(autograph=False)
    def value_and_gradients(tensors):
        with tf.GradientTape() as tape:
            tape.watch([tensors[key] for key in watched])
            value = forward(tensors)
        return [value, *tape.gradient(value, [tensors[key] for key in watched], tensors.get("upstream"))]

    value_and_gradients.get_concrete_function(tensors)

    def call():
        results = value_and_gradients(tensors)
        results[0].numpy()
        return results

    return call


def _tensorflow_forward(operation, name):
    import keras
    import tensorflow as tf

    from tf_repro import nn

    def linear(**options):
        return lambda t: nn.linear_softmax_cross_entropy(t["features"], t["kernel"], t["labels"], **options)

    def plain(t):
        logits = tf.matmul(t["features"], t["kernel"])
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(t["labels"], logits))

    dense, sparse = keras.losses.categorical_crossentropy, keras.losses.sparse_categorical_crossentropy
    return {
        ("softmax", "tf.nn"): lambda t: tf.nn.softmax(t["logits"]),
        ("softmax", "tf_repro"): lambda t: nn.softmax(t["logits"]),
        ("softmax", "keras"): lambda t: keras.layers.Softmax()(t["logits"]),
        ("dense", "tf.nn"): lambda t: tf.nn.softmax_cross_entropy_with_logits(t["labels"], t["logits"]),
        ("dense", "tf_repro"): lambda t: nn.softmax_cross_entropy_with_logits(t["labels"], t["logits"]),
        ("dense", "keras"): lambda t: dense(t["labels"], t["logits"], from_logits=True),
        ("sparse", "tf.nn"): lambda t: tf.nn.sparse_softmax_cross_entropy_with_logits(t["labels"], t["logits"]),
        ("sparse", "tf_repro"): lambda t: nn.sparse_softmax_cross_entropy_with_logits(t["labels"], t["logits"]),
        ("sparse", "keras"): lambda t: sparse(t["labels"], t["logits"], from_logits=True),
        ("linear", "tf.nn"): plain,
        ("linear", "tf_repro"): linear(),
        ("linear", "tf_repro, chunks of 256"): linear(chunk_size=256),
        ("linear", "tf_repro, recomputed"): linear(recompute=True),
    }[operation, name]
