"""Inputs for the ports: handwritten digits, initial weights, and the generators of random samples."""

import contextlib
import io
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tf_repro.core.errors import InputError
from tf_repro.core.inputs import Array

SOURCES = ("digits", "mnist")

MNIST_SAMPLES = 10_000  # full-batch descent reads them all in every step


def check_source(source: str) -> None:
    """Raise an :class:`InputError` unless ``source`` is one of :data:`SOURCES`."""
    if source not in SOURCES:
        raise InputError(f"data must be one of {', '.join(SOURCES)}. Received: {source!r}")


@dataclass(frozen=True)
class Digits:
    """Handwritten digits: pixels in [0, 1], one row per image, and one-hot labels of 10 classes."""

    features: Array
    labels: Array
    test_features: Array
    test_labels: Array


@cache
def load_digits(source: str = "digits") -> Digits:
    """Real handwritten digits.

    Args:
        source: ``"digits"``, scikit-learn's bundled 1797 images of 8×8 pixels, or ``"mnist"``, the first
            10 000 training images of 28×28 pixels and all test images, through ``keras.datasets.mnist``.

    Returns:
        :class:`Digits`, float32 pixels and labels.

    Raises:
        InputError: the source is unknown, scikit-learn is not installed, or MNIST cannot be had.

    Example:
        >>> load_digits().features.shape
        (1500, 64)
    """
    check_source(source)
    pixels, numbers, count = _mnist() if source == "mnist" else _sklearn_digits()
    features = (pixels.reshape(len(pixels), -1) / pixels.max()).astype("float32")
    labels = np.eye(10, dtype="float32")[numbers]
    return Digits(features[:count], labels[:count], features[count:], labels[count:])


def _sklearn_digits() -> tuple[Any, Any, int]:
    try:
        from sklearn.datasets import load_digits as load
    except ImportError:
        raise InputError(
            "data 'digits' needs scikit-learn. Received: it is not installed; pip install '.[suite]'"
        ) from None
    pixels, numbers = load(return_X_y=True)
    return pixels, numbers, 1500


def _mnist() -> tuple[Any, Any, int]:
    import keras

    try:
        with contextlib.redirect_stdout(io.StringIO()):  # Keras announces the download there
            (pixels, numbers), (test_pixels, test_numbers) = keras.datasets.mnist.load_data()
    except Exception as error:  # noqa: BLE001 - whatever the download, the cache or the archive raises
        raise InputError(
            f"data 'mnist' must be downloadable or in Keras' cache. Received: {type(error).__name__}: {error}; "
            "use --data digits without a network"
        ) from None
    pixels, numbers = pixels[:MNIST_SAMPLES], numbers[:MNIST_SAMPLES]
    return np.concatenate([pixels, test_pixels]), np.concatenate([numbers, test_numbers]), MNIST_SAMPLES


def random_samples(samples: int = 500, features: int = 50, classes: int = 20, seed: int = 0) -> tuple[Array, Array]:
    """Random features with a leading constant 1, and random one-hot labels.

    Returns:
        float64[samples, features + 1] in [0, 1) and float64[samples, classes].

    Example:
        >>> features, labels = random_samples()
        >>> features.shape, labels.shape
        ((500, 51), (500, 20))
    """
    random = np.random.RandomState(seed)
    values = np.hstack([np.ones((samples, 1)), random.rand(samples, features)])
    return values, np.eye(classes)[random.randint(classes, size=samples)]


def two_class_probabilities(samples: int = 100, seed: int = 0) -> Array:
    """Random distributions over two classes, float64[samples, 2], the first class's probability in (0, 1)."""
    first = 1 - np.random.RandomState(seed).rand(samples)
    return np.stack([first, 1 - first], axis=1)


def random_logits(samples: int = 5000, classes: int = 20, greatest: float = 10.0, seed: int = 0) -> tuple[Array, Array]:
    """Logits between 0 and ``greatest``, float64[samples, classes], and one random label for each sample."""
    random = np.random.RandomState(seed)
    return random.rand(samples, classes) * greatest, random.randint(classes, size=samples)


def initial_weights(inputs: int, hidden: int = 32, classes: int = 10, seed: int = 0) -> dict[str, Array]:
    """Small random kernels and zero biases of a network of two layers, float32, by name.

    Example:
        >>> {name: array.shape for name, array in initial_weights(64).items()}
        {'W1': (64, 32), 'b1': (32,), 'W2': (32, 10), 'b2': (10,)}
    """
    random = np.random.RandomState(seed)
    return {
        "W1": random.normal(0, 0.1, (inputs, hidden)).astype("float32"),
        "b1": np.zeros(hidden, "float32"),
        "W2": random.normal(0, 0.1, (hidden, classes)).astype("float32"),
        "b2": np.zeros(classes, "float32"),
    }
