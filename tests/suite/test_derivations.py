"""The float64 derivations against mpmath at 50 digits, and against differences that need no derivation."""

import mpmath
import numpy as np
import pytest

from tests.tolerances import assert_within_rounding
from tf_repro.suite.derivations import reverse_mode, softmax_backprop, softmax_jacobian, softmax_regression
from tf_repro.suite.numpy_programs import softmax_regression as numpy_program


@pytest.fixture(autouse=True)
def fifty_digits():
    with mpmath.workdps(50):
        yield


def cost(w, x=softmax_backprop.X, y_true=softmax_backprop.Y_TRUE):
    powers = [mpmath.exp(x_i * w_i) for x_i, w_i in zip(x, w, strict=True)]
    y = [power / mpmath.fsum(powers) for power in powers]
    return mpmath.fsum((y_i - t_i) ** 2 for y_i, t_i in zip(y, y_true, strict=True)) / len(x)


def gradient(function, w):
    """By mpmath's differences, in which no rule of differentiation enters."""
    return [
        mpmath.diff(lambda v, i=i: function([v if k == i else w_k for k, w_k in enumerate(w)]), w[i])
        for i in range(len(w))
    ]


def test_softmax_backprop():
    after = softmax_backprop.run(steps=2)["after"]
    w = [mpmath.mpf(0)] * 5
    for _ in range(2):
        w = [w_i - g_i for w_i, g_i in zip(w, gradient(cost, w), strict=True)]
    assert_within_rounding(after["w"], np.array(w, float), terms=16)
    assert_within_rounding(after["cost"], float(cost(w)), terms=16)


@pytest.mark.parametrize("name", reverse_mode.COSTS)
def test_reverse_mode(name):
    def total(w):
        y = [w_i * x_i for w_i, x_i in zip(w, reverse_mode.X, strict=True)]
        if name == "cosine":
            dot = mpmath.fsum(a * b for a, b in zip(y, reverse_mode.TRUTH, strict=True))
            return dot / (mpmath.norm(y) * mpmath.norm(reverse_mode.TRUTH))
        return y[1 if name == "product" else 0] * mpmath.fsum(y)

    computed = reverse_mode.run(cost=name)["before"]["gradient"]
    expected = np.array(gradient(total, [mpmath.mpf(v) for v in reverse_mode.W]), float)
    assert_within_rounding(computed, expected, terms=16)


def test_softmax_jacobian():
    z = [mpmath.mpf(v) for v in softmax_jacobian.LOGITS]

    def component(i):
        return lambda z: mpmath.exp(z[i]) / mpmath.fsum(mpmath.exp(v) for v in z)

    expected = np.array([[float(d) for d in gradient(component(i), z)] for i in range(3)])
    y = softmax_jacobian.softmax(np.array(softmax_jacobian.LOGITS))
    assert_within_rounding(softmax_jacobian.jacobian(y)[:3], expected, terms=4)


def test_three_layer_network_by_complex_step():
    """``Im f(w + ih)/h`` is the derivative to the last bit: nothing cancels."""
    random = np.random.RandomState(0)
    features, labels = random.rand(5, 4), np.eye(3)[[0, 1, 2, 1, 0]]
    weights = {n: v.astype(complex) for n, v in softmax_jacobian.initial_weights(4, hidden=6, classes=3).items()}
    gradients = softmax_jacobian.network(features, labels, {name: value.real for name, value in weights.items()})

    def loss(weights):
        z = (features @ weights["W1"] + weights["b1"]) @ weights["W2"] + weights["b2"]
        return -(labels * (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))).sum(axis=1).mean()

    for name, value in weights.items():
        direction = random.standard_normal(value.shape)
        slope = loss({**weights, name: value + 1e-30j * direction}).imag / 1e-30
        assert_within_rounding(slope, (gradients[f"d{name}"] * direction).sum(), terms=64)


def test_softmax_regression():
    random = np.random.RandomState(0)
    features, labels = random.rand(3, 2), np.eye(2)[[0, 1, 1]]

    def loss(flat):
        w = [flat[:2], flat[2:]]
        total = mpmath.mpf(0)
        for x, p in zip(features, labels, strict=True):
            powers = [mpmath.exp(mpmath.fsum(a * b for a, b in zip(row, x, strict=True))) for row in w]
            total += mpmath.log(powers[int(p.argmax())] / mpmath.fsum(powers))
        return total / 3

    w = [mpmath.mpf(0)] * 4
    for _ in range(2):
        w = [w_i + mpmath.mpf("0.1") * g_i for w_i, g_i in zip(w, gradient(loss, w), strict=True)]
    after = softmax_regression.run(features=features, labels=labels, steps=2)["after"]
    assert_within_rounding(after["w"].ravel(), np.array(w, float), terms=8)


def test_the_worked_sums_are_those_of_mpmath():
    """By hand and by NumPy's functions, which the document's program calls."""
    for found in (softmax_regression.example(), numpy_program.example()):
        for name, exponents in {"softmax": (5, 1, -1), "softmax_of_5_1_-3": (5, 1, -3)}.items():
            powers = [mpmath.exp(exponent) for exponent in exponents]
            expected = np.array([float(power / mpmath.fsum(powers)) for power in powers])
            assert_within_rounding(found[name], expected, terms=8)
        assert_within_rounding(np.float64(found["bits"]), float(mpmath.log(26, 2)), terms=2)
