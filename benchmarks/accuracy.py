"""The error of softmax's gradient in each library, over how far the logits lie apart and the upstream's offset."""

import numpy as np

from benchmarks.cases import build, implementations
from tf_repro.suite.derivations.softmax import softmax_and_product


def measure_accuracy(classes, scale, offset):
    """``{"operation", "size", "scale", "offset", "implementations": {name: {"error": float}}}``.

    64 rows of logits scale·N(0, 1) and of upstream gradients offset + N(0, 1), in float32. The error is the largest
    of a row over the row's largest entry, against long double.
    """
    rng = np.random.RandomState(0)
    logits, upstream = (rng.standard_normal((64, classes)) for _ in range(2))
    arrays = {"logits": (scale * logits).astype(np.float32), "upstream": (upstream + offset).astype(np.float32)}
    expected = softmax_and_product(logits=arrays["logits"], upstream=arrays["upstream"])[1]
    largest = np.abs(expected).max(-1)
    entries = {}
    for name in implementations("softmax"):
        found = np.asarray(build("softmax", name, arrays)()[1])
        entries[name] = {"error": float((np.abs(found - expected).max(-1) / largest).max())}
    regime = {"size": [64, classes], "scale": scale, "offset": offset}
    return {"operation": "accuracy", **regime, "implementations": entries}
