"""Private names of TensorFlow and Keras: what holds them, or one line that says which release has them no more."""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import Any

from tf_repro.core.errors import InputError


def module_with(module: str, *names: str) -> Any:
    """A private module that has these names; ``tests/test_private_api.py`` holds each of them against each release.

    Args:
        module: the module, such as ``"tensorflow.python.eager.execute"``.
        names: what is used of it.

    Returns:
        The module.

    Raises:
        InputError: the installed release lacks the module or a name.

    Example:
        >>> module_with("keras.src.utils.naming", "gone")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        tf_repro.core.errors.InputError: this needs keras.src.utils.naming.gone. Received: keras ..., which lacks it
    """
    wanted = module
    try:
        found = importlib.import_module(module)
        for name in names:
            wanted = f"{module}.{name}"
            getattr(found, name)
    except (ImportError, AttributeError):
        library = module.partition(".")[0]
        raise InputError(
            f"this needs {wanted}. Received: {library} {importlib.metadata.version(library)}, which lacks it"
        ) from None
    return found
