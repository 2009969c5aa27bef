"""What a TF1 program is fed: given by placeholder name, or drawn from the placeholders' shapes."""

from collections import OrderedDict

import numpy as np

DRAWN_BATCH = 8


class ProgramError(Exception):
    """The program or the feeds break a rule; the message is one line."""


class Feeds:
    """One value per step and placeholder.

    Args:
        placeholders: the placeholders by name.
        given: arrays by placeholder name, or None; an extra leading axis holds one value per step.
        seed: of what is drawn.
    """

    def __init__(self, placeholders, given, seed):
        self.placeholders = placeholders
        given = dict(given or {})
        for name in given:
            if name not in placeholders:
                raise ProgramError(
                    "a feed must name one of the placeholders {}. Received: {!r}".format(", ".join(placeholders), name)
                )
        fed = {name: checked(name, placeholders[name], value) for name, value in given.items()}
        lengths = [len(fed[name][0]) for name in fed if has_batch_axis(placeholders[name])]
        batch, random = (lengths or [DRAWN_BATCH])[0], np.random.RandomState(seed)
        self.values = OrderedDict(
            (name, fed[name] if name in fed else drawn(name, placeholder, batch, random))
            for name, placeholder in placeholders.items()
        )

    def at(self, step):
        """The feed dictionary of a step."""
        return {self.placeholders[name]: values[step % len(values)] for name, values in self.values.items()}

    def first(self):
        """What every placeholder is fed, one value per step, by name."""
        return OrderedDict((name, np.stack(values)) for name, values in self.values.items())


def checked(name, placeholder, value):
    """The value of each step: ``value`` fits the placeholder, or has one leading axis more."""
    dtype, shape = placeholder.dtype.as_numpy_dtype, placeholder.get_shape()
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or (np.dtype(dtype).kind in "iub" and array.dtype.kind == "f"):
        raise ProgramError(
            f"the feed {name!r} must hold numbers of dtype {np.dtype(dtype)}. Received: dtype {array.dtype}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ProgramError(f"the feed {name!r} must be finite. Received: a nan or an infinity")
    array = array.astype(dtype)
    if fits(shape, array.shape):
        return [array]
    if array.ndim and len(array) and fits(shape, array.shape[1:]):
        return list(array)
    raise ProgramError(
        f"the feed {name!r} must have shape {shape}, or one leading axis of steps more. Received: shape {array.shape}"
    )


def fits(shape, given):
    """Whether a value of shape ``given`` can be fed to a placeholder of shape ``shape``."""
    if shape.ndims is None:
        return True
    lengths = shape.as_list()
    return len(lengths) == len(given) and all(a is None or a == b for a, b in zip(lengths, given))


def has_batch_axis(placeholder):
    """Whether the placeholder's first axis has any length."""
    shape = placeholder.get_shape()
    return bool(shape.ndims) and shape.as_list()[0] is None


def drawn(name, placeholder, batch, random):
    """Four steps of standard normal numbers, or of zeros and ones for integers and truth values."""
    shape, dtype = placeholder.get_shape(), np.dtype(placeholder.dtype.as_numpy_dtype)
    if shape.ndims is None or shape.ndims == 0 or dtype.kind not in "biuf":
        raise ProgramError(
            "a placeholder that is a scalar, of unknown rank or not numeric must be given a feed. "
            f"Received: {name!r} of shape {shape} and dtype {dtype} without one; add it to the feeds"
        )
    lengths = [batch if length is None else length for length in shape.as_list()]
    if dtype.kind == "f":
        return [random.randn(*lengths).astype(dtype) for _ in range(4)]
    return [random.randint(0, 2, lengths).astype(dtype) for _ in range(4)]


def is_dense_number(tensor):
    """Whether a fetch gives an array of floating-point numbers, integers or truth values."""
    dtype = getattr(tensor, "dtype", None)
    return (
        dtype is not None
        and not hasattr(tensor, "indices")
        and (dtype.is_floating or dtype.is_integer or dtype.is_bool)
    )
