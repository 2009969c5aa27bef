"""Keras layers over ``tf_repro.nn``; names as in ``keras.layers``."""

import tf_repro.keras_backend  # noqa: F401 (refuses another backend before TensorFlow is imported)
from tf_repro.layers.linear_cross_entropy import LinearCrossEntropy
from tf_repro.layers.reversible_embedding import ReversibleEmbedding
from tf_repro.layers.softmax import Softmax

__all__ = ["LinearCrossEntropy", "ReversibleEmbedding", "Softmax"]
