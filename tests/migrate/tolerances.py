"""The one table of tolerances of the migration tests, relative to the largest value, in float32."""

import numpy as np

EPS = float(np.finfo(np.float32).eps)

# The same formula in another order of operations, a few times over.
FEW_ROUNDINGS = 16 * EPS

# Two formulas that differ on purpose part by at least this much: it shows in the printed digits.
VISIBLE = 0.1
