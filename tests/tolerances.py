"""The one table of tolerances of all tests, by dtype, and the measures of error that it is held against."""

import math

import numpy as np

# Unit roundoff, and the smallest normal number that survives (half precisions are computed in float32).
UNIT_ROUNDOFF = {"bfloat16": 2.0**-8, "float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}
TINY = {"bfloat16": 2.0**-126, "float16": 2.0**-24, "float32": 2.0**-126, "float64": 2.0**-1022}

# Sixteen roundings: 1e-6 in float32. The half precisions are rounded once, at the end.
TOLERANCE = {dtype: (2 if dtype.endswith("16") else 16) * unit for dtype, unit in UNIT_ROUNDOFF.items()}

# Logits far apart: exp makes a relative error of the rounding of a difference, which is as large as the
# difference, up to where it underflows: 1e-5 in float32.
FAR_APART = {dtype: 2 * unit * -math.log(TINY[dtype]) for dtype, unit in UNIT_ROUNDOFF.items()}

# Losses and gradients of one pass, of two passes, and of a dozen training steps, in float32.
ROUNDED_ONCE = 2 * UNIT_ROUNDOFF["float32"]
ONE_PASS = 8 * UNIT_ROUNDOFF["float32"]
TWO_PASSES = 32 * UNIT_ROUNDOFF["float32"]
FORWARD_MODE = 64 * UNIT_ROUNDOFF["float32"]
TWELVE_STEPS = 256 * UNIT_ROUNDOFF["float32"]

# The same formula in another order of operations, a few times over, relative to the largest value.
FEW_ROUNDINGS = 32 * UNIT_ROUNDOFF["float32"]

# Sums of the same terms in another order, in units in the last place of the largest entry.
SCALED_ULP = 4

# One operation on another machine's kernels, through sums that cancel and twenty steps of an optimizer: enough to tell
# another input or option, which moves a value by a tenth.
OTHER_KERNELS = 1e-3

# Two formulas that differ on purpose part by at least this much: it shows in the printed digits.
VISIBLE = 0.1

# Float64 against central differences, of first and of second order, and against another order of many terms.
CENTRAL_DIFFERENCES = 1e-8
SECOND_DIFFERENCES = 1e-6
MANY_TERMS = 1e-12


def row_error(actual, truth, cotangent=0.0, dtype="float32"):
    """Largest row-wise relative error: max |error| / max |truth| of a row, beyond what underflow takes.

    A probability below the smallest normal number may be zero, which costs a row at most that number times
    the spread of its cotangent, once per entry.
    """
    truth, cotangent = (
        np.asarray(truth),
        np.broadcast_to(np.asarray(cotangent, np.longdouble), np.shape(truth)),
    )
    if truth.size == 0:
        return 0.0
    lost = truth.shape[-1] * TINY[dtype] * np.maximum(np.ptp(cotangent, -1), 1)
    error = np.maximum(np.abs(np.asarray(actual, np.longdouble) - truth).max(-1) - lost, 0)
    largest = np.abs(truth).max(-1)
    return float(np.max(error / np.where(largest > 0, largest, 1)))


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
    bound = terms * 2 * UNIT_ROUNDOFF[np.asarray(value).dtype.name] * scale
    assert error <= bound, f"error {error:.3g} exceeds {terms} roundings at {scale:.3g}, {bound:.3g}"
