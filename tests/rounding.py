"""The one tolerance of these tests: how far rounding may carry a computed value from its float64 truth."""

import numpy as np


def assert_within_rounding(value, truth, terms, scale=None):
    """Assert ``|value - truth| ≤ terms · eps · scale``, eps of the value's dtype.

    Args:
        value: what an engine computed.
        truth: the same in float64.
        terms: how many roundings may add up: about the number of terms in the longest sum.
        scale: the largest intermediate value; by default the largest of the truth, at least 1.
    """
    if scale is None:
        scale = max(1.0, float(np.abs(truth).max()))
    error = float(np.abs(np.asarray(value, "float64") - truth).max())
    bound = terms * float(np.finfo(np.asarray(value).dtype).eps) * scale
    assert error <= bound, f"error {error:.3g} exceeds {terms} roundings at {scale:.3g}, {bound:.3g}"
