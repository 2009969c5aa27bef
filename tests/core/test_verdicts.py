import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf_repro.core.errors import InputError
from tf_repro.core.ulp import distance
from tf_repro.core.verdicts import Bound, Declaration, Figure, find, judge

float32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("printed", "rule", "value", "prints"),
    [
        ("0.2", "float32 array", np.float32(0.2), True),
        ("0.2", "float32 array", np.float64(0.2000000001), True),
        ("0.", "float32 array", np.float32(4e-9), True),
        ("0.", "float32 array", np.float32(-4e-9), True),
        ("0.", "float32 array", np.float32(-7.152558e-08), False),
        ("25.040003", "float32 scalar", np.float32(25.040003), True),
        ("25.040003", "float32 scalar", np.float32(25.04), False),
        ("0.9817", "decimals", 0.98165, True),
        ("0.9817", "decimals", 0.98164, False),
        ("-0.10", "decimals", np.log(0.9), False),
        ("5", "decimals", 4.7, True),
        ("4", "decimals", np.nan, False),
        ("24", "exact", np.float32(24), True),
        ("24", "exact", np.float32(24.000002), False),
        ("nan", "exact", np.nan, True),
        ("true", "statement", np.bool_(True), True),
        ("true", "statement", False, False),
    ],
)
def test_printing_rules(printed, rule, value, prints):
    figure = Figure(printed, rule)
    assert figure.is_printed_by(value) is prints
    assert (figure.ulp(value) == 0) is prints


@pytest.mark.parametrize("value", [np.float32(-0.16000001), np.float32(8.916067), np.float32(0.01402173)])
def test_array_rule_is_numpys_own_printing(value):
    printed = np.array2string(np.array([value]), precision=8).strip("[] ")
    assert Figure(printed, "float32 array").is_printed_by(value)


@given(float32)
def test_a_float32_prints_as_itself_and_its_neighbour_does_not(value):
    value = np.float32(value)
    figure = Figure(np.format_float_positional(value, trim="-"), "float32 scalar")
    assert figure.is_printed_by(value) or value == 0
    if abs(value) < np.finfo(np.float32).max:
        assert figure.ulp(np.nextafter(value, np.float32(np.inf))) == 1


NEAR = Bound(0.30000002, 3e-7)


@pytest.mark.parametrize(
    ("declaration", "value", "verdict", "as_declared"),
    [
        (Declaration(), 0.3, "reproduced", True),
        (Declaration(), np.float32(0.3000001), "unexplained", False),
        (Declaration(3, reason="reason"), np.float32(0.3000001), "drifted", True),
        (Declaration(2, reason="reason"), np.float32(0.3000001), "unexplained", False),
        (Declaration(4, reason="reason"), np.float32(0.3000001), "unexplained", False),
        (Declaration(3, reason="reason"), 0.3, "reproduced", False),
        (Declaration(may_drift=True), 0.3, "reproduced", True),
        (Declaration(may_drift=True), np.float32(0.3000001), "drifted", True),
        (Declaration(may_drift=True), np.float32(0.3000004), "unexplained", False),
        (Declaration(may_drift=True), np.nan, "unexplained", False),
        (Declaration(may_drift=True), np.float32(np.inf), "unexplained", False),
    ],
)
def test_verdicts_are_strict_both_ways(declaration, value, verdict, as_declared):
    figure = Figure("0.3", "float32 scalar")
    assert judge(figure, declaration, value, bound=NEAR) == (verdict, as_declared)


def test_nothing_drifts_without_a_bound_or_from_a_figure_that_is_outside_it():
    drifted, value = Declaration(may_drift=True), np.float32(0.3000001)
    assert judge(Figure("0.3", "float32 scalar"), drifted, value) == ("unexplained", False)
    far = Figure("0.300001", "float32 scalar")
    assert judge(far, drifted, value, bound=NEAR) == ("unexplained", False)


@pytest.mark.parametrize(
    ("value", "bound", "verdict"),
    [
        (1 + 1e-7, Bound(1.0, 2e-7), "reproduced"),
        (1 + 3e-7, Bound(1.0, 2e-7), "unexplained"),
        (1.0, Bound(1.1, 2e-7), "unexplained"),
        (1.0, None, "unexplained"),
        (np.nan, Bound(1.0, 2e-7), "unexplained"),
    ],
)
def test_a_stated_number_is_reproduced_within_the_bound_alone(value, bound, verdict):
    assert judge(Figure("1", "rounding"), Declaration(), value, bound=bound)[0] == verdict


def test_the_mistake_of_an_erratum_has_a_bound_of_its_own():
    figure, declared = Figure("1", "rounding"), Declaration(correct=Figure("-1", "rounding"))
    bounds = {"bound": Bound(-1.0, 1e-6), "mistaken_bound": Bound(1.0, 1e-6)}
    assert judge(figure, declared, -1.0, 1.0, **bounds) == ("erratum", True)
    assert judge(figure, declared, -1.0, 1.1, **bounds) == ("unexplained", False)
    assert judge(figure, declared, -1.1, 1.0, **bounds) == ("unexplained", False)
    assert judge(figure, declared, -1.0, None, **bounds) == ("unexplained", False)


def test_declarations_in_words():
    erratum = Declaration(correct=Figure("1", "exact"))
    declarations = (Declaration(), Declaration(2, reason="r"), Declaration(may_drift=True), erratum)
    assert [d.text for d in declarations] == ["reproduced", "drifted", "reproduced or drifted", "erratum"]
    assert [d.is_strict for d in declarations] == [True, True, False, True]


@pytest.mark.parametrize(
    ("printed", "rule", "message"),
    [
        ("0.2x", "decimals", "a figure must be a number. Received: '0.2x'"),
        ("", "exact", "a figure must be a number. Received: ''"),
        ("maybe", "statement", "a statement is 'true' or 'false'. Received: 'maybe'"),
        ("1", "digits", "rule must be one of .* Received: 'digits'"),
    ],
)
def test_bad_figures(printed, rule, message):
    with pytest.raises(InputError, match=message):
        Figure(printed, rule)


def test_a_figure_is_within_a_bound_up_to_half_its_last_digit():
    assert Figure("0.3", "decimals").is_within(Bound(0.34, 0.0))
    assert not Figure("0.3", "decimals").is_within(Bound(0.36, 0.0))


def test_an_infinite_bound_explains_nothing():
    unbounded = Bound(1.0, float("inf"))
    assert not unbounded.holds(2.0)
    assert not Figure("2", "rounding").is_printed_by(1.0, unbounded)
    assert not Figure("2", "decimals").is_within(unbounded)


def test_a_figure_that_an_array_cut_after_eight_digits_is_half_a_digit_wide():
    assert Figure("0.12345678", "float32 array").is_within(Bound(0.1234567849, 1e-12))
    assert not Figure("0.12345678", "float32 array").is_within(Bound(0.1234567851, 1e-12))
    assert not Figure("0.5", "float32 array").is_within(Bound(0.5000000001, 1e-12)), "a short figure is exact"


def test_a_finding_is_named_by_document_claim_and_place():
    names = {"document": "d", "claim": "c", "moment": "m", "engine": "eager"}
    assert find(Figure("1", "exact"), Declaration(), 1.0, index=None, **names).name == "d/c"
    assert find(Figure("1", "exact"), Declaration(), 1.0, index=0, **names).name == "d/c[0]"


@pytest.mark.parametrize(("value", "nearest"), [(0.7, 0.75), (0.86, 0.85)])
def test_ulp_are_counted_to_the_nearest_number_that_prints_as_the_figure(value, nearest):
    assert Figure("0.8", "decimals").ulp(value) == distance(np.float64(value), np.float64(nearest))
