"""Equal draws in a Session and in eager mode: stateful draws and Keras' own are made from one numbered seed each."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.programs.port import patched
from tf_repro.programs.private import module_with

keras_random = module_with("keras.src.backend.tensorflow.random", "draw_seed", "shuffle")
MODES = ("constant", "num_random_ops")


class Draws:
    """The seeds that draws get while :func:`tf_repro.migrate.deterministic_draws` lasts.

    Args:
        seed: the first half of every seed.
        mode: ``"constant"`` or ``"num_random_ops"``.

    Attributes:
        count: how many draws there have been since the start or the last :meth:`reset`.
    """

    def __init__(self, seed: int, mode: Any) -> None:
        self.seed, self.mode, self.count = seed, mode, 0

    def reset(self, count: Any = 0) -> None:
        """Number the next draw ``count``: at the top of an eager step, as each run of a Session draws afresh.

        Raises:
            InputError: ``count`` is no whole number of at least zero.
        """
        self.count = _whole("count", count)

    def next(self) -> Any:
        """The next draw's seed, a tensor of two whole numbers."""
        number = self.count if self.mode == "num_random_ops" else 0
        self.count += 1
        return tf.constant([self.seed, number], tf.int32)


@contextlib.contextmanager
def deterministic_draws(seed: int = 0, mode: Any = "num_random_ops") -> Iterator[Any]:
    """Make draws equal; see :func:`tf_repro.migrate.deterministic_draws`."""
    if mode not in MODES:
        raise InputError(f"mode must be one of {', '.join(MODES)}. Received: mode={mode!r}")
    draws = Draws(_whole("seed", seed), mode)
    gen_random_ops = module_with("tensorflow.python.ops.gen_random_ops", *_STATELESS)
    with contextlib.ExitStack() as stack:
        for name, stateless in _STATELESS.items():
            stack.enter_context(patched(gen_random_ops, name, functools.partial(stateless, draws)))
        stack.enter_context(patched(keras_random, "draw_seed", lambda seed: draws.next()))
        yield draws


def _whole(name: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < 2**31:
        raise InputError(f"{name} must be a whole number from 0 to 2147483647. Received: {name}={value!r}")
    return int(value)


def _normal(draws: Draws, shape: Any, dtype: Any, seed: int = 0, seed2: Any = 0, name: str | None = None) -> Any:
    return tf.random.stateless_normal(shape, draws.next(), dtype=dtype, name=name)


def _truncated_normal(
    draws: Draws, shape: Any, dtype: Any, seed: int = 0, seed2: Any = 0, name: str | None = None
) -> Any:
    return tf.random.stateless_truncated_normal(shape, draws.next(), dtype=dtype, name=name)


def _parameterized_truncated_normal(
    draws: Draws,
    shape: Any,
    means: Any,
    stdevs: Any,
    minvals: Any,
    maxvals: Any,
    seed: int = 0,
    seed2: Any = 0,
    name: str | None = None,
) -> Any:
    return tf.random.stateless_parameterized_truncated_normal(
        shape, draws.next(), means, stdevs, minvals, maxvals, name=name
    )


def _uniform(draws: Draws, shape: Any, dtype: Any, seed: int = 0, seed2: Any = 0, name: str | None = None) -> Any:
    return tf.random.stateless_uniform(shape, draws.next(), dtype=dtype, name=name)


def _uniform_int(
    draws: Draws, shape: Any, minval: Any, maxval: Any, seed: int = 0, seed2: Any = 0, name: str | None = None
) -> Any:
    dtype = tf.convert_to_tensor(minval).dtype
    return tf.random.stateless_uniform(shape, draws.next(), minval, maxval, dtype, name=name)


def _shuffle(draws: Draws, value: Any, seed: int = 0, seed2: Any = 0, name: str | None = None) -> Any:
    return keras_random.shuffle(value)  # Keras' own, which draws its seed here too


def _multinomial(
    draws: Draws,
    logits: Any,
    num_samples: Any,
    seed: int = 0,
    seed2: Any = 0,
    output_dtype: Any = tf.int64,
    name: str | None = None,
) -> Any:
    return tf.random.stateless_categorical(logits, num_samples, draws.next(), output_dtype, name=name)


def _gamma(draws: Draws, shape: Any, alpha: Any, seed: int = 0, seed2: Any = 0, name: str | None = None) -> Any:
    alpha = tf.convert_to_tensor(alpha)
    return tf.random.stateless_gamma(_around(shape, alpha), draws.next(), alpha, dtype=alpha.dtype, name=name)


def _poisson(
    draws: Draws,
    shape: Any,
    rate: tf.Tensor,
    dtype: Any = tf.int64,
    seed: int = 0,
    seed2: Any = 0,
    name: str | None = None,
) -> Any:
    rate = tf.convert_to_tensor(rate)
    return tf.random.stateless_poisson(_around(shape, rate), draws.next(), rate, dtype=dtype, name=name)


def _around(shape: Any, parameter: Any) -> Any:
    """The shape of draws of ``shape`` for each element of ``parameter``."""
    return tf.concat([tf.cast(shape, tf.int32), tf.shape(parameter)], 0)


_STATELESS: dict[str, Any] = {
    "random_standard_normal": _normal,
    "truncated_normal": _truncated_normal,
    "parameterized_truncated_normal": _parameterized_truncated_normal,
    "random_uniform": _uniform,
    "random_uniform_int": _uniform_int,
    "random_shuffle": _shuffle,
    "multinomial": _multinomial,
    "random_gamma": _gamma,
    "random_poisson_v2": _poisson,
}
"""For each kernel with a state of its own, by its name, a function of the same arguments without one."""
