"""Softmax regression: gradient ascent on ``Σ p ln q / O`` with ``tf.GradientTape``, and the two experiments."""

import io
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_repro.core.data import random_logits, random_samples, two_class_probabilities
from tf_repro.core.errors import InputError
from tf_repro.core.files import write_atomically
from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record
from tf_repro.programs.tf2 import compiled, to_numpy
from tf_repro.suite.derivations.softmax_regression import EXAMPLE, EXAMPLE_AS_COMPUTED, REPEAT, STEP

BLOCK = 100  # steps that one call of a compiled function takes; the same code for fewer, so that no digit depends on it


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

    def __init__(self, features, labels, engine="eager"):
        features = as_array("features", features, dtype="float64", ndim=2)
        labels = as_array("labels", labels, dtype="float64", ndim=2)
        if len(features) != len(labels):
            raise InputError(f"features and labels must have as many rows. Received: {len(features)}, {len(labels)}")
        self.features, self.labels = tf.constant(features), tf.constant(labels)
        self.weights = tf.Variable(tf.zeros([labels.shape[1], features.shape[1]], tf.float64))
        self.count = 0
        self._mean_labels = tf.constant(labels / len(features))
        self._ascend = None if engine == "eager" else compiled(self._ascend_block, engine)
        self._gradient = compiled(self._gradient, engine)

    def _gradient(self):
        """``ln Q``, and the loss's gradient by the weights: ``ln Q`` enters the loss with the factor ``P / O``."""
        with tf.GradientTape() as tape:
            log_q = tf.nn.log_softmax(tf.matmul(self.features, self.weights, transpose_b=True))
        return log_q, tape.gradient(log_q, self.weights, self._mean_labels)

    def _ascend_block(self, step, count):
        def ascend(i, losses):
            log_q, gradient = self._gradient()
            self.weights.assign_add(step * gradient)
            return i + 1, losses.write(i, tf.reduce_sum(self._mean_labels * log_q))

        losses = tf.TensorArray(tf.float64, BLOCK, element_shape=[])
        return tf.while_loop(lambda i, _: i < count, ascend, (0, losses))[1].stack()

    def evaluate(self):
        """Loss at the present weights, and its gradient by them, NumPy float64."""
        log_q, gradient = self._gradient()
        return np.vdot(self._mean_labels, log_q), gradient.numpy()

    def train(self, handle=None, repeat=2000, step=STEP):
        """Ascend ``repeat`` times.

        Args:
            handle: called once a step with the number of steps so far and the loss before that step; right behind the
                step in eager mode, else behind each block of ``BLOCK`` steps.
            repeat: how many steps.
            step: the step size.
        """
        step = tf.constant(as_array("step", step, dtype="float64", ndim=0))
        end = self.count + as_count("repeat", repeat)
        while self.count < end:
            for loss in self._losses(step, end - self.count):
                self.count += 1
                if handle is not None:
                    handle(self.count, loss)

    def _losses(self, step, remaining):
        if self._ascend is None:
            log_q, gradient = self._gradient()
            self.weights.assign_add(step * gradient)
            return [float(np.vdot(self._mean_labels, log_q))]
        count = min(BLOCK, remaining)
        return self._ascend(step, tf.constant(count)).numpy()[:count].tolist()

    def save(self, path):
        """Write weights and step count to ``path``, whole or not at all; :meth:`load` resumes from there."""
        buffer = io.BytesIO()
        np.savez(buffer, weights=self.weights.numpy(), count=self.count)
        write_atomically(Path(path), buffer.getvalue())

    def load(self, path):
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


def run(*, features=None, labels=None, step=STEP, repeat=REPEAT, handle=None, engine="eager"):
    """The document's training: 500 random samples, 50 features and a constant, 20 classes, from zeros.

    Args:
        features: float64[samples, features], the constant 1 included; random by default, with labels.
        labels: float64[samples, classes], each row a distribution.
        step: the step size.
        repeat: how many steps; the moment ``after`` is behind the last.
        handle: called behind each step with its number and loss.
        engine: ``"eager"``, ``"function"`` or ``"xla"``.

    Returns:
        A Record with the moments ``before`` (``w``, ``loss``, ``gradient``), ``after`` (``w``, ``loss``) and
        ``trajectory`` (the loss of every step), in float64.

    Example:
        >>> print(f"{run(repeat=1)['before']['loss']:.6f}")
        -2.995732
    """
    if (features is None) != (labels is None):
        raise InputError("features and labels must be given together. Received: one of them")
    if features is None:
        features, labels = random_samples()
    model = SoftmaxRegression(features, labels, engine)
    loss, gradient = model.evaluate()
    before = to_numpy({"w": model.weights}) | {"loss": loss, "gradient": gradient}
    losses = []

    def collect(count, loss):
        losses.append(loss)
        if handle is not None:
            handle(count, loss)

    model.train(collect, repeat, step)
    after = to_numpy({"w": model.weights}) | {"loss": model.evaluate()[0]}
    return Record({"before": before, "after": after, "trajectory": {"loss": np.array(losses)}})


def two_class(*, probabilities=None, engine="eager"):
    """First experiment: ``Σ p ln q`` of two classes, label ``[1, 0]``, against ``q1``.

    Args:
        probabilities: float64[samples, 2]; 100 random ones by default.
        engine: ``"eager"``, ``"function"`` or ``"xla"``.

    Returns:
        ``q``, the first class's probability, and ``loss``, float64[samples] each.
    """
    if probabilities is None:
        probabilities = two_class_probabilities()
    q = tf.constant(as_array("probabilities", probabilities, dtype="float64", ndim=2))

    def loss(q):
        return tf.reduce_sum(tf.constant([1.0, 0.0], tf.float64) * tf.math.log(q), axis=1)

    return to_numpy({"q": q[:, 0], "loss": compiled(loss, engine)(q)})


def label_probability(*, logits=None, labels=None, engine="eager"):
    """Second experiment: the label's probability against ``Σ p ln q``.

    Args:
        logits: float64[samples, classes]; 5000 × 20 random ones between 0 and 10 by default, with labels.
        labels: int[samples].
        engine: ``"eager"``, ``"function"`` or ``"xla"``.

    Returns:
        ``q``, the label's probability, and ``loss``, float64[samples] each.
    """
    if (logits is None) != (labels is None):
        raise InputError("logits and labels must be given together. Received: one of them")
    if logits is None:
        logits, labels = random_logits()
    logits = as_array("logits", logits, dtype="float64", ndim=2)
    labels = as_array("labels", labels, dtype="int64", ndim=1)
    if labels.shape != logits.shape[:1] or labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise InputError(f"labels must be {len(logits)} classes in [0, {logits.shape[1]}). Received: {labels!r:.80}")

    def both(z):
        loss = tf.gather(tf.nn.log_softmax(z), labels, batch_dims=1)
        return {"q": tf.exp(loss), "loss": loss}

    return to_numpy(compiled(both, engine)(tf.constant(logits)))


def example(*, engine="eager"):
    """The document's worked sums: softmax of three numbers, bits of 26 letters, three logarithms, in float64."""

    def sums():
        q, p = tf.constant([0.2, 0.6, 0.2], tf.float64), tf.constant([0.0, 1.0, 0.0], tf.float64)
        exponents = tf.constant(EXAMPLE, tf.float64)
        return {
            "softmax": tf.nn.softmax(exponents),
            "softmax_of_5_1_-3": tf.nn.softmax(tf.constant(EXAMPLE_AS_COMPUTED, tf.float64)),
            "shares_without_exp": exponents / tf.reduce_sum(exponents),
            "bits": tf.math.log(tf.constant(26.0, tf.float64)) / tf.math.log(tf.constant(2.0, tf.float64)),
            "ln": tf.math.log(tf.constant([0.6, 0.8, 0.9], tf.float64)),
            "likelihood": tf.reduce_sum(p * tf.math.log(q)),
            "cross_entropy": tf.reduce_sum(p * tf.math.log(1 / q)),
        }

    return to_numpy(compiled(sums, engine)())
