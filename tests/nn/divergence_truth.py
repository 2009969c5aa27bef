"""Divergences and entropy in mpmath, with their gradients and Hessians by the definition: the oracle."""

import mpmath
import numpy as np

DIGITS = 350  # a row of float64 spans 308, and its largest entry may be what they lack to 1


def _softmax(z, temperature):
    z = [mpmath.mpf(float(value)) / mpmath.mpf(temperature) for value in z]
    largest = max(z)
    exponentials = [mpmath.exp(value - largest) for value in z]
    total = mpmath.fsum(exponentials)
    logs = [value - largest - mpmath.log(total) for value in z]
    return [value / total for value in exponentials], logs


def _mean(p, f):
    """``Σ p·f``, in which an impossible entry counts nothing."""
    return mpmath.fsum(a * b for a, b in zip(p, f, strict=True) if a)


def _covariances(p, f, temperature):
    mean = _mean(p, f)
    return [a * (b - mean) / temperature if a else mpmath.mpf(0) for a, b in zip(p, f, strict=True)]


def _floats(*results):
    return tuple(np.array([float(x) for x in np.ravel(np.array(r, object))]) for r in results)


def kl(a, b, temperature=1.0):
    """KL(softmax a ‖ softmax b), and its gradients by ``a`` and ``b``."""
    with mpmath.workdps(DIGITS):
        (p, log_p), (q, log_q) = _softmax(a, temperature), _softmax(b, temperature)
        ratio = [x - y if w else mpmath.mpf(0) for w, x, y in zip(p, log_p, log_q, strict=True)]
        by_b = [(y - x) / temperature for x, y in zip(p, q, strict=True)]
        value, by_a, by_b = _floats(_mean(p, ratio), _covariances(p, ratio, temperature), by_b)
        return value[0], by_a, by_b


def js(a, b, temperature=1.0):
    """The Jensen-Shannon divergence, and its gradients by ``a`` and ``b``."""
    with mpmath.workdps(DIGITS):
        pair = [_softmax(a, temperature), _softmax(b, temperature)]
        mean = [(x + y) / 2 for x, y in zip(pair[0][0], pair[1][0], strict=True)]
        value, gradients = mpmath.mpf(0), []
        for p, log_p in pair:
            ratio = [x - mpmath.log(m) if w else mpmath.mpf(0) for w, x, m in zip(p, log_p, mean, strict=True)]
            value += _mean(p, ratio) / 2
            gradients.append([g / 2 for g in _covariances(p, ratio, temperature)])
        value, by_a, by_b = _floats(value, *gradients)
        return value[0], by_a, by_b


def entropy(z, temperature=1.0):
    """The entropy and its gradient."""
    with mpmath.workdps(DIGITS):
        p, log_p = _softmax(z, temperature)
        value, gradient = _floats(-_mean(p, log_p), _covariances(p, [-x for x in log_p], temperature))
        return value[0], gradient
