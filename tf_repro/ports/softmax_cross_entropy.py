"""The cross-entropy of a 784-1024-10 network in two ways, with ``tf.GradientTape``."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.core.inputs import Array, as_array, both_or_neither
from tf_repro.core.record import Record
from tf_repro.ports.network import naive_softmax, network_variables, shifted_softmax
from tf_repro.programs import tf2

SAMPLES = 8
HIDDEN = 1024
LARGE = (1000.0, 2000.0, 3000.0, 4000.0, 5000.0)
METHODS = ("manual", "fused")


def data() -> tuple[Array, Array]:
    """Random images, float32[8, 784], and one-hot labels, float32[8, 10], from a frozen stream."""
    random = np.random.RandomState(0)
    images = random.rand(SAMPLES, 28 * 28).astype("float32")
    return images, np.eye(10, dtype="float32")[random.randint(10, size=SAMPLES)]


def initial_weights(pixels: int = 28 * 28, classes: int = 10) -> dict[str, Array]:
    """Kernels of a truncated normal with deviation 0.1 and biases of 0.1, float32, by name.

    With the global and the op's seed set, TensorFlow 2 draws eagerly what the Session programs draw, bit for bit.

    Example:
        >>> initial_weights()["W1"][0, :2]
        array([0.06803454, 0.08777825], dtype=float32)
    """
    tf.random.set_seed(0)
    return {
        "W1": tf.random.truncated_normal([pixels, HIDDEN], stddev=0.1, seed=1).numpy(),
        "b1": tf.fill([HIDDEN], 0.1).numpy(),
        "W2": tf.random.truncated_normal([HIDDEN, classes], stddev=0.1, seed=2).numpy(),
        "b2": tf.fill([classes], 0.1).numpy(),
    }


def build(
    method: str = "manual", features: Any = None, labels: Any = None, weights: Any = None, learning_rate: float = 1e-4
) -> dict[str, Any]:
    """Descend the cost of one of the document's two programs; see :func:`run`."""
    # inputs
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}. Received: {method!r}")
    features, labels = both_or_neither(features, labels, data)
    rate = as_array("learning_rate", learning_rate, ndim=0)
    # variables
    variables = network_variables(weights or initial_weights(features.shape[1], labels.shape[1]), features, labels)

    # forward
    def cost_of(feeds: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        hidden = tf.matmul(feeds["features"], variables["W1"]) + variables["b1"]
        linear = tf.matmul(hidden, variables["W2"]) + variables["b2"]
        if method == "manual":
            probability = tf.nn.softmax(linear)
            return probability, -tf.reduce_sum(feeds["labels"] * tf.math.log(probability))
        return linear, -tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(feeds["labels"], linear))

    def forward(feeds: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        logits, cost = cost_of(feeds)
        corner, row = variables["W1"][:2, :5], variables["W2"][0]
        return {"cost": cost, "logits": logits, "b2": tf.identity(variables["b2"]), "W1_corner": corner, "W2_row": row}

    # update
    def step(feeds: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            _, cost = cost_of(feeds)
        gradients: dict[str, tf.Tensor] = tape.gradient(cost, variables)
        for name, gradient in gradients.items():
            variables[name].assign_sub(rate * gradient)
        return gradients

    return {
        "variables": variables,
        "forward": forward,
        "step": step,
        "feeds": {"features": features, "labels": labels},
    }


def build_stability(logits: Any = LARGE, label: int = 0) -> dict[str, Any]:
    """Softmax and cross-entropy of large logits: naive, shifted, by hand and fused.

    Args:
        logits: float32[n].
        label: the true class, in [0, n).

    Raises:
        InputError: the logits are not finite, or the label is no class.

    Example:
        >>> moments = tf2.run(build_stability)
        >>> {name: str(value) for name, value in moments["before"].items() if value.ndim == 0}
        {'manual_cross_entropy': 'nan', 'fused_cross_entropy': '4000.0'}
    """
    logits = as_array("logits", logits, ndim=1)
    if label not in range(logits.size):
        raise InputError(f"label must be in [0, {logits.size}). Received: {label!r}")

    def forward(feeds: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        z = feeds["logits"]
        softmax, target = shifted_softmax(z), tf.one_hot(label, logits.size)
        return {
            "naive_softmax": naive_softmax(z),
            "shifted_softmax": softmax,
            "manual_cross_entropy": -tf.reduce_sum(target * tf.math.log(softmax)),
            "fused_cross_entropy": tf.nn.softmax_cross_entropy_with_logits(target, z),
        }

    return {"variables": {}, "forward": forward, "feeds": {"logits": logits}}


def run(*, engine: str = "eager", steps: int = 1, **inputs: Any) -> Record:
    """Descend the cost of one of the document's two programs, the second one's superfluous minus included.

    Args:
        features: float32[samples, inputs]; by default 8 random images of 784 pixels, with their labels.
        labels: float32[samples, classes], each row a distribution.
        weights: ``W1`` [inputs, hidden], ``b1`` [hidden], ``W2`` [hidden, classes] and ``b2`` [classes] to start from;
            by default :func:`initial_weights`.
        learning_rate: the step size.
        method: ``"manual"``, ``-Σ labels · ln softmax``; or ``"fused"``, minus
            ``tf.nn.softmax_cross_entropy_with_logits``.
        steps: how many steps; the moment ``after`` is behind the last.
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
    return tf2.run(build, inputs, engine=engine, steps=steps)
