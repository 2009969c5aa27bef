"""Softmax's Jacobian by the tape, and the three-layer network: the tape beside the hand-written backward pass."""

import numpy as np
import tensorflow as tf

from tf_repro.core.data import load_digits
from tf_repro.core.errors import InputError
from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record
from tf_repro.programs.tf2 import compiled, to_numpy
from tf_repro.suite.derivations.softmax_jacobian import LARGE, LOGITS, initial_weights

PARAMETERS = ("W1", "b1", "W2", "b2")


def naive_softmax(z):
    """``exp z / Σ exp z``, without the shift that keeps it from overflowing."""
    powers = tf.exp(z)
    return powers / tf.reduce_sum(powers)


def shifted_softmax(z):
    """``exp(z - max z) / Σ exp(z - max z)``."""
    return naive_softmax(z - tf.reduce_max(z))


def hand_written_gradients(features, labels, weights):
    """The backward pass without a tape; see :func:`tf_repro.suite.derivations.softmax_jacobian.network`."""
    hidden = tf.matmul(features, weights["W1"]) + weights["b1"]
    probability = tf.nn.softmax(tf.matmul(hidden, weights["W2"]) + weights["b2"])
    delta3 = (probability - labels) / len(features)
    delta2 = tf.matmul(delta3, weights["W2"], transpose_b=True)
    return {
        "delta3": delta3,
        "delta2": delta2,
        "dW1": tf.matmul(features, delta2, transpose_a=True),
        "db1": tf.reduce_sum(delta2, 0),
        "dW2": tf.matmul(hidden, delta3, transpose_a=True),
        "db2": tf.reduce_sum(delta3, 0),
    }


def tape_gradients(features, labels, weights):
    """Loss, accuracy, probabilities, and the gradients by hidden values and weights, from the tape."""
    with tf.GradientTape() as tape:
        hidden = tf.matmul(features, weights["W1"]) + weights["b1"]
        output = tf.matmul(hidden, weights["W2"]) + weights["b2"]
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, output))
    sources = [output, hidden, *(weights[name] for name in PARAMETERS)]
    names = ["delta3", "delta2", *(f"d{name}" for name in PARAMETERS)]
    hits = tf.equal(tf.argmax(output, 1), tf.argmax(labels, 1))
    return {
        "loss": loss,
        "accuracy": tf.reduce_mean(tf.cast(hits, tf.float32)),
        "probability": tf.nn.softmax(output),
        **dict(zip(names, tape.gradient(loss, sources), strict=True)),
    }


def run(
    *,
    logits=LOGITS,
    large=LARGE,
    features=None,
    labels=None,
    weights=None,
    learning_rate=1.0,
    steps=40,
    engine="eager",
):
    """Take softmax's Jacobian, overflow the naive softmax, and train the three-layer network.

    Args:
        logits: float32[n], where the Jacobian is taken.
        large: float32[m], logits that overflow the naive softmax.
        features: float32[samples, inputs]; scikit-learn's digits by default, with their labels.
        labels: float32[samples, classes], each row a distribution.
        weights: ``W1`` [inputs, hidden], ``b1`` [hidden], ``W2`` [hidden, classes] and ``b2`` [classes] to start from;
            by default :func:`tf_repro.suite.derivations.softmax_jacobian.initial_weights`.
        learning_rate: the step size of the network's descent.
        steps: how many steps over all samples; the moment ``after`` is behind the last.
        engine: ``"eager"``, ``"function"`` or ``"xla"``.

    Returns:
        A Record with the moments ``jacobian`` (``logits``, ``y``, ``jacobian``), ``overflow`` (``naive``, ``shifted``),
        ``before`` and ``after`` (``loss``, ``accuracy``, ``probability``, each gradient from the tape and, under
        ``hand_``, by hand; ``after`` has the trained weights as well) and ``trajectory`` (``loss`` and ``accuracy``
        before every step).

    Raises:
        InputError: an input is empty or not finite, shapes do not fit, or the engine is unknown.

    Example:
        >>> bool(run(steps=20)["after"]["accuracy"] > 0.8)
        True
    """
    if (features is None) != (labels is None):
        raise InputError("features and labels must be given together. Received: one of them")
    if features is None:
        digits = load_digits()
        features, labels = digits.features, digits.labels
    logits, large = as_array("logits", logits, ndim=1), as_array("large", large, ndim=1)
    features, labels = as_array("features", features, ndim=2), as_array("labels", labels, ndim=2)
    if weights is None:
        weights = initial_weights(features.shape[1], classes=labels.shape[1])
    weights = network_weights(weights, features, labels)
    rate = as_array("learning_rate", learning_rate, ndim=0)

    def jacobian(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            y = tf.nn.softmax(z)
        return {"logits": z, "y": y, "jacobian": tape.jacobian(y, z)}

    def overflow(z):
        return {"naive": naive_softmax(z), "shifted": shifted_softmax(z)}

    def both():
        by_hand = hand_written_gradients(features, labels, weights)
        return tape_gradients(features, labels, weights) | {f"hand_{name}": value for name, value in by_hand.items()}

    def step():
        gradients = tape_gradients(features, labels, weights)
        for name, variable in weights.items():
            variable.assign_sub(rate * gradients[f"d{name}"])
        return {"loss": gradients["loss"], "accuracy": gradients["accuracy"]}

    jacobian, overflow = compiled(jacobian, engine), compiled(overflow, engine)
    both, step = compiled(both, engine), compiled(step, engine)
    before = to_numpy(both())
    passes = [to_numpy(step()) for _ in range(as_count("steps", steps))]
    return Record(
        {
            "jacobian": to_numpy(jacobian(tf.constant(logits))),
            "overflow": to_numpy(overflow(tf.constant(large))),
            "before": before,
            "after": to_numpy(both()) | to_numpy(weights),
            "trajectory": {name: np.array([each[name] for each in passes]) for name in ("loss", "accuracy")},
        }
    )


def network_weights(weights, features, labels):
    """The network's variables, from arrays whose shapes fit each other, the features and the labels.

    Raises:
        InputError: a weight is missing or one too many, or a shape does not fit.
    """
    if not isinstance(weights, dict) or set(weights) != set(PARAMETERS):
        received = sorted(weights) if isinstance(weights, dict) else type(weights).__name__
        raise InputError(f"weights must be a dict of {', '.join(PARAMETERS)}. Received: {received}")
    arrays = {name: as_array(name, weights[name]) for name in PARAMETERS}
    hidden = arrays["b1"].shape[-1] if arrays["b1"].ndim else 0
    fitting = {
        "W1": (features.shape[1], hidden),
        "b1": (hidden,),
        "W2": (hidden, labels.shape[1]),
        "b2": (labels.shape[1],),
    }
    for name, shape in fitting.items():
        if arrays[name].shape != shape:
            raise InputError(f"{name} must have shape {shape}. Received: {arrays[name].shape}")
    if len(features) != len(labels):
        raise InputError(f"features and labels must have as many rows. Received: {len(features)} and {len(labels)}")
    return {name: tf.Variable(array) for name, array in arrays.items()}
