"""The three ways to run a port: eagerly, as a ``tf.function``, or compiled by XLA."""

import tensorflow as tf

from tf_repro.core.errors import InputError

ENGINES = ("eager", "function", "xla")


def compiled(function, engine):
    """``function`` made ready for ``engine``.

    Args:
        function: a function of tensors; its variables exist already.
        engine: ``"eager"``, ``"function"`` or ``"xla"``.

    Raises:
        InputError: the engine is none of these.
    """
    if engine not in ENGINES:
        raise InputError(f"engine must be one of {', '.join(ENGINES)}. Received: {engine!r}")
    return function if engine == "eager" else tf.function(function, jit_compile=engine == "xla", autograph=False)


def to_numpy(tensors):
    """Tensors and variables as NumPy arrays of their own, name by name."""
    return {name: tf.convert_to_tensor(tensor).numpy().copy() for name, tensor in tensors.items()}
