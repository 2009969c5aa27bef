"""Keras losses that take logits; the import is all that changes in code that used Keras' own."""

import tf_repro.keras_backend  # noqa: F401 (refuses another backend before TensorFlow is imported)
from tf_repro.losses.base import LossesAsOutput
from tf_repro.losses.cross_entropy import SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy
from tf_repro.losses.divergences import Entropy, JSDivergence, KLDivergence

__all__ = [
    "Entropy",
    "JSDivergence",
    "KLDivergence",
    "LossesAsOutput",
    "SoftmaxCrossEntropy",
    "SparseSoftmaxCrossEntropy",
]
