"""The question's softmax and the first answer's double loop, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_repro.core.inputs import Array, as_array
from tf_repro.suite.derivations.softmax import naive_softmax
from tf_repro.suite.derivations.softmax_jacobian import LARGE, LOGITS


def at_logits(logits: Any = LOGITS) -> dict[str, Array]:
    """Softmax and its Jacobian, entry by entry.

    Args:
        logits: float64[n].
    """
    z = as_array("logits", logits, dtype="float64", ndim=1)
    y = naive_softmax(z)
    jacobian = np.empty((z.size, z.size))
    for i in range(z.size):
        for k in range(z.size):
            jacobian[i, k] = y[i] * (1 - y[k]) if i == k else -y[i] * y[k]
    return {"logits": z, "y": y, "jacobian": jacobian}


def overflow(large: Any = LARGE) -> dict[str, Array]:
    """The question's softmax, and the second answer's, which subtracts the maximum.

    Args:
        large: float64[m].
    """
    z = as_array("large", large, dtype="float64", ndim=1)
    return {"naive": naive_softmax(z), "shifted": naive_softmax(z - z.max())}
