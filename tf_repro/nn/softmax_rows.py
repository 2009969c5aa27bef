"""Softmax of the rows of a matrix, and its derivatives of every order.

A gradient is itself a function with a rule, written in terms of the others, so that every order is right and none falls
back on the stock formula. ``y`` is the softmax of ``z``, computed once: derivatives flow through ``z``.
"""

from typing import Any

import tensorflow as tf

from tf_repro.nn.engines import compiled_by_xla, compiled_where_it_pays
from tf_repro.nn.entries import at, likeliest
from tf_repro.nn.sums import row_dot, row_sum


def softmax_of_rows(z: tf.Tensor) -> tf.Tensor:
    """``exp(z - max z) / Σ exp(z - max z)``; differentiable to any order."""
    return softmax_known(z, _exp_over_sum(z) if compiled_by_xla(z) else _summing_to_one(tf.nn.softmax(z)))


def product_with_jacobian(z: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
    """``(v - Σ v·y)·y`` with ``y`` the softmax of ``z``; differentiable to any order."""
    return softmax_gradient(z, softmax_of_rows(untaped(z)), v)


def centred(z: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
    """``v - Σ v·y`` with ``y`` the softmax of ``z``, without cancellation; differentiable to any order."""
    return centred_by(softmax_of_rows(z), v)


def untaped(tensor: tf.Tensor) -> tf.Tensor:
    """``tensor``, a constant in eager mode, lest a tape keep intermediates; forward mode in a graph needs the path."""
    return tf.stop_gradient(tensor) if tf.executing_eagerly() else tensor


def softmax_known(z: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """``y``, which is the softmax of ``z``, with its derivatives by ``z``."""

    @tf.custom_gradient
    def value(z: tf.Tensor) -> Any:
        return y, lambda dy: softmax_gradient(z, y, dy)

    return value(z)


def softmax_gradient(z: tf.Tensor, y: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """``(dy - Σ dy·y)·y``: the covariances under ``y`` of ``dy`` with each entry's indicator."""

    @tf.custom_gradient
    def value(z: tf.Tensor, dy: tf.Tensor) -> Any:
        def grad(up: tf.Tensor) -> Any:
            p = softmax_known(z, y)
            return softmax_gradient(z, y, centred_by(p, dy) * centred_by(p, up)), softmax_gradient(z, y, up)

        return _deviation_times_y(untaped(y), untaped(dy)), grad

    return value(z, dy)


def centred_by(y: tf.Tensor, a: tf.Tensor) -> tf.Tensor:
    """``a - Σ a·y`` for probabilities ``y``, from the likeliest entry's own value so that it cannot cancel there."""
    a = a - _at_likeliest(y, a)
    return a - row_dot(a, y)


def _exp_over_sum(z: tf.Tensor) -> tf.Tensor:
    """The definition, the largest entries being counted, lest they round away what is added to them one by one."""
    largest = tf.reduce_max(z, -1, keepdims=True)
    exponentials, is_largest = tf.exp(z - largest), tf.equal(z, largest)
    ties = row_sum(tf.cast(is_largest, z.dtype)) + (largest - largest)  # nan where the largest is infinite
    return exponentials / (ties + row_sum(tf.where(is_largest, tf.zeros_like(z), exponentials)))


def _summing_to_one(y: tf.Tensor) -> tf.Tensor:
    """``y``, each row divided by its sum where a kernel added it in sequence, or left numbers beside a nan."""
    total = row_sum(y)
    close = tf.abs(total - 1) <= 4 * tf.experimental.numpy.finfo(y.dtype.as_numpy_dtype).eps
    return tf.cond(tf.reduce_all(close), lambda: y, lambda: y / tf.where(close, tf.ones_like(total), total))


def _at_likeliest(y: tf.Tensor, a: tf.Tensor) -> tf.Tensor:
    """The entry of ``a`` where ``y`` is largest, ``[rows, 1]``. XLA fuses maxima, an argmax it does not."""
    if not compiled_by_xla(y, a):
        return at(a, likeliest(y))
    chosen = tf.equal(y, tf.reduce_max(y, -1, keepdims=True))
    return tf.reduce_max(tf.where(chosen, a, a.dtype.min), -1, keepdims=True)


def _deviation_times_y(y: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    pivot = _at_likeliest(y, dy)
    if compiled_by_xla(y, dy):
        return _halved_product(dy, y, pivot)
    return compiled_where_it_pays(_product, dy, y, pivot)


def _product(dy: tf.Tensor, y: tf.Tensor, pivot: tf.Tensor) -> tf.Tensor:
    """``(d - Σ d·y)·y`` with ``d = dy - pivot``."""
    if compiled_by_xla(dy):
        return _halved_product(dy, y, pivot)
    d = dy - pivot
    mean = row_dot(d, y)
    # A mean below half a unit in the last place of the largest number leaves every finite difference as it is; one
    # that is not comes of numbers so large that a difference may be infinite, or of an infinity.
    finite = tf.reduce_all(tf.abs(mean) <= dy.dtype.max * 2.0**-54)
    return tf.cond(finite, lambda: (d - mean) * y, lambda: _halved_product(dy, y, pivot))


def _halved_product(dy: tf.Tensor, y: tf.Tensor, pivot: tf.Tensor) -> tf.Tensor:
    """`_product`, which halves what it subtracts, and so has no infinity of its own; nan for one in ``dy``."""
    d = 0.5 * dy - 0.5 * pivot
    mean = row_dot(d, y)
    mean = tf.where(tf.math.is_finite(mean), mean, mean - mean)
    return (d - mean) * (2 * y)
