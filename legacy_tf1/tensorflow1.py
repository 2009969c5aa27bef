"""TensorFlow's version 1 API, whichever release is installed."""

try:
    import tensorflow.compat.v1 as tf
except ImportError:  # before 1.13
    import tensorflow as tf

__all__ = ["tf"]
