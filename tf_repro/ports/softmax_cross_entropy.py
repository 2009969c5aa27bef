"""The cross-entropy of a 784-1024-10 network in two ways, with ``tf.GradientTape``."""

import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record
from tf_repro.ports.softmax_jacobian import naive_softmax, network_weights, shifted_softmax
from tf_repro.programs.tf2 import compiled, to_numpy
from tf_repro.suite.derivations.softmax_cross_entropy import LARGE, METHODS, inputs


def initial_weights(pixels=28 * 28, hidden=1024, classes=10):
    """Kernels of a truncated normal with deviation 0.1 and biases of 0.1, float32, by name.

    With the global and the op's seed set, TensorFlow 2 draws eagerly what the Session programs draw, bit for bit.

    Example:
        >>> initial_weights()["W1"][0, :2]
        array([0.06803454, 0.08777825], dtype=float32)
    """
    tf.random.set_seed(0)
    return {
        "W1": tf.random.truncated_normal([pixels, hidden], stddev=0.1, seed=1).numpy(),
        "b1": tf.fill([hidden], 0.1).numpy(),
        "W2": tf.random.truncated_normal([hidden, classes], stddev=0.1, seed=2).numpy(),
        "b2": tf.fill([classes], 0.1).numpy(),
    }


def run(*, features=None, labels=None, weights=None, learning_rate=1e-4, steps=1, method="manual", engine="eager"):
    """Descend the cost of one of the document's two programs, the second one's superfluous minus included.

    Args:
        features: float32[samples, inputs]; by default 8 random images of 784 pixels, with their labels.
        labels: float32[samples, classes], each row a distribution.
        weights: ``W1`` [inputs, hidden], ``b1`` [hidden], ``W2`` [hidden, classes] and ``b2`` [classes] to start from;
            by default :func:`initial_weights`.
        learning_rate: the step size.
        steps: how many steps; the moment ``after`` is behind the last.
        method: ``"manual"``, ``-Σ labels · ln softmax``; or ``"fused"``, minus
            ``tf.nn.softmax_cross_entropy_with_logits``.
        engine: ``"eager"``, ``"function"`` or ``"xla"``.

    Returns:
        A Record with the moments ``before`` and ``after``, each with ``cost``, ``logits`` (what the program calls so:
        probabilities in the manual one), ``b2``, ``W1_corner`` and ``W2_row``, in float32.

    Raises:
        InputError: an input is empty or not finite, shapes do not fit, or the method or engine is unknown.

    Example:
        >>> manual, fused = run(method="manual"), run(method="fused")
        >>> bool(manual["before"]["cost"] > 0 > fused["before"]["cost"])
        True
    """
    # inputs
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}. Received: {method!r}")
    if (features is None) != (labels is None):
        raise InputError("features and labels must be given together. Received: one of them")
    if features is None:
        features, labels = inputs()
    features, labels = as_array("features", features, ndim=2), as_array("labels", labels, ndim=2)
    rate = as_array("learning_rate", learning_rate, ndim=0)
    # variables
    if weights is None:
        weights = initial_weights(features.shape[1], classes=labels.shape[1])
    weights = network_weights(weights, features, labels)

    # forward
    def forward():
        hidden = tf.matmul(features, weights["W1"]) + weights["b1"]
        linear = tf.matmul(hidden, weights["W2"]) + weights["b2"]
        if method == "manual":
            probability = tf.nn.softmax(linear)
            return probability, -tf.reduce_sum(labels * tf.math.log(probability))
        return linear, -tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(labels, linear))

    def prints():
        logits, cost = forward()
        corner, row = weights["W1"][:2, :5], weights["W2"][0]
        return {"cost": cost, "logits": logits, "b2": tf.identity(weights["b2"]), "W1_corner": corner, "W2_row": row}

    # update
    def step():
        with tf.GradientTape() as tape:
            _, cost = forward()
        for name, gradient in tape.gradient(cost, weights).items():
            weights[name].assign_sub(rate * gradient)

    # training
    prints, step = compiled(prints, engine), compiled(step, engine)
    before = to_numpy(prints())
    for _ in range(as_count("steps", steps)):
        step()
    return Record({"before": before, "after": to_numpy(prints())})


def stability(*, logits=LARGE, label=0, engine="eager"):
    """Softmax and cross-entropy of large logits.

    Args:
        logits: float32[n].
        label: the true class, in [0, n).
        engine: ``"eager"``, ``"function"`` or ``"xla"``.

    Returns:
        ``naive_softmax``, ``shifted_softmax``, ``manual_cross_entropy`` and ``fused_cross_entropy``.

    Example:
        >>> {name: str(value) for name, value in stability().items() if value.ndim == 0}
        {'manual_cross_entropy': 'nan', 'fused_cross_entropy': '4000.0'}
    """
    z = as_array("logits", logits, ndim=1)
    if label not in range(z.size):
        raise InputError(f"label must be in [0, {z.size}). Received: {label!r}")

    def both(z):
        softmax, target = shifted_softmax(z), tf.one_hot(label, len(logits))
        return {
            "naive_softmax": naive_softmax(z),
            "shifted_softmax": softmax,
            "manual_cross_entropy": -tf.reduce_sum(target * tf.math.log(softmax)),
            "fused_cross_entropy": tf.nn.softmax_cross_entropy_with_logits(target, z),
        }

    return to_numpy(compiled(both, engine)(tf.constant(z)))
