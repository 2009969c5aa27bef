"""A small classifier learns from a large one's logits: `KLDivergence` of tempered probabilities beside the labels.

Run it with ``python examples/distillation.py``. The student sees a quarter of the labels, and the teacher's logits for
every example. The divergence is multiplied by the square of the temperature, so that its gradient stays as large as
that of the labels.
"""

import keras
import numpy as np

from tf_repro.losses import KLDivergence, SparseSoftmaxCrossEntropy

TEMPERATURE = 4.0


def rings(examples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of four rings, whose number is the label."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(4, size=examples)
    angles, radii = rng.uniform(0, 2 * np.pi, examples), labels + 1 + 0.25 * rng.standard_normal(examples)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], 1).astype(np.float32), labels


def classifier(width: int) -> keras.Model:
    """One hidden layer; the output is logits."""
    return keras.Sequential([keras.Input([2]), keras.layers.Dense(width, "relu"), keras.layers.Dense(4)])


def distil(examples: int = 2000, epochs: int = 30) -> dict[str, float]:
    """Accuracies of the teacher, of a student of the labels alone, and of one that the teacher taught as well."""
    (points, labels), (test_points, test_labels) = rings(examples, 0), rings(1000, 1)
    keras.utils.set_random_seed(0)
    teacher = classifier(256)
    teacher.compile(keras.optimizers.Adam(0.01), SparseSoftmaxCrossEntropy())
    teacher.fit(points, labels, epochs=epochs, verbose=0)
    taught = teacher.predict(points, verbose=0)
    labelled = (np.arange(examples) % 4 == 0).astype(np.float32)  # the others count nothing in the loss of labels

    def student(weight_of_teacher: float) -> keras.Model:
        keras.utils.set_random_seed(1)
        inputs = keras.Input([2])
        logits = classifier(16)(inputs)
        model = keras.Model(inputs, [logits, logits])
        model.compile(
            keras.optimizers.Adam(0.01),
            [SparseSoftmaxCrossEntropy(), KLDivergence(temperature=TEMPERATURE)],
            loss_weights=[1.0, weight_of_teacher * TEMPERATURE**2],
        )
        weights = [labelled, np.ones(examples, np.float32)]
        model.fit(points, [labels, taught], sample_weight=weights, epochs=epochs, verbose=0)
        return model

    def accuracy(logits: np.ndarray) -> float:
        return float((logits.argmax(-1) == test_labels).mean())

    return {
        "teacher": accuracy(teacher.predict(test_points, verbose=0)),
        "student of labels": accuracy(student(0.0).predict(test_points, verbose=0)[0]),
        "student of both": accuracy(student(1.0).predict(test_points, verbose=0)[0]),
    }


if __name__ == "__main__":
    for name, value in distil().items():
        print(f"{name:18} {value:.3f}")
