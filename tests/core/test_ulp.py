"""Distances in ULP: exhaustive for the 16-bit formats, against exact rational arithmetic for the others."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from tf_repro.core import ulp
from tf_repro.core.errors import InputError

ml_dtypes = pytest.importorskip("ml_dtypes", reason="bfloat16 comes with TensorFlow")

SIXTEEN_BITS = [np.float16, ml_dtypes.bfloat16]
INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
FORMATS = {np.float32: (23, -126), np.float64: (52, -1022)}  # bits of fraction, smallest exponent: IEEE 754


def in_order(dtype):
    """Every number of a 16-bit format from -infinity to infinity, by value, with one zero."""
    numbers = np.arange(2**16, dtype=np.uint16).view(dtype)
    with np.errstate(invalid="ignore"):  # signalling nan
        values = numbers.astype(np.float64)
    return np.unique(values[~np.isnan(values)]).astype(dtype)


def ordinal(value, fraction_bits, smallest):
    """A number's place in its format by exact rational arithmetic: no bit pattern is looked at."""
    exact = abs(Fraction(float(value)))
    if exact == 0:
        return 0
    exponent = max(math.frexp(float(value))[1] - 1, smallest)
    steps = exact / Fraction(2) ** (exponent - fraction_bits)
    assert steps.denominator == 1
    place = int(steps) + (exponent - smallest) * 2**fraction_bits
    return -place if value < 0 else place


@pytest.mark.parametrize("dtype", SIXTEEN_BITS)
def test_each_number_of_a_16_bit_format_is_one_step_from_the_next(dtype):
    numbers = in_order(dtype)
    assert numbers.size > 60_000
    np.testing.assert_array_equal(ulp.distances(numbers[1:], numbers[:-1]), 1)
    np.testing.assert_array_equal(ulp.distances(numbers, numbers[0]), np.arange(numbers.size))


@pytest.mark.parametrize("dtype", SIXTEEN_BITS)
def test_spacing_of_each_number_of_a_16_bit_format_is_the_way_to_the_next(dtype):
    numbers = in_order(dtype)
    numbers = numbers[numbers.astype(np.float64) >= 0]
    finite = np.isfinite(numbers[1:].astype(np.float64))
    steps = np.diff(numbers.astype(np.float64))
    np.testing.assert_array_equal(ulp.spacing(numbers[:-1])[finite], steps[finite])
    np.testing.assert_array_equal(ulp.spacing(-numbers[:-1]), ulp.spacing(numbers[:-1]))
    assert np.isnan(ulp.spacing(numbers[-1]))


@pytest.mark.parametrize("dtype", FORMATS)
@given(data=st.data())
def test_distance_is_that_of_exact_rational_arithmetic(dtype, data):
    numbers = nps.from_dtype(np.dtype(dtype), allow_nan=False, allow_infinity=False)
    a, b = dtype(data.draw(numbers)), dtype(data.draw(numbers))
    expected = abs(ordinal(a, *FORMATS[dtype]) - ordinal(b, *FORMATS[dtype]))
    assert ulp.distance(a, b) == ulp.distance(b, a) == expected
    assert ulp.distances(np.array([a]), np.array([b])).tolist() == [expected]


@pytest.mark.parametrize("dtype", FORMATS)
@given(data=st.data())
def test_spacing_is_numpys(dtype, data):
    value = dtype(data.draw(nps.from_dtype(np.dtype(dtype))))
    with np.errstate(invalid="ignore", over="ignore"):
        expected = np.abs(np.spacing(value))
    expected = (
        expected if abs(value) != np.finfo(dtype).max else 2.0 ** (np.finfo(dtype).maxexp - 1) * np.finfo(dtype).eps
    )
    np.testing.assert_equal(ulp.spacing(value), float(expected))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, *SIXTEEN_BITS])
def test_distance_spans_the_whole_format(dtype):
    infinity = dtype(np.inf)
    bits = 8 * np.dtype(dtype).itemsize
    steps_to_infinity = int(infinity.view(f"u{bits // 8}"))
    assert ulp.distance(-infinity, infinity) == 2 * steps_to_infinity < 2**bits
    assert ulp.distance(infinity, infinity) == 0


@pytest.mark.parametrize("dtype", INTEGERS)
def test_distance_of_integers_is_exact_at_both_ends(dtype):
    lowest, highest = np.iinfo(dtype).min, np.iinfo(dtype).max
    assert ulp.distance(dtype(lowest), dtype(highest)) == highest - lowest
    assert ulp.distance(dtype(highest - 1), dtype(highest)) == 1


@given(a=st.integers(-(2**63), 2**63 - 1), b=st.integers(-(2**63), 2**63 - 1))
def test_distance_of_int64_is_the_difference(a, b):
    assert ulp.distance(np.int64(a), np.int64(b)) == abs(a - b)


def test_neighbours_beyond_float64s_whole_numbers_are_told_apart():
    a, b = np.int64(2**53), np.int64(2**53 + 1)
    assert ulp.distance(a, b) == 1
    assert ulp.difference(a, b).ulp == 1
    assert str(2**53 + 1) in str(ulp.difference(a, b))


def test_truth_values_are_0_and_1():
    assert ulp.distances(np.bool_([True, False]), np.bool_([True, True])).tolist() == [0, 1]
    assert str(ulp.difference(np.bool_(True), np.bool_(False))) == "scalar expected True, received False: 1 apart"


def test_float64_200_steps_away_is_200_steps_away():
    far = np.float64(1)
    for _ in range(200):
        far = np.nextafter(far, 2)
    assert ulp.distance(np.float64(1), far) == 200
    assert ulp.difference(np.float64([1]), np.array([far])).ulp == 200


def test_zeros_are_one_number_and_different_bits():
    zero, minus = np.float32([0.0]), np.float32([-0.0])
    assert ulp.distances(zero, minus).tolist() == [0]
    assert not ulp.same_bits(zero, minus)
    found = ulp.difference(zero, minus)
    assert (found.ulp, found.count, found.scaled) == (0, 1, 0.0)
    assert "zeros of different sign" in str(found)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, *SIXTEEN_BITS])
def test_nan_agrees_with_nan_alone(dtype):
    a = np.array([np.nan, np.nan, 1], dtype)
    b = np.array([np.nan, 1, np.nan], dtype)
    assert ulp.distances(a, b).tolist() == [0, ulp.UNORDERED, ulp.UNORDERED]
    assert [ulp.distance(*pair) for pair in zip(a, b, strict=True)] == [0, None, None]
    found = ulp.difference(a, b)
    assert (found.index, found.ulp, found.count, found.nan_agreements) == ((1,), None, 2, 1)
    assert "not a number on one side" in str(found)


def test_nan_on_one_side_is_the_worst_difference():
    expected, received = np.float32([0.0, 1.0, np.inf]), np.float32([3e38, np.nan, -np.inf])
    assert ulp.difference(expected, received).index == (1,)
    assert ulp.difference(np.float32([1, 2]), np.float32([4, np.nan]), scaled=True).index == (1,)


def test_nan_of_other_bits_agrees_but_is_not_the_same_bits():
    a, b = np.uint32([0x7FC00000]).view(np.float32), np.uint32([0xFFC00001]).view(np.float32)
    assert ulp.difference(a, b) is None
    assert not ulp.same_bits(a, b)
    assert ulp.same_bits(a, a)


def test_the_farthest_integers_are_not_taken_for_nan():
    assert ulp.distance(np.int64(-(2**63)), np.int64(2**63 - 1)) == 2**64 - 1


@pytest.mark.parametrize("other", [np.int64([1]), np.float64([1]), np.float32([[1]]), np.float32([1, 1])])
def test_bits_of_other_dtypes_and_shapes_are_never_the_same(other):
    assert not ulp.same_bits(np.float32([1]), other)
    assert not ulp.same_bits(np.int32([1]), other)
    assert ulp.same_bits(other, other.copy())


@pytest.mark.parametrize("compare", [ulp.distance, ulp.distances, ulp.difference])
def test_other_dtypes_are_refused(compare):
    with pytest.raises(InputError, match=r"must be of one dtype\. Received: int32 and int64"):
        compare(np.int32(1), np.int64(1))
    with pytest.raises(InputError, match=r"an integer type or bool\. Received: complex64"):
        compare(np.complex64(1), np.complex64(1))


def test_other_shapes_are_refused():
    with pytest.raises(InputError, match=r"of one shape\. Received: \(2,\) and \(1,\)"):
        ulp.difference(np.float32([1, 2]), np.float32([1]))


def test_byte_order_is_no_difference():
    assert ulp.distance(np.array(1.5, ">f4"), np.array(1.5, "<f4")) == 0


@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_, ml_dtypes.bfloat16])
def test_equal_arrays_have_no_difference(shape, dtype):
    array = np.ones(shape, dtype)
    assert ulp.difference(array, array.copy()) is None
    assert ulp.same_bits(array, array.copy())


def test_worst_element_is_the_one_with_most_ulp():
    expected = np.float32([[1.0, 2.0], [3.0, 1e-30]])
    received = expected.copy()
    received[0, 1] = np.nextafter(expected[0, 1], np.float32(9))
    received[1, 1] = 1.001e-30
    worst = ulp.difference(expected, received)
    assert worst.index == (1, 1)
    assert (worst.count, worst.size) == (2, 4)
    apart = float(received[1, 1]) - float(expected[1, 1])  # exact: the two are close
    assert worst.relative == apart / float(expected[1, 1])
    assert worst.scaled == 1


def test_worst_element_is_the_one_at_the_largest_distance_where_terms_cancel():
    expected = np.float32([[1.0, 2.0], [3.0, 1e-30]])
    received = expected + np.float32([[0, 0], [2**-20, 1e-30]])
    worst = ulp.difference(expected, received, scaled=True)
    assert worst.index == (1, 0)
    assert (worst.ulp, worst.scaled) == (4, 4.0)
    assert ulp.difference(expected, received).index == (1, 1)


def test_infinity_is_far_from_a_number():
    worst = ulp.difference(np.float32([np.inf, 1]), np.float32([1, 1]))
    assert (worst.index, worst.scaled, worst.relative) == ((0,), math.inf, math.inf)
    assert worst.ulp == 1073741824
    assert "infinitely far apart" in str(worst)


@pytest.mark.parametrize(("a", "b"), [(0.0, -7.152558e-08), (1e-7, -1e-7), (1e-7, 0.0)])
def test_near_zero_the_text_counts_in_the_largest_elements_ulp(a, b):
    found = ulp.difference(np.float32([a, 0.8]), np.float32([b, 0.8]))
    assert found.ulp > 8e8
    assert str(found.ulp) not in str(found)
    assert f"{found.scaled:.2g} ULP of the largest element" in str(found)
    assert 1 < found.scaled < 4


def test_expected_zeros_are_measured_by_what_was_received():
    found = ulp.difference(np.float32([0, 0]), np.float32([1, 2]))
    assert found.scaled == 2**23


def test_text_names_both_sides():
    text = ulp.difference(np.float32([[1, 2]]), np.float32([[1, 2.5]])).text("TF1 program", "port")
    assert text.startswith("[0, 1] TF1 program 2, port 2.5: 2.1e+06 ULP of the largest element, relative error 0.25")
    assert text.endswith("1 of 2 elements differ")
    few = str(ulp.difference(np.float32([100, 1]), np.float32([100, 1 + 2**-20])))
    assert "8 ULP (0.12 of the largest element's)" in few


def test_the_largest_numbers_of_both_signs_are_a_number_of_steps_apart():
    largest = np.finfo(np.float64).max
    apart = ulp.difference(np.float64([largest]), np.float64([-largest]))
    assert apart.scaled == 2.0**54 - 2
