"""No evaluation leaves its bound, the bounds are not much wider than they must be, and planted faults in them show."""

import itertools

import mpmath
import numpy as np
import pytest

from tests.tolerances import FEW_ROUNDINGS, MANY_TERMS
from tf_repro.core import rounding
from tf_repro.core.errors import InputError
from tf_repro.core.rounding import ACCURACY, Rounded, exactly

RNG = np.random.default_rng(0)
UNIT = 2.0**-24

TIGHT = 40
"""How much wider than the worst evaluation found a bound may be: roundings seldom all add up."""


def fma(a, b, c):
    """``a·b + c`` rounded once; exact in float64 but for its own rounding, which is far below float32's."""
    return np.float32(a.astype("float64") * b + c)


def orders(terms):
    """Sums of float32 terms in many orders: forward, backward, by size, by lanes, pairwise and at random."""
    by_size = np.argsort(abs(terms))
    permutations = [np.arange(terms.size), np.arange(terms.size)[::-1], by_size, by_size[::-1]]
    permutations += [RNG.permutation(terms.size) for _ in range(20)]
    for permutation in permutations:
        yield np.add.accumulate(terms[permutation])[-1]
    for lanes in (4, 8, 16):
        yield np.add.accumulate([np.add.accumulate(terms[lane::lanes])[-1] for lane in range(lanes)])[-1]
    yield terms.sum()


def evaluated(draws=50):
    """Rounded results beside float32 evaluations of them, by name."""
    for _ in range(draws):
        a, b, c = (RNG.standard_normal(33).astype("float32") for _ in range(3))
        ra, rb, rc = map(Rounded, (a, b, c))
        yield "add", ra + rb, a + b
        yield "subtract", ra - rb, a - b
        yield "multiply", ra * rb, a * b
        yield "divide", ra / rb, a / b
        yield "divide by a reciprocal", ra / rb, a * (np.float32(1) / b)
        yield "fused", ra * rb + rc, fma(a, b, c)
        yield "not fused", ra * rb + rc, a * b + c
        yield "exp", np.exp(ra), np.exp(a)
        yield "exp of a sum", np.exp(ra + rb), np.exp(a + b)
        yield "log", np.log(np.exp(ra)), np.log(np.exp(a))
        yield "sqrt", np.sqrt(abs(ra)), np.sqrt(abs(a))
        yield "square", ra**2, np.power(a, np.float32(2))
        for total in orders(a * b):
            yield "sum of products", (ra * rb).sum(), total
            yield "inner product", ra @ rb, total
        yield "mean", ra.mean(), a.mean()
        shifted = np.exp(a - a.max())
        for total in orders(shifted):
            yield "softmax", ra.softmax(), shifted / total
            yield "softmax by a reciprocal", ra.softmax(), shifted * (np.float32(1) / total)
            yield "gradient of softmax", _gradient(ra.softmax(), rb), _gradient(shifted / total, b)


def softmax(z):
    return np.exp(z) / np.exp(z).sum()


def _gradient(y, dy):
    return (dy - (dy * y).sum()) * y


def test_no_evaluation_leaves_its_bound_and_no_bound_is_idle():
    worst = {}
    for name, bound, computed in evaluated():
        off = abs(computed.astype("float64") - bound.value)
        assert (off <= bound.error).all(), name
        with np.errstate(invalid="ignore"):
            ratio = np.nanmax(np.where(bound.error > 0, off / bound.error, np.nan))
        worst[name] = max(worst.get(name, 0), ratio)
    idle = {name: ratio for name, ratio in worst.items() if ratio < 1 / TIGHT}
    assert not idle


@pytest.mark.parametrize(
    "fault",
    [
        ("_rounded", lambda self, value, carried, times=1.0: Rounded(value, carried, self.precision)),
        ("_summed", lambda self, value, carried, largest, terms: Rounded(value, carried, self.precision)),
        ("__mul__", lambda self, other: self._rounded(self.value * self._lifted(other).value, 0 * self.value)),
        ("softmax", lambda self: Rounded(softmax(self.value), UNIT * softmax(self.value))),
    ],
    ids=["no rounding", "no additions", "no propagation", "softmax without its sum"],
)
def test_a_bound_that_forgets_something_is_found(fault, monkeypatch):
    monkeypatch.setattr(Rounded, *fault)
    with pytest.raises(AssertionError):
        test_no_evaluation_leaves_its_bound_and_no_bound_is_idle()


def test_errors_of_what_is_given_are_carried():
    """At the corners of the operands' errors, where an evaluation without rounding is furthest off."""
    a, b = Rounded([2.0, -3.0], 0.25), Rounded([1.5, 4.0], 0.125)
    formulas = {
        "sum": lambda x, y: x + y,
        "product": lambda x, y: x * y,
        "quotient": lambda x, y: x / y,
        "exponential": lambda x, y: np.exp(x),
        "logarithm": lambda x, y: np.log(y),
        "root": lambda x, y: np.sqrt(y),
        "maximum": lambda x, y: x.max(),
        "softmax": lambda x, y: x.softmax() if isinstance(x, Rounded) else softmax(x),
    }
    for name, formula in formulas.items():
        bound = formula(a, b)
        corners = itertools.product(*[(-0.25, 0.25)] * 2, *[(-0.125, 0.125)] * 2)
        off = [abs(formula(a.value + c[:2], b.value + c[2:]) - bound.value) for c in map(np.array, corners)]
        assert (np.max(off, axis=0) <= bound.error).all(), name
        assert (np.max(off, axis=0) >= 0.9 * bound.error).all(), name


def test_division_by_what_may_be_zero_and_logarithms_of_it_have_no_bound():
    assert np.isinf((1 / Rounded(0.5, 0.5)).error)
    assert np.isinf(np.log(Rounded(0.5, 0.5)).error)


def test_numbers_below_the_normal_ones_may_be_flushed_to_zero():
    assert (Rounded(1e-30) * Rounded(1e-9)).contains(0.0)
    assert not (Rounded(1e-30) * Rounded(1e-7)).contains(0.0)


def test_an_exact_zero_stays_exact():
    assert (Rounded([1.0, 2.0]) - Rounded([1.0, 1.0])).error[0] == 0
    assert (Rounded(0.0) * Rounded(3.0, 1e-3)).error == 0


def test_constants_are_off_by_their_own_rounding():
    assert abs(float(np.float32(0.1)) - 0.1) == exactly("float32")(0.1).error
    assert exactly("float64")(0.1).error == 0


def test_float64_is_bounded_in_a_wider_format():
    a, b = RNG.standard_normal((2, 50))
    bound = (exactly("float64")(a) * b).sum()
    assert bound.contains((a * b).sum())
    assert float(bound.error) < 50 * 2.0**-52 * abs(a * b).sum()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Rounded(1.0, precision="float8"), "precision must be one of float32, float64. Received: 'float8'"),
        (lambda: Rounded(1.0) ** 3, "the exponent must be 2. Received: 3"),
    ],
)
def test_what_has_no_bound_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_tensorflows_own_functions_have_the_declared_accuracy(engine):
    """Of whatever kernels this machine and its switches choose; oracle: NumPy in float64."""
    import tensorflow as tf

    exponents = np.linspace(-80, 80, 200_001, dtype="float32")
    positive = np.exp(np.linspace(-80, 80, 200_002)).astype("float32")  # without 1, whose logarithm is 0
    functions = {
        "exp": (tf.exp, np.exp, exponents),
        "log": (tf.math.log, np.log, positive),
        "sqrt": (tf.sqrt, np.sqrt, positive),
        "divide": (tf.math.reciprocal, np.reciprocal, positive[positive < rounding.LARGEST_DIVISOR]),
    }
    for name, (function, truth, x) in functions.items():
        compiled = tf.function(function, jit_compile=engine == "xla", autograph=False)
        expected = truth(x.astype("float64"))
        apart = abs(compiled(tf.constant(x)).numpy() - expected) / abs(expected)
        assert apart.max() <= ACCURACY[name] * UNIT, name


def test_the_precisions_are_numpys():
    for name, precision in rounding.PRECISIONS.items():
        assert precision.unit == np.finfo(name).eps / 2
        assert precision.tiny == np.finfo(name).tiny
        assert precision.largest == np.finfo(name).max


def _absorbed(n):
    """1 and n - 1 times u: added one by one to 1, each is a tie and rounds to even, to nothing."""
    return np.float32([1, *[UNIT] * (n - 1)])


@pytest.mark.parametrize("n", [2, 3, 8, 100])
def test_the_bound_of_a_sum_is_attained(n):
    terms = _absorbed(n)
    computed, bound = np.add.accumulate(terms)[-1], Rounded(terms).sum()
    assert bound.contains(computed)
    assert abs(computed - bound.value) > 0.999 * bound.error


@pytest.mark.parametrize("n", [2, 3, 8, 100])
def test_the_bound_of_an_inner_product_is_attained(n):
    factor = np.float32(1 + 2.0**-12)  # its square is a tie that rounds down by u
    a, b = np.float32([factor, *[UNIT] * (n - 1)]), np.float32([factor, *[1] * (n - 1)])
    computed, bound = np.add.accumulate(a * b)[-1], Rounded(a) @ Rounded(b)
    assert bound.contains(computed)
    assert abs(computed - bound.value) > 0.999 * bound.error


def test_one_addition_forgotten_is_found(monkeypatch):
    summed = Rounded._summed
    monkeypatch.setattr(Rounded, "_summed", lambda self, *parts: summed(self, *parts[:3], parts[3] - 1))
    with pytest.raises(AssertionError):
        test_the_bound_of_a_sum_is_attained(100)
    with pytest.raises(AssertionError):
        test_the_bound_of_an_inner_product_is_attained(100)


def test_softmax_of_logits_whose_errors_differ():
    """The maximum's error moves every entry's shift, and with it the shift's rounding."""
    z, error = np.array([0.0, -5.0, -1.0]), np.array([2.0**20, 0.0, 0.0]) * UNIT
    bound = Rounded(z, error).softmax()
    for sign in (-1, 1):
        off = abs(softmax(z + sign * error) - bound.value)
        assert (off <= bound.error).all()
        assert off.max() > 0.9 * bound.error.max()


def test_given_numbers_below_the_normal_ones_may_be_flushed_to_zero():
    number = exactly("float32")
    assert (number(1e-39) * 1e30).contains(0.0)
    assert not (number(1e-37) * 1e30).contains(0.0)


def test_an_exponential_that_underflows_may_be_clipped():
    """Eigen clips the exponent at -88.376, whose exponential is not zero."""
    clipped = np.exp(-88.376)
    assert np.exp(Rounded(-1000.0)).contains(clipped)
    assert Rounded([0.0, -1000.0]).softmax()[1].contains(clipped)


def test_what_may_overflow_has_no_bound():
    assert np.isinf(np.exp(Rounded(100.0)).error)
    assert np.isinf((Rounded(2e38) + Rounded(2e38)).error)
    assert np.isinf(Rounded([2e38, 2e38]).sum().error)
    assert np.isinf((1 / Rounded(1e-39)).error)
    assert np.isfinite(np.exp(Rounded(88.0)).error)


@pytest.mark.parametrize("signs", list(itertools.product((1, -1), repeat=2)))
def test_a_product_of_matrices_carries_the_errors_of_both(signs):
    a, b = Rounded([[3.0, 4.0]], 0.5), Rounded([[1.0], [2.0]], 0.25)
    off = (a.value + signs[0] * 0.5) @ (b.value + signs[1] * 0.25)
    assert (a @ b).contains(off).all()
    assert (a @ b).error.item() == pytest.approx(0.25 * 7 + 0.5 * 3 + 2 * 0.125, rel=FEW_ROUNDINGS)


def test_softmax_allows_for_the_exponentials_own_error():
    """exp(-3) too large and exp(0) too small by 4 u, the shift off by 3 u, one rounding of the quotient."""
    likely, unlikely = 1 - 4 * UNIT, np.exp(-3.0) * (1 + 7 * UNIT)
    assert Rounded([0.0, -3.0]).softmax().contains([likely, unlikely] / (likely + unlikely)).all()


def test_a_sum_that_may_overflow_has_no_bound():
    half = rounding.PRECISIONS["float32"].largest / 2
    assert np.isinf(exactly("float32")([half, half]).sum().error)
    assert np.isfinite(exactly("float32")([half, half / 2]).sum().error)


def test_the_bound_of_softmax_is_its_formula():
    """Of two entries with errors of their own, in mpmath: what the docstring says, and the roundings of the result."""
    z, e = (0, 1), (mpmath.mpf(1) / 2, mpmath.mpf(1) / 4)
    with mpmath.workdps(40):
        unit, tiny = mpmath.mpf(2) ** -24 + 8 * mpmath.mpf(2) ** -52, mpmath.mpf(2) ** -126

        def gamma(n):
            return n * unit / (1 - n * unit)

        off = [e[i] + gamma(1) * (1 - z[i] + e[i] + max(e)) - mpmath.log(1 - gamma(4)) for i in (0, 1)]
        powers = [mpmath.exp(z[i]) for i in (0, 1)]
        expected = []
        for i, other in ((0, 1), (1, 0)):
            y = powers[i] / sum(powers)
            up, down = powers[i] * mpmath.exp(off[i]), powers[i] * mpmath.exp(-off[i])
            most = up / (up + powers[other] * mpmath.exp(-off[other]))
            least = down / (down + powers[other] * mpmath.exp(off[other]))
            carried = max(most - y, y - least) + 6 * tiny
            expected.append(float(carried + gamma(6) * (y + carried) + tiny))
    found = Rounded(np.array(z), np.array(e, float), "float32").softmax()
    np.testing.assert_allclose(found.error, expected, rtol=MANY_TERMS)
