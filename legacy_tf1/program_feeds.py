"""What a TF1 program is fed: given by placeholder name, or drawn from the placeholders' shapes."""

from collections import OrderedDict

import numpy as np

if __package__:
    from legacy_tf1.drawn_ranges import bound
else:
    from drawn_ranges import bound

DRAWN_BATCH = 8
DRAWN_LENGTHS = (8, 5, 8, 3)
"""What an axis of no given length has in each drawn step: a port that takes one batch size only must be found."""


class ProgramError(Exception):
    """The program or the feeds break a rule; the message is one line."""


class Feeds:
    """One value per step and placeholder.

    Args:
        placeholders: the placeholders by name.
        given: arrays by placeholder name, or None; an extra leading axis holds one value per step.
        seed: of what is drawn.
        shapes: of the values of each step that are smaller than those given, by placeholder name, or None.
        make_ndarray: TensorFlow's function of that name, by which ranges are read off the graph.

    Attributes:
        shapes: of the values of each step, for what is drawn.
    """

    def __init__(self, placeholders, given, seed, shapes=None, make_ndarray=None):
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
            (name, fed[name] if name in fed else drawn(name, placeholder, batch, random, make_ndarray))
            for name, placeholder in placeholders.items()
        )
        self.shapes = OrderedDict(shapes or {})
        for name, placeholder in placeholders.items():
            if name not in fed:
                varied = DRAWN_LENGTHS if not lengths else [batch] * len(DRAWN_LENGTHS)
                self.shapes[name] = shapes_of(placeholder, varied)

    @property
    def are_varied(self):
        """Whether steps differ in their number of examples."""
        return any((np.asarray(shapes) != shapes[0]).any() for shapes in self.shapes.values())

    def vary_no_more(self):
        """Give each step the whole of what was drawn."""
        for name, shapes in self.shapes.items():
            self.shapes[name] = np.repeat(np.asarray(shapes)[:1], len(shapes), axis=0)

    def at(self, step):
        """The feed dictionary of a step."""
        return {self.placeholders[name]: value_at(values, self.shapes.get(name), step)
                for name, values in self.values.items()}  # fmt: skip

    def otherwise(self):
        """The feed dictionary of the second step, in inference mode where truth values were drawn as training."""
        fed = self.at(1)
        modes = [name for name in self.shapes if is_mode(self.placeholders[name])]
        fed.update({self.placeholders[name]: np.zeros_like(self.values[name][0]) for name in modes})
        return fed

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


def value_at(values, shapes, step):
    """A step's value, cut to its shape."""
    value = values[step % len(values)]
    if shapes is None:
        return value
    return value[tuple(slice(length) for length in shapes[step % len(shapes)])]


def shapes_of(placeholder, lengths):
    """The shape of each step's value, where an axis of no given length has these lengths."""
    known = placeholder.get_shape().as_list()
    shapes = [[length if axis is None else axis for axis in known] for length in lengths]
    return np.array(shapes, np.int64).reshape(len(lengths), len(known))


def is_mode(placeholder):
    """Whether it is a single truth value, such as ``is_training``."""
    return placeholder.get_shape().ndims == 0 and np.dtype(placeholder.dtype.as_numpy_dtype).kind == "b"


def drawn(name, placeholder, batch, random, make_ndarray=None):
    """Four steps of standard normal numbers, of integers in the range that the graph tells, or of truth values.

    Integers of which the graph tells nothing are zeros and ones; a single truth value is True, as in training.
    """
    shape, dtype = placeholder.get_shape(), np.dtype(placeholder.dtype.as_numpy_dtype)
    if is_mode(placeholder):
        return [np.ones((), dtype) for _ in DRAWN_LENGTHS]
    if shape.ndims is None or shape.ndims == 0 or dtype.kind not in "biuf":
        raise ProgramError(
            "a placeholder that is a scalar, of unknown rank or not numeric must be given a feed. "
            f"Received: {name!r} of shape {shape} and dtype {dtype} without one; add it to the feeds"
        )
    lengths = [batch if length is None else length for length in shape.as_list()]
    if dtype.kind == "f":
        return [random.randn(*lengths).astype(dtype) for _ in DRAWN_LENGTHS]
    most = (bound(placeholder, make_ndarray) if dtype.kind in "iu" and make_ndarray else None) or 2
    values = [random.randint(0, most, lengths).astype(dtype) for _ in DRAWN_LENGTHS]
    if most > 2:
        values[0].flat[0] = most - 1  # the last entry is looked up, however few are drawn
    return values


def is_dense_number(tensor):
    """Whether a fetch gives an array of floating-point numbers, integers or truth values."""
    dtype = getattr(tensor, "dtype", None)
    return (
        dtype is not None
        and not hasattr(tensor, "indices")
        and (dtype.is_floating or dtype.is_integer or dtype.is_bool)
    )
