"""Keras, once it is known to run on TensorFlow: the import that every Keras room makes."""

import os


def _require_tensorflow(backend: str, source: str) -> None:
    if backend != "tensorflow":
        raise ImportError(
            "tf_repro's layers, losses, models and optimizers need Keras on TensorFlow. "
            f"Received: {source}={backend!r}; set KERAS_BACKEND=tensorflow before the first import of keras."
        )


# Before Keras itself, which would first look for the other framework, and may not find it.
_require_tensorflow(os.environ.get("KERAS_BACKEND") or "tensorflow", "KERAS_BACKEND")

import keras  # noqa: E402

_require_tensorflow(keras.backend.backend(), "keras.backend.backend()")

__all__ = ["keras"]
