"""Cross-entropy in NumPy long double, and in mpmath at 50 digits: the oracles of these tests."""

import mpmath
import numpy as np


def cross_entropy(labels, logits):
    """Losses ``[rows]`` and gradients ``[rows, classes]`` of the sum of the losses, in long double."""
    p, z = np.asarray(labels, np.longdouble), np.asarray(logits, np.longdouble)
    shifted = z - z.max(-1, keepdims=True)
    exponentials = np.exp(shifted)
    partition = exponentials.sum(-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        costs = np.where(p == 0, 0, p * (np.log(partition) - shifted))
    return costs.sum(-1), exponentials / partition * p.sum(-1, keepdims=True) - p


def cross_entropy_to_fifty_digits(p, z):
    """The loss of one row as a float, evaluated in mpmath."""
    with mpmath.workdps(50):
        partition = mpmath.fsum(mpmath.exp(mpmath.mpf(float(value))) for value in z)
        pairs = ((mpmath.mpf(float(a)), mpmath.mpf(float(b))) for a, b in zip(p, z, strict=True))
        terms = (a * (mpmath.log(partition) - b) for a, b in pairs)
        return float(mpmath.fsum(terms))


def one_hot(labels, classes, label_smoothing=0.0):
    """Target probabilities in float64 of integer labels; a label outside the classes has a row of zeros."""
    labels = np.asarray(labels)
    return (labels[..., None] == np.arange(classes)) * (1 - label_smoothing) + label_smoothing / classes


def linear_cross_entropy(features, kernel, bias, targets, weight):
    """Losses, and the gradients of ``Σ weight·loss`` by features, kernel and bias, in float64."""
    x, w = np.asarray(features, np.float64), np.asarray(kernel, np.float64)
    losses, residual = cross_entropy(targets, x @ w + np.asarray(bias, np.float64))
    residual = np.asarray(residual, np.float64) * np.asarray(weight, np.float64)[:, None]
    return np.asarray(losses, np.float64), residual @ w.T, x.T @ residual, residual.sum(0)
