"""The distance of two arrays: where it is largest, in ULP and relatively."""

import numpy as np
import pytest

from tf_repro.core.errors import InputError
from tf_repro.core.verdicts import difference


def test_equal_arrays_have_none():
    assert difference(np.float32([0.0, -1.0, np.inf]), np.float32([-0.0, -1.0, np.inf])) is None


def test_worst_element_is_the_one_with_most_ulp():
    expected = np.float32([[1.0, 2.0], [3.0, 1e-30]])
    received = expected.copy()
    received[0, 1] = np.nextafter(expected[0, 1], np.float32(9))
    received[1, 1] = 1.001e-30
    worst = difference(expected, received)
    assert worst.index == (1, 1)
    assert (worst.count, worst.size) == (2, 4)
    assert worst.relative == pytest.approx(1e-3, rel=1e-3)
    assert worst.scaled == 1


def test_worst_element_is_the_one_at_the_largest_distance_where_terms_cancel():
    expected = np.float32([[1.0, 2.0], [3.0, 1e-30]])
    received = expected + np.float32([[0, 0], [2**-20, 1e-30]])
    worst = difference(expected, received, scaled=True)
    assert worst.index == (1, 0)
    assert (worst.ulp, worst.scaled) == (4, 4.0)
    assert difference(expected, received).index == (1, 1)


@pytest.mark.parametrize(("a", "b", "ulp"), [(-1e-45, 1e-45, 2), (0.0, 1e-45, 1), (1.0, 1.0000001, 1)])
def test_steps_are_counted_across_zero(a, b, ulp):
    assert difference(np.float32(a), np.float32(b)).ulp == ulp


def test_float64_is_counted_in_its_own_steps():
    assert difference(np.float64(1), np.nextafter(np.float64(1), 2)).ulp == 1


def test_whole_numbers_and_truth_values_are_compared():
    assert difference(np.int64([3, 4]), np.int64([3, 5])).index == (1,)
    assert difference(np.bool_([True]), np.bool_([False])).count == 1


def test_infinity_is_far_from_a_number():
    worst = difference(np.float32([np.inf, 1]), np.float32([1, 1]))
    assert worst.index == (0,)
    assert worst.ulp == 1073741824
    assert worst.scaled == np.inf


def test_nan_breaks_the_rule():
    with pytest.raises(InputError, match=r"must not hold a nan\. Received: nan and 1\.0 at index \[0\]"):
        difference(np.float32([np.nan]), np.float32([1]))
