"""Softmax and its logarithm, with gradient rules that stay accurate where the textbook formula cancels."""

from typing import Any

import tensorflow as tf

from tf_repro.nn.log_softmax_rows import log_softmax_of_rows
from tf_repro.nn.rows import Axis, over_rows
from tf_repro.nn.softmax_rows import softmax_of_rows
from tf_repro.nn.tf1_softmax import softmax_tf1

_RULES = {"accurate": softmax_of_rows, "tf1": softmax_tf1}


def softmax(logits: Any, axis: Axis = -1, numerics: str = "accurate") -> tf.Tensor:
    """Softmax whose gradient is right in saturated rows and under upstream offsets.

    Formula: ``y = exp(z - max z) / Σ exp(z - max z)``, gradient ``(dy - Σ dy·y)·y``.

    ``dy - Σ dy·y`` cancels wherever one probability is near 1 or ``dy`` carries an offset. The gradient does
    not change when a constant is subtracted from ``dy``, so the accurate rule subtracts the likeliest entry's
    own cotangent first: ``d = dy - dy[argmax y]``, then ``(d - Σ d·y)·y``. The entry that would have
    cancelled is exactly zero and drops out of the sum. In float32 the largest error of a row, relative to
    its largest entry, stays below 1e-5 whatever the width, the logits and the offset, and below 1e-6 unless
    the logits lie far apart. The second derivative has a rule as accurate, from which higher ones follow.
    Forward mode goes through the stock derivative in a graph, and fails aloud where the accumulator stands
    around a `tf.function` instead of inside it.

    Args:
        logits: Tensor of any rank and any floating dtype. float16 and bfloat16 are computed in float32.
        axis: The dimension, or the tuple of dimensions, whose entries sum to 1.
        numerics: `"accurate"`, or `"tf1"` for the bits of TensorFlow 1.4.1, forward and gradient, on every
            CPU: see `tf_repro.nn.tf1_softmax`. It sums as that release did, and cancels where it did.

    Returns:
        Tensor of probabilities with the shape and dtype of `logits`. An entry of -inf has probability and
        gradient exactly 0. A slice that is all -inf, or holds +inf or nan, has no softmax and is all nan.
        An empty slice stays empty; a slice of one entry is 1 with gradient 0. A probability below the
        dtype's smallest normal number may be 0. Where an upstream gradient is infinite or nan, that of its
        slice is all nan; a finite one, however large, makes no infinity of its own. So on every kernel.

    Raises:
        TypeError: If `logits` is not floating-point.
        ValueError: If `axis` names no dimension of `logits`, or one twice, or `numerics` is not known.

    References:
        Blanchard, Higham and Higham, "Accurately computing the log-sum-exp and softmax functions", IMA J.
        Numer. Anal. 41 (2021), for the shifted forward pass.

    Example:
    >>> softmax([[0.0, 30.0, 0.0]]).numpy().round(3)
    array([[0., 1., 0.]], dtype=float32)
    >>> z = tf.constant([0.0, 30.0])
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(z)
    ...     second = softmax(z)[1]
    >>> tape.gradient(second, z).numpy()  # ±exp(-30), where the plain formula has 0 for the second entry
    array([-9.357623e-14,  9.357623e-14], dtype=float32)
    """
    if numerics not in _RULES:
        raise ValueError(f"numerics must be one of {sorted(_RULES)}. Received: numerics={numerics!r}")
    return over_rows(_RULES[numerics], logits, axis)


def log_softmax(logits: Any, axis: Axis = -1) -> tf.Tensor:
    """Logarithm of softmax, accurate for probabilities near 1 as well, with a gradient to match.

    Formula: ``z - max z - log1p(t)``, where ``t = Σ exp(z - max z)`` over all entries but the largest.
    Gradient: ``dy - y·Σ dy``, for the largest entry written as ``dy·(1 - y) - y·(Σ dy - dy)``.

    In a saturated row the textbook form is ``1 - 1`` there; here both brackets are sums over the others. What
    remains is the resolution of ``y``: where `dy` is so nearly proportional to ``y`` that the two terms
    cancel in every entry, the error is half a unit in the last place of ``y·Σ dy``, as in every formula that
    rounds ``y``.

    Args:
        logits: Tensor of any rank and any floating dtype. float16 and bfloat16 are computed in float32.
        axis: The dimension, or the tuple of dimensions, whose probabilities sum to 1.

    Returns:
        Tensor of log-probabilities with the shape and dtype of `logits`. An entry of -inf stays -inf and
        passes its own cotangent back. A slice that is all -inf, or holds +inf or nan, is all nan.

    Raises:
        TypeError: If `logits` is not floating-point.
        ValueError: If `axis` names no dimension of `logits`, or one twice.

    References:
        Blanchard, Higham and Higham (2021), as for `softmax`.

    Example:
    >>> log_softmax([0.0, 30.0]).numpy()  # tf.nn.log_softmax has 0 for the second entry
    array([-3.000000e+01, -9.357623e-14], dtype=float32)
    """
    return over_rows(log_softmax_of_rows, logits, axis)
