"""The network of two linear layers that two documents share, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_repro.suite.derivations.softmax import softmax


def network(features: Any, labels: Any, weights: Any) -> Any:
    """Forward and backward pass of input → linear → linear → softmax under the mean cross-entropy.

    ``delta3 = (a2 - labels)/samples`` is the loss's gradient by the output layer's input, ``delta2 = delta3 W2ᵀ`` by
    the hidden layer's; each kernel's gradient is the layer's input transposed times its delta, each bias's the
    delta's sum over the samples.

    Returns:
        ``loss``, ``output`` (before softmax), ``probability`` and the gradients ``delta3``, ``delta2``, ``dW1``,
        ``db1``, ``dW2``, ``db2``.
    """
    z1 = features @ weights["W1"] + weights["b1"]
    z2 = z1 @ weights["W2"] + weights["b2"]
    probability = softmax(z2)
    delta3 = (probability - labels) / len(features)
    delta2 = delta3 @ weights["W2"].T
    return {
        "loss": cross_entropy(z2, labels) / len(features),
        "output": z2,
        "probability": probability,
        "delta3": delta3,
        "delta2": delta2,
        "dW1": features.T @ delta2,
        "db1": delta2.sum(axis=0),
        "dW2": z1.T @ delta3,
        "db2": delta3.sum(axis=0),
    }


def cross_entropy(logits: Any, labels: Any) -> Any:
    """``Σ p (ln Σ exp z - z)`` over all rows, each shifted by its maximum."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return (labels * (np.log(np.exp(shifted).sum(axis=1, keepdims=True)) - shifted)).sum()
