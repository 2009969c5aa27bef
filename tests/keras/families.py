"""The same small classifier four ways with our components, and each time with those of Keras in their place."""

import keras
import numpy as np

from tf_repro.layers import LinearCrossEntropy, Softmax
from tf_repro.losses import LossesAsOutput, SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy

WIDTH, CLASSES, ROWS = 4, 5, 24


def problem():
    """Features, class numbers, and weights of examples that are not all alike."""
    random = np.random.RandomState(0)
    features = random.randn(ROWS, WIDTH).astype(np.float32)
    return features, random.randint(CLASSES, size=ROWS), random.rand(ROWS).astype(np.float32)


def one_hot(labels):
    return np.eye(CLASSES, dtype=np.float32)[labels]


def _hidden(features):
    return keras.layers.Dense(6, activation="tanh")(features)


def _model(end):
    features = keras.Input((WIDTH,))
    return keras.Model(features, end(keras.layers.Dense(CLASSES)(_hidden(features))))


def _head():
    features, labels = keras.Input((WIDTH,)), keras.Input((), dtype="int32")
    head = LinearCrossEntropy(CLASSES, reduction="none", chunk_size=7)
    return keras.Model([features, labels], head(_hidden(features), labels))


def _logits(z):
    return z


# Family → our model and loss, and Keras' own. All end in the loss of class numbers but "dense".
FAMILIES = {
    "softmax layer": (
        lambda: (_model(Softmax()), keras.losses.SparseCategoricalCrossentropy()),
        lambda: (_model(keras.layers.Softmax()), keras.losses.SparseCategoricalCrossentropy()),
    ),
    "dense": (
        lambda: (_model(_logits), SoftmaxCrossEntropy(label_smoothing=0.1)),
        lambda: (_model(_logits), keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)),
    ),
    "sparse": (
        lambda: (_model(_logits), SparseSoftmaxCrossEntropy()),
        lambda: (_model(_logits), keras.losses.SparseCategoricalCrossentropy(from_logits=True)),
    ),
    "head": (
        lambda: (_head(), LossesAsOutput()),
        lambda: (_model(_logits), keras.losses.SparseCategoricalCrossentropy(from_logits=True)),
    ),
}


def compiled(family, ours, **options):
    """The compiled model of the family, from the same weights either way, and what ``fit`` takes as x and y."""
    model, loss = FAMILIES[family][0 if ours else 1]()
    random = np.random.RandomState(1)
    model.set_weights([random.randn(*weight.shape) for weight in model.get_weights()])
    model.compile(keras.optimizers.SGD(0.5), loss, **options)
    features, labels, _ = problem()
    x = [features, labels] if len(model.inputs) == 2 else features
    return model, x, one_hot(labels) if family == "dense" else labels
