"""Softmax's Jacobian by the tape, and the three-layer network: the tape beside the hand-written backward pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tf_repro.core.data import initial_weights, load_digits
from tf_repro.core.inputs import Array, as_array, both_or_neither
from tf_repro.core.record import Record
from tf_repro.ports.network import PARAMETERS, naive_softmax, network_variables, shifted_softmax
from tf_repro.programs import tf2

LOGITS = (0.5, -1.0, 2.0, 0.0, 1.5, -0.5, 3.0, -2.0, 1.0, 0.25)
LARGE = (1000.0, 2000.0, 3000.0, 4000.0, 5000.0)
STEPS = 40

Tensors = dict[str, tf.Tensor]


def hand_written_gradients(features: tf.Tensor, labels: tf.Tensor, weights: Mapping[str, tf.Variable]) -> Tensors:
    """The backward pass without a tape; see ``tf_repro.suite.derivations.softmax_jacobian``."""
    hidden = tf.matmul(features, weights["W1"]) + weights["b1"]
    probability = tf.nn.softmax(tf.matmul(hidden, weights["W2"]) + weights["b2"])
    delta3 = (probability - labels) / float(features.shape[0])
    delta2 = tf.matmul(delta3, weights["W2"], transpose_b=True)
    return {
        "delta3": delta3,
        "delta2": delta2,
        "dW1": tf.matmul(features, delta2, transpose_a=True),
        "db1": tf.reduce_sum(delta2, 0),
        "dW2": tf.matmul(hidden, delta3, transpose_a=True),
        "db2": tf.reduce_sum(delta3, 0),
    }


def tape_gradients(features: tf.Tensor, labels: tf.Tensor, weights: Mapping[str, tf.Variable]) -> Tensors:
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


def build(
    features: Any = None, labels: Any = None, weights: Any = None, learning_rate: float = 1.0, data: str = "digits"
) -> dict[str, Any]:
    """Train the three-layer network; see :func:`run`."""

    def digits() -> tuple[Array, Array]:
        loaded = load_digits(data)
        return loaded.features, loaded.labels

    # inputs
    features, labels = both_or_neither(features, labels, digits)
    rate = as_array("learning_rate", learning_rate, ndim=0)
    # variables
    if weights is None:
        weights = initial_weights(features.shape[1], classes=labels.shape[1])
    variables = network_variables(weights, features, labels)

    # forward
    def forward(feeds: Tensors) -> Tensors:
        inputs = feeds["features"], feeds["labels"], variables
        by_hand = {f"hand_{name}": value for name, value in hand_written_gradients(*inputs).items()}
        return tape_gradients(*inputs) | by_hand | {name: tf.identity(value) for name, value in variables.items()}

    # update
    def step(feeds: Tensors) -> Tensors:
        taped = tape_gradients(feeds["features"], feeds["labels"], variables)
        for name, variable in variables.items():
            variable.assign_sub(rate * taped[f"d{name}"])
        return {"loss": taped["loss"], "accuracy": taped["accuracy"]} | {name: taped[f"d{name}"] for name in PARAMETERS}

    return {
        "variables": variables,
        "forward": forward,
        "step": step,
        "feeds": {"features": features, "labels": labels},
    }


def build_at_logits(logits: Any = LOGITS) -> dict[str, Any]:
    """Softmax and its Jacobian, by the tape.

    Args:
        logits: float32[n], where the Jacobian is taken.
    """
    logits = as_array("logits", logits, ndim=1)

    def forward(feeds: Tensors) -> Tensors:
        z = feeds["logits"]
        with tf.GradientTape() as tape:
            tape.watch(z)
            y = tf.nn.softmax(z)
        return {"logits": z, "y": y, "jacobian": tape.jacobian(y, z)}

    return {"variables": {}, "forward": forward, "feeds": {"logits": logits}}


def build_overflow(large: Any = LARGE) -> dict[str, Any]:
    """The naive and the shifted softmax where the naive one overflows.

    Args:
        large: float32[m], the logits.
    """
    large = as_array("large", large, ndim=1)

    def forward(feeds: Tensors) -> Tensors:
        return {"naive": naive_softmax(feeds["large"]), "shifted": shifted_softmax(feeds["large"])}

    return {"variables": {}, "forward": forward, "feeds": {"large": large}}


def run(*, engine: str = "eager", steps: int = STEPS, **inputs: Any) -> Record:
    """Train the document's three-layer network.

    Args:
        features: float32[samples, inputs]; real digits by default, with their labels.
        labels: float32[samples, classes], each row a distribution.
        weights: ``W1`` [inputs, hidden], ``b1`` [hidden], ``W2`` [hidden, classes] and ``b2`` [classes] to start from;
            by default those of ``core.data.initial_weights``.
        learning_rate: the step size.
        data: which digits, ``"digits"`` or ``"mnist"``; see ``tf_repro.core.data.load_digits``.
        steps: how many steps over all samples; the moment ``after`` is behind the last.
        engine: ``"eager"``, ``"function"`` or ``"xla"``.

    Returns:
        A Record with the moments ``before`` and ``after`` (``loss``, ``accuracy``, ``probability``, the weights, each
        gradient from the tape and, under ``hand_``, by hand) and ``trajectory`` (``loss`` and ``accuracy`` before every
        step), in float32.

    Raises:
        InputError: an input is empty or not finite, shapes do not fit, or the engine is unknown.

    Example:
        >>> bool(run(steps=20)["after"]["accuracy"] > 0.8)
        True
    """
    return tf2.run(build, inputs, engine=engine, steps=steps)
