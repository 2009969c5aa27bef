"""Softmax regression: gradient ascent on ``Σ p ln q / O`` with ``tf.GradientTape``, and the two experiments."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_repro.core.data import random_logits, random_samples, two_class_probabilities
from tf_repro.core.errors import InputError
from tf_repro.core.files import write_atomically
from tf_repro.core.inputs import as_array, as_count, both_or_neither
from tf_repro.core.record import Record
from tf_repro.programs import tf2

STEP = 0.1
REPEAT = 5000
EXAMPLE = (5.0, 1.0, -1.0)
EXAMPLE_AS_COMPUTED = (5.0, 1.0, -3.0)

Tensors = dict[str, tf.Tensor]


class SoftmaxRegression:
    """Softmax regression in float64, trained by full-batch gradient ascent from zeros.

    The loss is ``Σ p ln q / O`` over O samples: it approaches 0 from below, and is computed from row sums, in memory
    O(samples × classes).

    Args:
        features: float64[samples, features]; the constant 1, where wanted, is a column of its own.
        labels: float64[samples, classes], each row a distribution.
        engine: ``"eager"``, ``"function"`` or ``"xla"``.

    Raises:
        InputError: an input is empty or not finite, the numbers of rows differ, or the engine is unknown.

    Example:
        >>> model = SoftmaxRegression([[1.0, 0.0], [1.0, 1.0]], [[1, 0], [0, 1]])
        >>> losses = []
        >>> model.train(lambda count, loss: losses.append(loss), repeat=3)
        >>> [f"{loss:.4f}" for loss in losses]
        ['-0.6931', '-0.6808', '-0.6691']
    """

    def __init__(self, features: Any, labels: Any, engine: str = "eager") -> None:
        features, labels = both_or_neither(features, labels, random_samples, "float64")
        if len(features) != len(labels):
            raise InputError(f"features and labels must have as many rows. Received: {len(features)}, {len(labels)}")
        self.features = tf.constant(features)
        self.mean_labels = tf.constant(labels / len(features))
        self.weights = tf.Variable(tf.zeros([labels.shape[1], features.shape[1]], tf.float64))
        self.rate = tf.Variable(STEP, dtype=tf.float64)
        self.count = 0
        self._ascend = tf2.Executed(self.ascend, engine)

    def forward(self, feeds: Mapping[str, tf.Tensor]) -> Tensors:
        """The weights, the loss at them, and its gradient by them."""
        w = tf.identity(self.weights)
        loss, gradient = self._loss_and_gradient(w)
        return {"w": w, "loss": loss, "gradient": gradient}

    def ascend(self, feeds: Mapping[str, tf.Tensor]) -> Tensors:
        """One step of ascent; the gradient, and the loss before the step."""
        loss, gradient = self._loss_and_gradient(self.weights.read_value())
        self.weights.assign_add(self.rate * gradient)
        return {"w": gradient, "loss": loss}

    def _loss_and_gradient(self, w: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """``Σ p ln q / O`` at ``w``, and its gradient: ``ln q`` enters the loss with the factor ``p / O``."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(w)
            log_q = tf.nn.log_softmax(tf.matmul(self.features, w, transpose_b=True))
        gradient = tape.gradient(log_q, w, self.mean_labels)
        return tf.reduce_sum(self.mean_labels * log_q), gradient

    def train(self, handle: Callable[[int, float], None] | None = None, repeat: int = 2000, step: float = STEP) -> None:
        """Ascend ``repeat`` times.

        Args:
            handle: called behind each step with the number of steps so far and the loss before that step.
            repeat: how many steps.
            step: the step size.
        """
        self.rate.assign(as_array("step", step, dtype="float64", ndim=0))
        for _ in range(as_count("repeat", repeat)):
            loss = self._ascend({})["loss"]
            self.count += 1
            if handle is not None:
                handle(self.count, float(loss))

    def save(self, path: str | Path) -> None:
        """Write weights and step count to ``path``, whole or not at all; :meth:`load` resumes from there."""
        buffer = io.BytesIO()
        np.savez(buffer, weights=self.weights.numpy(), count=self.count)
        write_atomically(Path(path), buffer.getvalue())

    def load(self, path: str | Path) -> None:
        """Take weights and step count from a file that :meth:`save` wrote.

        Raises:
            InputError: the file cannot be read, is no such file, or holds weights of another shape.
        """
        try:
            with open(path, "rb") as file, np.load(file) as saved:
                weights, count = saved["weights"], int(saved["count"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"weights must be in a file that save() wrote. Received: {path} ({error})") from None
        if weights.shape != tuple(self.weights.shape):
            raise InputError(
                f"weights must have shape {tuple(self.weights.shape)}. Received: {weights.shape} in {path}"
            )
        self.weights.assign(weights)
        self.count = count


def build(features: Any = None, labels: Any = None, step: float = STEP) -> dict[str, Any]:
    """The document's training, from zeros; see :func:`run`."""
    model = SoftmaxRegression(features, labels)
    model.rate.assign(as_array("step", step, dtype="float64", ndim=0))
    return {"variables": {"w": model.weights}, "forward": model.forward, "step": model.ascend}


def build_two_classes(probabilities: Any = None) -> dict[str, Any]:
    """First experiment: ``Σ p ln q`` of two classes, label ``[1, 0]``, against ``q1``.

    Args:
        probabilities: float64[samples, 2]; 100 random ones by default.
    """
    if probabilities is None:
        probabilities = two_class_probabilities()
    probabilities = as_array("probabilities", probabilities, dtype="float64", ndim=2)

    def forward(feeds: Tensors) -> Tensors:
        q = feeds["q"]
        return {"q": q[:, 0], "loss": tf.reduce_sum(tf.constant([1.0, 0.0], tf.float64) * tf.math.log(q), axis=1)}

    return {"variables": {}, "forward": forward, "feeds": {"q": probabilities}}


def build_label_probability(logits: Any = None, labels: Any = None) -> dict[str, Any]:
    """Second experiment: the label's probability against ``Σ p ln q``.

    Args:
        logits: float64[samples, classes]; 5000 × 20 random ones between 0 and 10 by default, with labels.
        labels: int[samples].
    """
    if (logits is None) != (labels is None):
        raise InputError("logits and labels must be given together. Received: one of them")
    if logits is None:
        logits, labels = random_logits()
    logits = as_array("logits", logits, dtype="float64", ndim=2)
    labels = as_array("labels", labels, dtype="int64", ndim=1)
    if labels.shape != logits.shape[:1] or labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise InputError(f"labels must be {len(logits)} classes in [0, {logits.shape[1]}). Received: {labels!r:.80}")

    def forward(feeds: Tensors) -> Tensors:
        loss = tf.gather(tf.nn.log_softmax(feeds["logits"]), feeds["labels"], batch_dims=1)
        return {"q": tf.exp(loss), "loss": loss}

    return {"variables": {}, "forward": forward, "feeds": {"logits": logits, "labels": labels}}


def build_example() -> dict[str, Any]:
    """The document's worked sums: softmax of three numbers, bits of 26 letters, three logarithms, in float64."""

    def forward(feeds: Tensors) -> Tensors:
        q, p, exponents = feeds["q"], feeds["p"], feeds["exponents"]
        return {
            "softmax": tf.nn.softmax(exponents),
            "softmax_of_5_1_-3": tf.nn.softmax(tf.constant(EXAMPLE_AS_COMPUTED, tf.float64)),
            "shares_without_exp": exponents / tf.reduce_sum(exponents),
            "bits": tf.math.log(tf.constant(26.0, tf.float64)) / tf.math.log(tf.constant(2.0, tf.float64)),
            "ln": tf.math.log(feeds["shares"]),
            "likelihood": tf.reduce_sum(p * tf.math.log(q)),
            "cross_entropy": tf.reduce_sum(p * tf.math.log(1 / q)),
        }

    feeds = {"q": [0.2, 0.6, 0.2], "p": [0.0, 1.0, 0.0], "exponents": EXAMPLE, "shares": [0.6, 0.8, 0.9]}
    return {
        "variables": {},
        "forward": forward,
        "feeds": {name: np.asarray(value, "float64") for name, value in feeds.items()},
    }


def run(*, engine: str = "eager", repeat: int = REPEAT, **inputs: Any) -> Record:
    """The document's training: 500 random samples, 50 features and a constant, 20 classes, from zeros.

    Args:
        features: float64[samples, features], the constant 1 included; random by default, with labels.
        labels: float64[samples, classes], each row a distribution.
        step: the step size.
        repeat: how many steps; the moment ``after`` is behind the last.
        engine: ``"eager"``, ``"function"`` or ``"xla"``.

    Returns:
        A Record with the moments ``before`` and ``after`` (``w``, ``loss``, ``gradient``) and ``trajectory`` (the loss
        before every step), in float64.

    Raises:
        InputError: an input is empty or not finite, shapes do not fit, or the engine is unknown.

    Example:
        >>> print(f"{run(repeat=1)['before']['loss']:.6f}")
        -2.995732
    """
    return tf2.run(build, inputs, engine=engine, steps=as_count("repeat", repeat))
