"""Calls in a port that are exchanged for others, one source line at a time, to see whether that mends a rung."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from tf_repro import nn
from tf_repro.programs.port import patched


@dataclass(frozen=True)
class Substitution:
    """One function that a port may have called for another.

    Attributes:
        cause: the kind of fault.
        functions: where the function is to be found, such as ``"tensorflow:nn.dropout"``.
        change: what is called for what, in words that go before a place in the port.
        replacement: called with the original and the call's arguments.
        applies: whether it concerns a call with these arguments.
    """

    cause: str
    functions: tuple[str, ...]
    change: str
    replacement: Callable[..., Any]
    applies: Callable[..., bool] = lambda *_, **__: True

    @contextlib.contextmanager
    def applied(self, path: Path, place: Any = None, seen: Any = None) -> Iterator[None]:
        """Exchange the calls that the port at ``path`` makes (at ``place``); given ``seen``, only note them there."""
        with contextlib.ExitStack() as stack:
            for function in self.functions:
                holder, attribute = _find(function)
                original = getattr(holder, attribute, None)
                if original is not None:  # Keras' own are private: where one moves, what calls it is not exchanged
                    stack.enter_context(patched(holder, attribute, self._wrapper(original, path, place, seen)))
            yield

    def _wrapper(self, original: Any, path: Path, place: Any, seen: Any) -> Any:
        @functools.wraps(original)
        def call(*arguments: Any, **options: Any) -> Any:
            here = _place_in(path) if self.applies(*arguments, **options) else None
            if seen is not None and here is not None:
                seen[here] = [*arguments, *options.values()]
            if seen is None and here is not None and place in (None, here):
                return self.replacement(original, *arguments, **options)
            return original(*arguments, **options)

        return call


def _find(function: str) -> tuple[Any, str]:
    module, _, attribute = function.partition(":")
    try:
        holder = importlib.import_module(module)
    except ImportError:
        return None, attribute
    *parents, name = attribute.split(".")
    for parent in parents:
        holder = getattr(holder, parent)
    return holder, name


def _place_in(path: Path) -> Any:
    """Where the port, or a module beside it, makes a call: file, line and whether a library is between; else None."""
    frame: Any = sys._getframe(2)
    while frame.f_code.co_filename == __file__:  # one function may be wrapped for several substitutions
        frame = frame.f_back
    caller = frame
    while frame is not None:
        file = frame.f_code.co_filename
        if _is_of_port(file, path):
            return file, frame.f_lineno, frame is not caller
        frame = frame.f_back
    return None


@functools.cache
def _is_of_port(file: Any, path: Path) -> Any:
    """Whether the file is the port, or in its folder and not in an environment there."""
    return Path(file).is_relative_to(path.parent) and "site-packages" not in Path(file).parts


def _sum(original: Any, value: Any, *arguments: Any, **options: Any) -> Any:
    return _REDUCE_SUM(value, *arguments, **options)


def _mean(original: Any, value: Any, *arguments: Any, **options: Any) -> Any:
    return _REDUCE_MEAN(value, *arguments, **options)


def _loss_sum(original: Any, values: Any, sample_weight: Any = None, reduction: Any = "sum_over_batch_size") -> Any:
    other = "sum" if reduction == "sum_over_batch_size" else "sum_over_batch_size"
    return original(values, sample_weight, other)


def _probabilities(original: Any, labels: Any, logits: Any, axis: Any = -1, name: str | None = None) -> Any:
    return -_REDUCE_SUM(labels * tf.math.log(logits), axis)


def _sparse_probabilities(original: Any, labels: Any, logits: Any, name: str | None = None) -> Any:
    return -tf.math.log(tf.gather(logits, labels, batch_dims=len(labels.shape)))


def _sigmoid_probabilities(original: Any, labels: Any, logits: Any, name: str | None = None) -> Any:
    return -(labels * tf.math.log(logits) + (1 - labels) * tf.math.log(1 - logits))


def _flip_from_logits(original: Any, target: Any, output: Any, from_logits: Any = False, **options: Any) -> Any:
    return original(target, output, from_logits=not from_logits, **options)


def _unchanged(original: Any, value: Any, *arguments: Any, **options: Any) -> Any:
    return value


def _complement_rate(
    original: Any, inputs: Mapping[str, Any] | None, rate: tf.Tensor, *arguments: Any, **options: Any
) -> Any:
    return original(inputs, 1 - rate, *arguments, **options)


def _clip_by_norm(original: Any, t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    return _CLIP_BY_NORM(t, clip_value_max)


def _norm_to_value(original: Any, t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    return _CLIP_BY_VALUE(t, -clip_norm, clip_norm)


def _global_to_norm(original: Any, t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None) -> Any:
    return [_CLIP_BY_NORM(g, clip_norm) for g in t_list], None


def _global_to_value(original: Any, t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None) -> Any:
    return [_CLIP_BY_VALUE(g, -clip_norm, clip_norm) for g in t_list], None


def _stock_softmax(original: Any, logits: Any, axis: Any = -1, **options: Any) -> Any:
    return _SOFTMAX(logits, axis)


def _tf1_softmax(original: Any, logits: Any, axis: Any = -1, name: str | None = None) -> Any:
    return _OWN_SOFTMAX(logits, -1 if axis is None else axis, numerics="tf1")


def _is_bias(x: Any, y: Any) -> Any:
    return getattr(getattr(y, "shape", None), "rank", None) == 1 and x.shape.rank in (2, 3, 4, 5)


def _as_bias(original: Any, x: Any, y: Any) -> Any:
    return tf.nn.bias_add(x, y)


def _broadcast_bias(original: Any, value: Any, bias: Any, data_format: Any = None, name: str | None = None) -> Any:
    return value + bias


def _is_channels_last(value: Any, bias: Any, data_format: Any = None, name: str | None = None) -> Any:
    return data_format is None or data_format.endswith("C")


def _with_epsilon(
    epsilon: float,
    original: Any,
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    variance_epsilon: Any,
    name: str | None = None,
) -> Any:
    return original(x, mean, variance, offset, scale, epsilon, name)


def _with_momentum(momentum: float, original: Any, layer: Any, *arguments: Any, **options: Any) -> Any:
    with patched(layer, "momentum", momentum):
        return original(layer, *arguments, **options)


def _in_float32(original: Any, value: Any, dtype: Any = None, *arguments: Any, **options: Any) -> Any:
    result = original(value, dtype, *arguments, **options)
    return _CAST(result, tf.float32) if result.dtype == tf.float64 else result


_REDUCE_SUM, _REDUCE_MEAN, _CAST = tf.reduce_sum, tf.reduce_mean, tf.cast
_CLIP_BY_NORM, _CLIP_BY_VALUE = tf.clip_by_norm, tf.clip_by_value
_SOFTMAX, _OWN_SOFTMAX = tf.nn.softmax, nn.softmax

_SUM = ("tensorflow:reduce_sum", "tensorflow:math.reduce_sum")
_MEAN = ("tensorflow:reduce_mean", "tensorflow:math.reduce_mean")
_CROSS_ENTROPIES = tuple(
    f"keras.src.backend.tensorflow.nn:{name}"
    for name in ("categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy")
)
_DROPOUTS = ("tensorflow:nn.dropout", "keras.src.backend.tensorflow.random:dropout")

NUMERICS = (
    Substitution("numerics", ("tf_repro.nn:softmax",), "tf.nn.softmax for tf_repro.nn.softmax", _stock_softmax),
    Substitution(
        "numerics", ("tensorflow:nn.softmax",), 'tf_repro.nn.softmax(numerics="tf1") for tf.nn.softmax', _tf1_softmax
    ),
)

BIAS_ADDITION = (
    Substitution(
        "bias addition",
        ("tensorflow:nn.bias_add",),
        "+ for tf.nn.bias_add (only the order of rounding differs)",
        _broadcast_bias,
        _is_channels_last,
    ),
    Substitution(
        "bias addition",
        ("tensorflow:Tensor.__add__",),
        "tf.nn.bias_add for + (only the order of rounding differs)",
        _as_bias,
        _is_bias,
    ),
)
"""The two are equal forward; their gradients sum in another order."""

BATCH_NORMALIZATION = (
    *(
        Substitution(
            "batch normalization epsilon",
            ("tensorflow:nn.batch_normalization",),
            f"epsilon {epsilon:g} in tf.nn.batch_normalization",
            functools.partial(_with_epsilon, epsilon),
        )
        for epsilon in (1e-3, 1e-4, 1e-5, 1e-6)
    ),
    *(
        Substitution(
            "batch normalization momentum",
            ("keras:layers.BatchNormalization.call",),
            f"momentum {momentum:g} in keras.layers.BatchNormalization",
            functools.partial(_with_momentum, momentum),
        )
        for momentum in (0.9, 0.95, 0.99, 0.999)
    ),
)
"""With the defaults of TensorFlow 1, Keras, and the common examples for either."""

FORWARD = (
    Substitution("from_logits", _CROSS_ENTROPIES, "the loss's from_logits flipped", _flip_from_logits),
    Substitution("from_logits", ("tensorflow:nn.softmax",), "tf.nn.softmax left out", _unchanged),
    Substitution("from_logits", ("tensorflow:nn.sigmoid",), "tf.nn.sigmoid left out", _unchanged),
    Substitution(
        "from_logits",
        ("tensorflow:nn.softmax_cross_entropy_with_logits",),
        "the logits of tf.nn.softmax_cross_entropy_with_logits taken as probabilities",
        _probabilities,
    ),
    Substitution(
        "from_logits",
        ("tensorflow:nn.sparse_softmax_cross_entropy_with_logits",),
        "the logits of tf.nn.sparse_softmax_cross_entropy_with_logits taken as probabilities",
        _sparse_probabilities,
    ),
    Substitution(
        "from_logits",
        ("tensorflow:nn.sigmoid_cross_entropy_with_logits",),
        "the logits of tf.nn.sigmoid_cross_entropy_with_logits taken as probabilities",
        _sigmoid_probabilities,
    ),
    Substitution("mean for sum", _MEAN, "tf.reduce_sum for tf.reduce_mean", _sum),
    Substitution("mean for sum", _SUM, "tf.reduce_mean for tf.reduce_sum", _mean),
    Substitution("mean for sum", ("keras.src.losses.loss:reduce_values",), "the loss's reduction flipped", _loss_sum),
    Substitution("keep_prob for rate", _DROPOUTS, "dropout's rate taken as keep_prob", _complement_rate),
)

EVERY_FLOAT64 = Substitution(
    "float64 leak",
    ("tensorflow:cast", "tensorflow:constant", "tensorflow:convert_to_tensor"),
    "float32 for every float64",
    _in_float32,
)

CLIPPING = (
    Substitution(
        "clip by value for norm",
        ("tensorflow:clip_by_value",),
        "tf.clip_by_norm for tf.clip_by_value",
        _clip_by_norm,
    ),
    Substitution(
        "clip by value for norm",
        ("tensorflow:clip_by_norm",),
        "tf.clip_by_value for tf.clip_by_norm",
        _norm_to_value,
    ),
    Substitution(
        "clip by value for norm",
        ("tensorflow:clip_by_global_norm",),
        "tf.clip_by_norm for tf.clip_by_global_norm",
        _global_to_norm,
    ),
    Substitution(
        "clip by value for norm",
        ("tensorflow:clip_by_global_norm",),
        "tf.clip_by_value for tf.clip_by_global_norm",
        _global_to_value,
    ),
)


CLIP_EACH = Substitution("", ("tensorflow:clip_by_value", "tensorflow:clip_by_norm"), "", _unchanged)


@contextlib.contextmanager
def clipping_globally(path: Path, place: Any, bound: Any) -> Iterator[None]:
    """Leave the clipping at ``place`` out, and clip what the tape gives to the global norm ``bound`` instead."""

    def clip(gradients: Any) -> Any:
        flat = tf.nest.flatten(gradients)
        return tf.nest.pack_sequence_as(gradients, tf.clip_by_global_norm(flat, bound)[0])

    with CLIP_EACH.applied(path, place), changing_gradients(clip):
        yield


@contextlib.contextmanager
def changing_gradients(change: Any) -> Iterator[None]:
    """While it lasts, ``tf.GradientTape.gradient`` gives ``change(gradients)``."""
    original = tf.GradientTape.gradient

    def gradient(self: Any, *arguments: Any, **options: Any) -> Any:
        return change(original(self, *arguments, **options))

    with patched(tf.GradientTape, "gradient", gradient):
        yield
