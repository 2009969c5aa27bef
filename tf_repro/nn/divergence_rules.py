"""Divergences and entropy of logits, their gradients and Hessians: what `tf_repro.nn.divergences` computes with."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

Tensors = Sequence[tf.Tensor]


class Rule(NamedTuple):
    """A function of logits and its derivatives, each along ``axes`` with the dimensions kept."""

    value: Callable[..., tf.Tensor]
    """``(axes, *logits)``."""
    gradient: Callable[..., Tensors]
    """``(axes, *logits)``, by each of the logits."""
    hessian_product: Callable[..., Tensors]
    """``(axes, logits, directions)``, by each of the logits; the Hessian is symmetric."""


def apply(rule: Rule, logits: Tensors, axes: list[int]) -> tf.Tensor:
    """The value of ``rule``, with its derivatives of first and second order."""
    n = len(logits)

    @tf.custom_gradient
    def value(*z: tf.Tensor) -> Any:
        return rule.value(axes, *_untaped(z)), lambda upstream: scaled_gradient(upstream, *z)

    @tf.custom_gradient
    def scaled_gradient(upstream: tf.Tensor, *z: tf.Tensor) -> Any:
        def grad(*v: tf.Tensor) -> Tensors:
            return curvature(upstream, *z, *v)

        return [upstream * slope for slope in rule.gradient(axes, *_untaped(z))], grad

    @tf.custom_gradient
    def curvature(upstream: tf.Tensor, *z_and_v: tf.Tensor) -> Any:
        def grad(*_: tf.Tensor) -> Tensors:
            raise NotImplementedError("divergences and entropy with logits have no gradients beyond second order.")

        z, v = _untaped(z_and_v[:n]), _untaped(z_and_v[n:])
        along = [_sum(slope * a, axes) for slope, a in zip(rule.gradient(axes, *z), v, strict=True)]
        products = rule.hessian_product(axes, z, v)
        return [tf.add_n(along), *(upstream * product for product in products)], grad

    return value(*logits)


def _untaped(tensors: Tensors) -> Tensors:
    """In eager mode constants, lest a tape keep intermediates; forward mode in a graph needs the path."""
    return [tf.stop_gradient(tensor) for tensor in tensors] if tf.executing_eagerly() else tensors


class _Softmax(NamedTuple):
    probabilities: tf.Tensor
    shifted: tf.Tensor  # logits less their largest
    log_partition: tf.Tensor  # log Σ exp of those
    likeliest: tf.Tensor  # where the largest are


def _softmax(z: tf.Tensor, axes: list[int], one: tf.Tensor) -> _Softmax:
    """The softmax of ``z``, times ``one``: see `_one_or_nan`."""
    largest = tf.reduce_max(tf.maximum(z, z.dtype.min), axes, keepdims=True)
    likeliest = tf.equal(z, largest)
    shifted = z - largest
    exponentials = tf.exp(shifted)
    # One of the largest is kept out of the sum, so that nothing is lost where it is nearly all.
    ties = _sum(tf.cast(likeliest, z.dtype), axes)
    rest = _sum(tf.where(likeliest, tf.zeros_like(z), exponentials), axes) + (ties - 1)
    return _Softmax(exponentials / (1 + rest) * one, shifted, tf.math.log1p(rest), likeliest)


def _one_or_nan(z: tf.Tensor, axes: list[int]) -> tf.Tensor:
    """1, or nan for a row that has no softmax; made, since a nan among the constants would alarm tf.debugging."""
    usable = tf.reduce_all(z <= z.dtype.max, axes, keepdims=True) & tf.reduce_any(z >= z.dtype.min, axes, keepdims=True)
    one = tf.cast(usable, z.dtype)
    return one / one


def _covariances(of: _Softmax, f: tf.Tensor, axes: list[int]) -> tf.Tensor:
    """``p·(f - Σ p·f)``, measured from the likeliest entry's own ``f`` so that it cannot cancel there."""
    return of.probabilities * _centred(of, f, axes)


def _centred(of: _Softmax, f: tf.Tensor, axes: list[int]) -> tf.Tensor:
    f = f - _at(of.likeliest, f, axes)
    return f - _sum(tf.math.multiply_no_nan(f, of.probabilities), axes)


class _Pair(NamedTuple):
    p: _Softmax
    q: _Softmax
    difference: tf.Tensor  # logits of q less those of p: log(q/p) but for a constant; 0 where either is -inf
    ratio: tf.Tensor  # log(q/p), ±_FAR where only one is -inf
    lost: tf.Tensor  # where q is 0 and p is not


_FAR = 1e9  # exp(-_FAR) is 0, and its products are finite


def _pair(axes: list[int], a: tf.Tensor, b: tf.Tensor) -> _Pair:
    one = _one_or_nan(a, axes) * _one_or_nan(b, axes)
    p, q = _softmax(a, axes, one), _softmax(b, axes, one)
    a_out, b_out = a < a.dtype.min, b < b.dtype.min
    out = a_out | b_out
    zero = tf.zeros_like(a)
    difference = tf.where(out, zero, b) - tf.where(out, zero, a)
    # log(q/p) = d - log Σ p·exp d, from the d of a class that is likely under both, so that a small ratio keeps its
    # digits. Where that class' own ratio is large, or a class is out on one side, the plain difference does.
    together = tf.where(out, a.dtype.min, p.shifted + q.shifted)
    shared = tf.equal(together, tf.reduce_max(together, axes, keepdims=True)) & ~out
    from_shared = difference - _at(shared, difference, axes)
    largest_exponent = math.log(a.dtype.max) - 1
    growth = _sum(p.probabilities * tf.math.expm1(tf.minimum(from_shared, largest_exponent)), axes)
    near = from_shared - tf.math.log1p(tf.clip_by_value(growth, -0.5, 1.0))
    plain = tf.where(out, zero, q.shifted) - tf.where(out, zero, p.shifted) - (q.log_partition - p.log_partition)
    one_sided = tf.reduce_any(a_out != b_out, axes, keepdims=True)
    ratio = tf.where(one_sided | (tf.abs(_at(shared, plain, axes)) > 0.5), plain, near)
    ratio = tf.where(a_out & ~b_out, tf.cast(_FAR, a.dtype), tf.where(b_out & ~a_out, tf.cast(-_FAR, a.dtype), ratio))
    return _Pair(p, q, difference, tf.where(a_out & b_out, zero, ratio), b_out & (p.probabilities > 0))


def _kl_value(axes: list[int], a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    pair = _pair(axes, a, b)
    p, r = pair.p.probabilities, tf.where(pair.lost, b, pair.ratio)
    small = tf.abs(r) < 0.5
    series = p * _exp_less_two_terms(tf.where(small, r, tf.zeros_like(r)))
    return _sum(tf.where(small, series, pair.q.probabilities - tf.math.multiply_no_nan(1 + r, p)), axes)


def _kl_gradient(axes: list[int], a: tf.Tensor, b: tf.Tensor) -> Tensors:
    pair = _pair(axes, a, b)
    p, r = pair.p.probabilities, pair.ratio
    difference = tf.where(pair.lost, b, pair.difference)
    by_b = tf.where(tf.abs(r) < 0.5, p * tf.math.expm1(tf.clip_by_value(r, -1.0, 1.0)), pair.q.probabilities - p)
    return [-_covariances(pair.p, difference, axes), by_b]


def _kl_hessian_product(axes: list[int], logits: Tensors, directions: Tensors) -> Tensors:
    pair, (va, vb) = _pair(axes, *logits), directions
    difference = tf.where(pair.lost, logits[1], pair.difference)
    product = _centred(pair.p, va, axes) * _centred(pair.p, difference, axes)
    by_a = _covariances(pair.p, va - vb - product, axes)
    return [by_a, _covariances(pair.q, vb, axes) - _covariances(pair.p, va, axes)]


def _js_value(axes: list[int], a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    pair = _pair(axes, a, b)
    x = tf.abs(pair.ratio) / 2
    small = tf.where(x < 1, x, tf.zeros_like(x))
    of_small = small * tf.tanh(small) - tf.math.log1p(2 * tf.square(tf.sinh(small / 2)))
    t = tf.exp(-2 * x)
    of_large = math.log(2) - tf.math.log1p(t) - 2 * x * t / (1 + t)
    mean = (pair.p.probabilities + pair.q.probabilities) / 2
    return _sum(mean * tf.where(x < 1, of_small, of_large), axes)


def _logs_to_mean(pair: _Pair, axes: list[int]) -> tuple[tf.Tensor, tf.Tensor]:
    """``log(m/p)`` and ``log(m/q)``, each but for a constant, to be centred."""
    r = pair.ratio
    size = tf.abs(r)
    # The constant that leaves the likeliest entry its digits: 0 where it is as likely under both, else log 2.
    from_zero, from_log_2 = tf.math.log1p(tf.math.expm1(-size) / 2), tf.math.log1p(tf.exp(-size))
    u, v = (
        part + tf.where(_at(of.likeliest, size, axes) < 1, from_zero, from_log_2)
        for of, part in ((pair.p, tf.maximum(r, 0)), (pair.q, tf.maximum(-r, 0)))
    )
    return u, v


def _js_gradient(axes: list[int], a: tf.Tensor, b: tf.Tensor) -> Tensors:
    pair = _pair(axes, a, b)
    u, v = _logs_to_mean(pair, axes)
    return [-_covariances(pair.p, u, axes) / 2, -_covariances(pair.q, v, axes) / 2]


def _js_hessian_product(axes: list[int], logits: Tensors, directions: Tensors) -> Tensors:
    pair = _pair(axes, *logits)
    u, v = _logs_to_mean(pair, axes)
    ca, cb = _centred(pair.p, directions[0], axes), _centred(pair.q, directions[1], axes)
    moved = cb - ca  # the derivative of log(q/p)
    along_a = ca * _centred(pair.p, u, axes) + tf.sigmoid(pair.ratio) * moved
    along_b = cb * _centred(pair.q, v, axes) - tf.sigmoid(-pair.ratio) * moved
    return [-_covariances(pair.p, along_a, axes) / 2, -_covariances(pair.q, along_b, axes) / 2]


def _entropy_value(axes: list[int], z: tf.Tensor) -> tf.Tensor:
    p = _softmax(z, axes, _one_or_nan(z, axes))
    return p.log_partition - _sum(tf.math.multiply_no_nan(p.shifted, p.probabilities), axes)


def _entropy_gradient(axes: list[int], z: tf.Tensor) -> Tensors:
    p = _softmax(z, axes, _one_or_nan(z, axes))
    return [-_covariances(p, _finite(p.shifted), axes)]


def _entropy_hessian_product(axes: list[int], logits: Tensors, directions: Tensors) -> Tensors:
    p = _softmax(logits[0], axes, _one_or_nan(logits[0], axes))
    product = _centred(p, directions[0], axes) * _centred(p, _finite(p.shifted), axes)
    return [-_covariances(p, directions[0] + product, axes)]


KL_DIVERGENCE = Rule(_kl_value, _kl_gradient, _kl_hessian_product)
JS_DIVERGENCE = Rule(_js_value, _js_gradient, _js_hessian_product)
ENTROPY = Rule(_entropy_value, _entropy_gradient, _entropy_hessian_product)


def _finite(shifted: tf.Tensor) -> tf.Tensor:
    """``shifted`` with 0 for -inf, whose probability is 0 as well."""
    return tf.where(shifted < shifted.dtype.min, tf.zeros_like(shifted), shifted)


# 1/2!, 1/3!, …: at ½ the terms left out are below half a unit in float64's last place of the first.
_SERIES = [1 / math.factorial(k) for k in range(2, 17)]


def _exp_less_two_terms(r: tf.Tensor) -> tf.Tensor:
    """``exp r - 1 - r`` for ``|r| ≤ ½``."""
    return tf.square(r) * tf.math.polyval([tf.constant(c, r.dtype) for c in reversed(_SERIES)], r)


def _at(where: tf.Tensor, values: tf.Tensor, axes: list[int]) -> tf.Tensor:
    """The largest of the values that ``where`` names; 0 or nan where it names none."""
    found = tf.reduce_max(tf.where(where, values, values.dtype.min), axes, keepdims=True)
    return tf.where(tf.reduce_any(where, axes, keepdims=True), found, tf.zeros_like(found))


def _sum(values: tf.Tensor, axes: list[int]) -> tf.Tensor:
    return tf.reduce_sum(values, axes, keepdims=True)
