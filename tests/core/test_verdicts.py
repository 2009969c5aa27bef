import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf_repro.core.errors import InputError
from tf_repro.core.verdicts import Declaration, Figure, judge, ulp_distance

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
        ("1", "rounding", np.float32(1.0000001), True),
        ("1", "rounding", np.float32(1.0000004), False),
        ("1", "rounding", np.float64(1.0000001), False),
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


@given(float32, float32)
def test_ulp_distance_is_symmetric_and_counts_neighbours(a, b):
    a, b = np.float32(a), np.float32(b)
    assert ulp_distance(a, b) == ulp_distance(b, a)
    assert (ulp_distance(a, b) == 0) == (a == b)


def test_ulp_distance_across_zero_and_of_nan():
    assert ulp_distance(np.float32(-1e-45), np.float32(1e-45)) == 2
    assert ulp_distance(np.float32(0.0), np.float32(-0.0)) == 0
    assert ulp_distance(np.nan, np.nan) == 0
    assert ulp_distance(np.nan, 1.0) is None


@pytest.mark.parametrize(
    ("declaration", "value", "verdict", "as_declared"),
    [
        (Declaration(), 0.3, "reproduced", True),
        (Declaration(), np.float32(0.3000001), "unexplained", False),
        (Declaration((1, 4), "reason"), np.float32(0.3000001), "drifted", True),
        (Declaration((1, 2), "reason"), np.float32(0.3000001), "unexplained", False),
        (Declaration((1, 4), "reason"), 0.3, "reproduced", False),
        (Declaration((0, 4), "reason"), 0.3, "reproduced", True),
        (Declaration((1, 4), "reason"), np.nan, "unexplained", False),
        (Declaration((1, 4), "reason"), np.float32(np.inf), "unexplained", False),
    ],
)
def test_verdicts_are_strict_both_ways(declaration, value, verdict, as_declared):
    figure = Figure("0.3", "float32 scalar")
    assert judge(figure, declaration, value) == (verdict, as_declared)


def test_declarations_in_words():
    erratum = Declaration(correct=Figure("1", "exact"))
    assert [d.text for d in (Declaration(), Declaration((2, 2), "r"), Declaration((0, 2), "r"), erratum)] == [
        "reproduced",
        "drifted",
        "reproduced or drifted",
        "erratum",
    ]


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
