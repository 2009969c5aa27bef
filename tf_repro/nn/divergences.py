"""Divergences between the softmax of two sets of logits, and entropy, without cancellation, near or far apart."""

from typing import Any

import tensorflow as tf

from tf_repro.nn.arguments import checked_axis, checked_real
from tf_repro.nn.divergence_rules import ENTROPY, JS_DIVERGENCE, KL_DIVERGENCE, apply

Axis = int | tuple[int, ...]
DIRECTIONS = ("forward", "reverse")


def kl_divergence_with_logits(
    target_logits: Any, logits: Any, axis: Axis = -1, temperature: float = 1.0, direction: str = "forward"
) -> tf.Tensor:
    """Kullback-Leibler divergence ``Σ p·log(p/q)`` of ``q = softmax(logits)`` from ``p = softmax(target_logits)``.

    Composed of stock operations, ``log p - log q`` loses its digits where the two are close, which is where
    distillation arrives. With ``r = log(q/p)`` the terms below are none of them negative, and those of a small ``r``
    come from a series::

        KL(p‖q) = Σ p·(exp r - 1 - r)
        d/dlogits = (q - p) / temperature = p·expm1(r) / temperature
        d/dtarget_logits = -p·(r - Σ p·r) / temperature

    All is computed in float64 and rounded once: in float32 value and gradients are right to 1e-6 of the largest entry
    of a row, whatever the logits. Gradients of second order have formulas of their own; of third order are refused.

    An entry of -inf on both sides is left out. One of -inf in ``target_logits`` alone has ``p = 0`` and costs nothing
    but what ``q`` wastes on it. One of -inf in ``logits`` alone makes the divergence inf, and the gradient by
    ``target_logits`` not finite; that by ``logits`` remains ``q - p``. A row that is all -inf, or holds +inf or nan, on
    either side is nan, with gradients nan.

    Args:
        target_logits: float tensor ``[..., classes, ...]``, unnormalised ``log p``: a teacher's logits, or logarithms
            of probabilities. It has a gradient too; a teacher that is not trained goes through ``tf.stop_gradient``.
        logits: float tensor of the same shape, unnormalised ``log q``.
        axis: int or tuple of ints, the dimensions whose probabilities sum to 1.
        temperature: float above 0, which both are divided by. The gradient shrinks as its square where it is large;
            Hinton et al. multiply the loss by that square.
        direction: ``"forward"`` for KL(target‖model), ``"reverse"`` for KL(model‖target) with ``p`` and ``q`` swapped.

    Returns:
        Divergences in the shape of ``logits`` without ``axis`` and in its dtype.

    Raises:
        TypeError: an input is not floating-point, or ragged.
        ValueError: the shapes differ, there are no classes, or an option is out of range.

    References:
        Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network" (2015).

    Example:
        >>> teacher = tf.constant([[0.0, 1.0, 2.0]])
        >>> kl_divergence_with_logits(teacher, teacher + [[0.0, 1e-3, 0.0]]).numpy()  # composed: 7.6e-8
        array([9.244259e-08], dtype=float32)
        >>> kl_divergence_with_logits(teacher, [[0.0, 30.0, 0.0]], direction="reverse").numpy()
        array([1.407606], dtype=float32)
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction must be one of {DIRECTIONS}. Received: direction={direction!r}")
    target, model, axes, dtype = _checked_pair(target_logits, logits, axis, temperature)
    pair = (target, model) if direction == "forward" else (model, target)
    return _finished(apply(KL_DIVERGENCE, pair, axes), axes, dtype)


def js_divergence_with_logits(target_logits: Any, logits: Any, axis: Axis = -1, temperature: float = 1.0) -> tf.Tensor:
    """Jensen-Shannon divergence ``½·KL(p‖m) + ½·KL(q‖m)`` with ``m = ½·(p + q)``, between 0 and log 2.

    With ``x = ½·log(q/p)`` its terms are none of them negative::

        JSD = Σ m·(x·tanh x - log cosh x)
        d/dlogits = ½·q·(log(q/m) - Σ q·log(q/m)) / temperature

    and the same with ``p`` by ``target_logits``. Computed in float64 and rounded once, as `kl_divergence_with_logits`;
    gradients of second order have formulas of their own, of third order are refused.

    It is finite whatever the logits: an entry of -inf on one side costs ``½·log 2`` times the other's probability, and
    one of -inf on both sides is left out. A row that is all -inf, or holds +inf or nan, on either side is nan.

    Args:
        target_logits: float tensor ``[..., classes, ...]``, unnormalised ``log p``.
        logits: float tensor of the same shape, unnormalised ``log q``.
        axis: int or tuple of ints, the dimensions whose probabilities sum to 1.
        temperature: float above 0, which both are divided by.

    Returns:
        Divergences in the shape of ``logits`` without ``axis`` and in its dtype.

    Raises:
        TypeError: an input is not floating-point, or ragged.
        ValueError: the shapes differ, there are no classes, or an option is out of range.

    References:
        Lin, "Divergence measures based on the Shannon entropy" (1991).

    Example:
        >>> js_divergence_with_logits([[0.0, 1.0, 2.0]], [[2.0, 1.0, 0.0]]).numpy()
        array([0.24758807], dtype=float32)
    """
    target, model, axes, dtype = _checked_pair(target_logits, logits, axis, temperature)
    return _finished(apply(JS_DIVERGENCE, (target, model), axes), axes, dtype)


def entropy_with_logits(logits: Any, axis: Axis = -1, temperature: float = 1.0) -> tf.Tensor:
    """Entropy ``-Σ p·log p`` of ``p = softmax(logits)``, in nats, accurate where one probability is near 1 too.

    With ``s = logits/temperature - max``, neither part of it is negative::

        H = log Σ exp s - Σ p·s
        d/dlogits = -p·(s - Σ p·s) / temperature

    Computed in float64 and rounded once, as `kl_divergence_with_logits`; gradients of second order have formulas of
    their own, of third order are refused. An entry of -inf is left out, with gradient 0. A row that is all -inf, or
    holds +inf or nan, is nan.

    Args:
        logits: float tensor ``[..., classes, ...]``.
        axis: int or tuple of ints, the dimensions whose probabilities sum to 1.
        temperature: float above 0, which the logits are divided by.

    Returns:
        Entropies in the shape of ``logits`` without ``axis`` and in its dtype.

    Raises:
        TypeError: the logits are not floating-point, or ragged.
        ValueError: there are no classes, or an option is out of range.

    References:
        Shannon, "A mathematical theory of communication" (1948).

    Example:
        >>> print(entropy_with_logits([[0.0, 30.0]]).numpy())  # composed: 2.807e-12
        [2.9008631e-12]
    """
    divisor = _checked_temperature(temperature)
    z, dtype = _float_tensor(logits, "logits")
    axes = _checked_axes(axis, z)
    return _finished(apply(ENTROPY, (z / divisor,), axes), axes, dtype)


def _finished(values: tf.Tensor, axes: list[int], dtype: tf.DType) -> tf.Tensor:
    return tf.cast(tf.squeeze(values, axes), dtype)


def _float_tensor(values: Any, name: str) -> tuple[tf.Tensor, tf.DType]:
    """``values`` in float64, and the dtype that they had."""
    if isinstance(values, tf.RaggedTensor):
        raise TypeError(
            f"{name} must be dense: give the flat_values of a ragged tensor. Received: {name} that is ragged"
        )
    tensor = tf.convert_to_tensor(values)
    if not tensor.dtype.is_floating:
        raise TypeError(f"{name} must be floating-point. Received: {name} of {tensor.dtype.name}")
    return tf.cast(tensor, tf.float64), tensor.dtype


def _checked_pair(
    target_logits: Any, logits: Any, axis: Any, temperature: Any
) -> tuple[tf.Tensor, tf.Tensor, list[int], tf.DType]:
    divisor = _checked_temperature(temperature)
    target, _ = _float_tensor(target_logits, "target_logits")
    model, dtype = _float_tensor(logits, "logits")
    if not target.shape.is_compatible_with(model.shape):
        raise ValueError(
            "target_logits must have the shape of logits. "
            f"Received: target_logits of {target.shape}, logits of {model.shape}"
        )
    if not (target.shape.is_fully_defined() and model.shape.is_fully_defined()):
        target, model = tf.unstack(tf.stack([target, model]), num=2)  # refuses to spread a row over others
    return target / divisor, model / divisor, _checked_axes(axis, model), dtype


def _checked_temperature(temperature: Any) -> float:
    return checked_real(temperature, "temperature", "a number above 0", 0.0, exclusive=True)


def _checked_axes(axis: Any, z: tf.Tensor) -> list[int]:
    """``axis`` as a list of distinct dimensions, of which none is empty."""
    checked, rank = checked_axis(axis), z.shape.rank
    axes = [checked] if isinstance(checked, int) else list(checked)
    if rank is not None:
        if not all(-rank <= a < rank for a in axes):
            raise ValueError(f"axis must be in [{-rank}, {rank}) for logits of rank {rank}. Received: axis={axis!r}")
        if len({a % rank for a in axes}) < len(axes):
            raise ValueError(f"axis must name each dimension once. Received: axis={axis!r}")
        if 0 in [z.shape[a] for a in axes]:
            raise ValueError(f"logits must have at least one class. Received: logits of {z.shape}, axis={axis!r}")
    return axes
