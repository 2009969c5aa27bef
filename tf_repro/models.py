"""Classifiers as Keras models."""

from typing import Any

import tensorflow as tf

from tf_repro.keras_backend import keras
from tf_repro.layers import Softmax
from tf_repro.nn.arguments import checked_positive, checked_real


@keras.saving.register_keras_serializable(package="tf_repro")
class SoftmaxRegression(keras.Model):
    """Softmax regression by full-batch gradient descent from zero weights.

    Formula: ``q = softmax(x·Wᵀ)``; one step is ``W ← W - step·(q - p)ᵀ·x / samples``, which descends the mean
    cross-entropy ``-Σ p·ln q``.

    The model is compiled as it is made: plain gradient descent on the mean cross-entropy, in the model's own
    dtype. `fit` takes arrays as one batch unless `batch_size` says otherwise. There is no bias: append a
    feature of ones. `compile` again for another optimizer or metrics. Keras rounds arrays to
    `keras.config.floatx()` whatever the model's dtype; a `tf.data.Dataset` keeps its own.

    Args:
        classes: Number of classes, the width of the labels.
        step: Step of the descent.
        **kwargs: As for every Keras model: `name`, `dtype`, ...

    Call arguments:
        inputs: Features of shape `(samples, features)`.

    Returns:
        Probabilities of shape `(samples, classes)`. `kernel` has shape `(classes, features)`.

    Raises:
        ValueError: If `classes` is not a positive int, `step` is not a positive number, or the features do not
            form a matrix.

    References:
        The class of the document `softmax_regression`.

    Example:
    >>> model = SoftmaxRegression(classes=2)
    >>> features, labels = tf.constant([[1.0, 2.0], [1.0, -2.0]]), tf.eye(2)
    >>> history = model.fit(features, labels, epochs=10, verbose=0)
    >>> model.predict(features, verbose=0).argmax(-1)
    array([0, 1])
    """

    def __init__(self, classes: int, step: float = 0.1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes = checked_positive(classes, "classes")
        self.step = checked_real(step, "step", "a positive number", 0.0, exclusive=True)
        self.probabilities = Softmax(dtype=self.dtype_policy)
        self.compile(keras.optimizers.SGD(ConstantStep(step)), keras.losses.CategoricalCrossentropy(dtype=self.dtype))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if len(input_shape) != 2:
            raise ValueError(f"features must have shape (samples, features). Received: shape={input_shape}")
        self.kernel = self.add_weight((self.classes, input_shape[-1]), initializer="zeros", name="kernel")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.probabilities(tf.matmul(inputs, self.kernel, transpose_b=True))

    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, **kwargs: Any) -> Any:
        if batch_size is None and y is not None:
            batch_size = len(x)
        return super().fit(x, y, batch_size=batch_size, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "classes": self.classes, "step": self.step}


@keras.saving.register_keras_serializable(package="tf_repro")
class ConstantStep(keras.optimizers.schedules.LearningRateSchedule):
    """The same step throughout, in float64: as a plain number, Keras would round it to float32."""

    def __init__(self, step: float) -> None:
        self.step = step

    def __call__(self, iteration: Any) -> tf.Tensor:
        return tf.constant(self.step, tf.float64)

    def get_config(self) -> dict[str, Any]:
        return {"step": self.step}
