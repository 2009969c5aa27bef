"""Keras layers over ``tf_repro.nn``; names as in ``keras.layers``."""

from tf_repro.layers.softmax import Softmax

__all__ = ["Softmax"]
