"""Eigen 3.3's packets, as TensorFlow 1.x's CPU kernels for softmax, its gradient and means use them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_repro.core.errors import InputError
from tf_repro.suite.kernels.libm import expf

Array = np.ndarray[Any, np.dtype[Any]]
f32 = np.float32

LANES = (4, 8)
"""How many floats a packet holds: 4 in SSE, 8 in AVX."""

SMALLEST_NORMAL = f32(2.0**-126)

# Cephes' expf, which Eigen 3.3 takes over: exp(x) = 2^n · exp(r), r = x - n·ln 2. Where x is clipped, 2^n is 0.
CLIP = f32(88.3762626647950)
LOG2_E = f32(1.44269504088896341)
LN2_HIGH, LN2_LOW = f32(0.693359375), f32(-2.12194440e-4)
POLYNOMIAL = tuple(
    f32(c)
    for c in (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
)


def softmax(logits: Array, lanes: int) -> Array:
    """Softmax along the last axis: ``exp(z - max z)`` times the reciprocal of its sum.

    The exponentials of a whole batch are taken packet by packet; up to ``lanes - 1`` entries at the batch's end fill
    no packet and go through the C library.

    Args:
        logits: float32[..., n], n ≥ 1.
        lanes: how many floats a packet holds, 4 or 8.

    Returns:
        float32[..., n], the bits of TensorFlow 1.4.1 (4 lanes) or 1.5.1 (8 lanes) on one thread.

    Raises:
        InputError: `logits` is not float32, has no entries along the last axis, or `lanes` is neither.

    Example:
        >>> logits = np.float32([0.7, 1.4, 2.1, 2.8, 3.5])
        >>> softmax(logits, 4)
        array([0.03156589, 0.06356589, 0.12800597, 0.25777236, 0.5190898 ], dtype=float32)
        >>> softmax(logits, 8)
        array([0.03156589, 0.06356589, 0.12800598, 0.2577724 , 0.5190899 ], dtype=float32)
    """
    z = _rows("logits", logits, lanes)
    with np.errstate(invalid="ignore", over="ignore"):
        powers = _exp(z - z.max(-1, keepdims=True), lanes)
        y = _flushed(powers * (f32(1) / _row_sum(powers, lanes)))
    return y.reshape(logits.shape)


def softmax_gradient(y: Array, dy: Array, lanes: int) -> Array:
    """Softmax's gradient along the last axis: ``(dy - Σ dy·y)·y``, each product rounded before it is added.

    Args:
        y: float32[..., n], the softmax.
        dy: float32[..., n], the gradient with respect to `y`.
        lanes: how many floats a packet holds, 4 or 8.

    Returns:
        float32[..., n], the gradient with respect to the logits.

    Raises:
        InputError: an argument is not float32, has no entries along the last axis, their shapes differ, or `lanes` is
            neither 4 nor 8.

    Example:
        >>> softmax_gradient(np.float32([0.25, 0.75]), np.float32([1, 2]), 4)
        array([-0.1875,  0.1875], dtype=float32)
    """
    if y.shape != dy.shape:
        raise InputError(f"y and dy must have one shape. Received: {y.shape} and {dy.shape}")
    probabilities, cotangent = _rows("y", y, lanes), _flushed(_rows("dy", dy, lanes))
    with np.errstate(invalid="ignore", over="ignore"):
        mean = _row_sum(_flushed(cotangent * probabilities), lanes)
        gradient = _flushed(_flushed(cotangent - mean) * probabilities)
    return gradient.reshape(y.shape)


def reduce_mean(values: Array, lanes: int) -> Array:
    """The mean of a vector: its sum, packet by packet, over its length.

    Args:
        values: float32[n], n ≥ 1.
        lanes: how many floats a packet holds, 4 or 8.

    Returns:
        float32[], the mean.

    Example:
        >>> float(reduce_mean(np.float32([1, 2, 3, 4, 5]), 8))
        3.0
    """
    return (_row_sum(_rows("values", values, lanes), lanes) / f32(values.size)).reshape(())


def _rows(name: str, values: Array, lanes: int) -> Array:
    if lanes not in LANES:
        raise InputError(f"lanes must be 4 or 8. Received: {lanes!r}")
    if values.dtype != np.float32 or values.ndim == 0 or values.shape[-1] == 0:
        raise InputError(
            f"{name} must be float32 with entries along its last axis. Received: {values.dtype}{list(values.shape)}"
        )
    return values.reshape(-1, values.shape[-1])


def _exp(x: Array, lanes: int) -> Array:
    flat = x.ravel()
    packed = flat.size - flat.size % lanes
    return _flushed(np.concatenate([_packet_exp(flat[:packed]), expf(flat[packed:])]).reshape(x.shape))


def _packet_exp(x: Array) -> Array:
    """``exp`` as Eigen's packets compute it, of numbers up to 0 or nan; no operation is fused with another."""
    clipped = np.maximum(np.where(np.isnan(x), 0, x), -CLIP)
    n = np.floor(clipped * LOG2_E + f32(0.5))
    r = clipped - n * LN2_HIGH - n * LN2_LOW
    value = POLYNOMIAL[0]
    for coefficient in POLYNOMIAL[1:]:
        value = value * r + coefficient
    value = value * (r * r) + r + f32(1)
    power_of_two = ((n.astype(np.int32) + 127) << 23).view(np.float32)  # the bits of 2^n, and of 0 for n = -127
    return np.where(np.isnan(x), x, value * power_of_two)


def _row_sum(rows: Array, lanes: int) -> Array:
    """Each row's sum: lane by lane over whole packets, the lanes folded in halves, then what is left in its order."""
    packed = rows.shape[-1] - rows.shape[-1] % lanes
    packet = np.zeros((len(rows), lanes), np.float32)
    for start in range(0, packed, lanes):
        packet = _flushed(packet + rows[:, start : start + lanes])
    while packet.shape[-1] > 1:
        half = packet.shape[-1] // 2
        packet = _flushed(packet[:, :half] + packet[:, half:])
    rest = np.zeros((len(rows), 1), np.float32)
    for column in range(packed, rows.shape[-1]):
        rest = _flushed(rest + rows[:, column : column + 1])
    return _flushed(rest + packet)


def _flushed(values: Array) -> Array:
    """`values` with subnormal numbers as zeros of their sign: TensorFlow's threads run so."""
    return np.where(np.abs(values) < SMALLEST_NORMAL, values * f32(0), values)
