"""Softmax with the rounding of TensorFlow 1.4 and earlier, in operations that round alike on every CPU.

The wheels of those releases were compiled for SSE: Eigen's kernels took 16 bytes at a time, and its ``exp`` and its
order of summation follow from that. Here the packets are spelled out. What differs from one kernel or compiler to
another is not used: ``tf.exp``, ``tf.reduce_sum``, ``tf.math.reciprocal``, and products that may be fused with a sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import tensorflow as tf


def softmax_tf1(z: tf.Tensor) -> tf.Tensor:
    """Softmax of each row as TensorFlow 1.4.1 rounds it, with a gradient that it rounds so.

    Formula: ``y = exp(z - max z)·(1 / Σ exp(z - max z))``, gradient ``(dy - Σ dy·y)·y``.

    Args:
        z: float32[rows, n] or float64[rows, n], the logits.

    Returns:
        Tensor of the shape and dtype of `z`, with the bits of TensorFlow 1.4.1: in float32 everywhere, in float64
        but for the last row of an odd number of entries, whose last exponential 1.4.1 takes from the C
        library. Second and higher derivatives are right, but in nobody's rounding. (1.4.1 rounds float16 after each
        operation; `nn.softmax` hands it over in float32.)

    Example:
    >>> softmax_tf1(tf.constant([[0.7, 1.4, 2.1, 2.8, 3.5]])).numpy()
    array([[0.03156589, 0.06356589, 0.12800597, 0.25777236, 0.5190898 ]], dtype=float32)
    """
    return _known(z, _probabilities(z))


def _known(z: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    @tf.custom_gradient
    def value(z: tf.Tensor) -> tf.Tensor:
        return y, lambda dy: _gradient(z, y, dy)

    return value(z)


def _gradient(z: tf.Tensor, y: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    @tf.custom_gradient
    def value(z: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
        def grad(up: tf.Tensor) -> tf.Tensor:
            p = _known(z, y)
            mean, mean_up = (tf.reduce_sum(a * p, -1, keepdims=True) for a in (dy, up))
            return _gradient(z, y, up * (dy - mean) - dy * mean_up), _gradient(z, y, up)

        return _centred_product(y, dy), grad

    return value(z, dy)


@tf.function(reduce_retracing=True)
@tf.custom_gradient
def _probabilities(z: tf.Tensor) -> tf.Tensor:
    """The softmax; its rule is there for forward mode, which would else go through every operation."""

    def grad(dy: tf.Tensor) -> tf.Tensor:
        p = tf.nn.softmax(z)
        return (dy - tf.reduce_sum(dy * p, -1, keepdims=True)) * p

    return _exp_over_sum(_flushed(z)), grad


def _exp_over_sum(z: tf.Tensor) -> tf.Tensor:
    powers = _exp(z - tf.reduce_max(z, -1, keepdims=True))
    total = _row_sum(powers)
    one = tf.where(total > 0, tf.ones_like(total), total)  # in a constant's place, lest 1/x be approximated
    return _flushed(powers * _flushed(one / total))


@tf.function(reduce_retracing=True)
def _centred_product(y: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    dy = _flushed(dy)
    mean = _row_sum(_flushed(dy * y))
    return _flushed(_flushed(dy - mean) * y)


def _flushed(a: tf.Tensor) -> tf.Tensor:
    """`a`, with subnormal numbers as zeros of their sign, as TensorFlow 1's threads have them.

    The selection also keeps the operations on both sides apart: XLA would fuse them into one rounding, and the graph
    optimizer takes a chain of sums in its own order.
    """
    return tf.where(tf.abs(a) < 2.0 ** (-126 if a.dtype == tf.float32 else -1022), a * 0, a)


def _row_sum(rows: tf.Tensor) -> tf.Tensor:
    """Each row's sum: lane by lane over whole packets, the lanes folded in halves, then what is left in its order."""
    lanes = 16 // rows.dtype.size
    count, width = tf.unstack(tf.shape(rows))
    left = width % lanes
    packets = tf.reshape(rows[:, : width - left], [count, width // lanes, lanes])
    total = _sequential_sum(tf.pad(tf.transpose(packets, [1, 0, 2]), [[1, 0], [0, 0], [0, 0]]))
    while lanes > 1:
        lanes //= 2
        total = _flushed(total[:, :lanes] + total[:, lanes:])
    rest = tf.pad(tf.transpose(rows[:, width - left :]), [[1, 0], [0, 0]])
    return _flushed(_sequential_sum(rest)[:, tf.newaxis] + total)


def _sequential_sum(terms: tf.Tensor) -> tf.Tensor:
    """The `terms` along the first axis, added one after the other; there is at least one."""
    count = tf.shape(terms)[0]
    return tf.while_loop(
        lambda i, _: i < count,
        lambda i, total: (i + 1, tf.ensure_shape(_flushed(total + terms[i]), total.shape)),
        (1, terms[0]),
    )[1]


def _exp(x: tf.Tensor) -> tf.Tensor:
    """``exp`` of numbers up to 0: packet by packet over the whole batch, and the C library's for what fills none."""
    flat = tf.reshape(x, [-1])
    if x.dtype == tf.float64:
        return tf.reshape(_packet_exp_double(flat), tf.shape(x))
    packed = tf.size(flat) - tf.size(flat) % 4
    return tf.reshape(tf.concat([_packet_exp(flat[:packed]), _c_exp(flat[packed:])], 0), tf.shape(x))


# Eigen 3.3's packets take exp from Cephes: 2^n · exp(r), r = x - n·ln 2 in two steps. Where x is clipped, 2^n is 0.


def _packet_exp(x: tf.Tensor) -> tf.Tensor:
    clipped = tf.maximum(tf.where(tf.math.is_nan(x), 0.0, x), -88.3762626647950)
    n = tf.floor(_flushed(clipped * 1.44269504088896341) + 0.5)
    r = _flushed(clipped - n * 0.693359375) - _flushed(n * -2.12194440e-4)  # the first product is exact
    value = 1.9875691500e-4
    for c in (1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1):
        value = _flushed(value * r) + c
    value = _flushed(_flushed(value * _flushed(r * r)) + r) + 1
    return tf.where(tf.math.is_nan(x), x, _flushed(value * _power_of_two(n, tf.int32, 127, 23)))


def _packet_exp_double(x: tf.Tensor) -> tf.Tensor:
    clipped = tf.maximum(tf.where(tf.math.is_nan(x), tf.zeros_like(x), x), -709.436139303)
    n = tf.floor(_flushed(clipped * 1.4426950408889634073599) + 0.5)
    r = _flushed(clipped - _flushed(n * 0.693145751953125)) - _flushed(n * 1.42860682030941723212e-6)
    square = _flushed(r * r)
    p = _horner(square, [1.26177193074810590878e-4, 3.02994407707441961300e-2, 9.99999999999999999910e-1])
    q = _horner(square, [3.00198505138664455042e-6, 2.52448340349684104192e-3, 2.27265548208155028766e-1, 2.0])
    odd = _flushed(p * r)
    value = 2 * (odd / (q - odd)) + 1
    return tf.where(tf.math.is_nan(x), x, _flushed(value * _power_of_two(n, tf.int64, 1023, 52)))


def _horner(x: tf.Tensor, coefficients: Sequence[float]) -> tf.Tensor:
    value = coefficients[0]
    for c in coefficients[1:]:
        value = _flushed(value * x) + c
    return value


def _power_of_two(n: tf.Tensor, integer: tf.DType, bias: int, mantissa: int) -> tf.Tensor:
    """``2^n``, by its bits; 0 for the least exponent."""
    return tf.bitcast(tf.bitwise.left_shift(tf.cast(n, integer) + bias, tf.constant(mantissa, integer)), n.dtype)


# glibc's expf since 2.27, and that of others who took Arm's optimised routines: 2^(k/32) · 2^(r/32) with whole k, from
# a table and a cubic, in float64. Its last bits, which fusing may change, do not reach the float's.


def _thirty_second_powers() -> tf.Tensor:
    """``2^(i/32)`` for i from 0 to 31, correctly rounded: roots of an integer, five square roots deep."""
    roots = [1 << (i + 32 * 80) for i in range(32)]
    for _ in range(5):
        roots = [math.isqrt(root) for root in roots]
    return [root / 2**80 for root in roots]


_POWERS = _thirty_second_powers()
_CUBIC = [
    float.fromhex(c) / 32**power
    for power, c in ((3, "0x1.c6af84b912394p-5"), (2, "0x1.ebfce50fac4f3p-3"), (1, "0x1.62e42ff0c52d6p-1"))
]
_LOG2_E = float.fromhex("0x1.71547652b82fep+0")


def _c_exp(x: tf.Tensor) -> tf.Tensor:
    seen = x >= -104  # below log(2^-150) the result is 0
    exponent = tf.cast(tf.where(seen, x, 0.0), tf.float64) * (32 * _LOG2_E)
    whole = tf.round(exponent)
    r = exponent - whole
    k = tf.cast(whole, tf.int32)
    power = tf.gather(tf.constant(_POWERS, tf.float64), k % 32) * _power_of_two(
        tf.floor(whole / 32), tf.int64, 1023, 52
    )
    value = ((_CUBIC[0] * r + _CUBIC[1]) * (r * r) + (_CUBIC[2] * r + 1)) * power
    rounded = tf.where(seen, _flushed(tf.cast(value, tf.float32)), 0.0)
    return tf.where(tf.math.is_nan(x), x, rounded)
