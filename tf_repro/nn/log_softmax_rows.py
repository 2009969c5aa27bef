"""Log-softmax of the rows of a matrix, and its derivatives of every order."""

from typing import Any

import tensorflow as tf

from tf_repro.nn.engines import compiled_where_it_pays
from tf_repro.nn.entries import at, likeliest, with_entry, without
from tf_repro.nn.softmax_rows import centred_by, softmax_gradient, softmax_known, untaped
from tf_repro.nn.sums import row_sum


def log_softmax_of_rows(z: tf.Tensor) -> tf.Tensor:
    """``z - max z - log Σ exp(z - max z)``; differentiable to any order."""
    constant = untaped(z)
    column = likeliest(constant)
    return _known(z, compiled_where_it_pays(_log_probabilities, constant, column), column)


def _log_probabilities(z: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
    largest = at(z, column)
    shifted = z - largest
    own = largest - largest  # 0; nan where it is infinite
    return shifted - tf.math.log1p(own + row_sum(without(tf.exp(shifted), column)))


def _known(z: tf.Tensor, logarithm: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
    """``logarithm``, which is the log-softmax of ``z`` and largest at ``column``, with its derivatives by ``z``."""

    @tf.custom_gradient
    def value(z: tf.Tensor) -> Any:
        return logarithm, lambda dy: _gradient(z, logarithm, column, dy)

    return value(z)


def _gradient(z: tf.Tensor, logarithm: tf.Tensor, column: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """``dy - y·Σ dy``: the transpose of centring."""

    @tf.custom_gradient
    def value(z: tf.Tensor, dy: tf.Tensor) -> Any:
        def grad(up: tf.Tensor) -> Any:
            y = tf.exp(logarithm)
            total = tf.reduce_sum(dy, -1, keepdims=True)
            return -total * softmax_gradient(z, y, up), centred_by(softmax_known(z, y), up)

        return compiled_where_it_pays(_less_its_share, untaped(dy), untaped(logarithm), column), grad

    return value(z, dy)


def _less_its_share(dy: tf.Tensor, logarithm: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
    """``dy - y·Σ dy``, at the largest entry as ``dy·(1 - y) - y·(Σ dy - dy)`` with sums over the others."""
    own_dy, own_y = at(dy, column), tf.exp(at(logarithm, column))
    others_dy, y = without(dy, column), tf.exp(logarithm)
    sum_dy, sum_y = row_sum(others_dy), row_sum(without(y, column))
    return with_entry(dy - y * (own_dy + sum_dy), column, own_dy * sum_y - own_y * sum_dy)
