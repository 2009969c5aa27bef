"""The one table of tolerances of the component tests: relative to the largest entry, by dtype."""

import math

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

# Float64 against central differences, of first and of second order, and against another order of many terms.
CENTRAL_DIFFERENCES = 1e-8
SECOND_DIFFERENCES = 1e-6
MANY_TERMS = 1e-12
