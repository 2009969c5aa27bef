"""Softmax's Jacobian and the three-layer network's backward pass, by hand in float64."""

import numpy as np

from tf_repro.core.data import load_digits
from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record
from tf_repro.core.verdicts import Figure
from tf_repro.suite.derivations.softmax_backprop import jacobian, softmax

LOGITS = (0.5, -1.0, 2.0, 0.0, 1.5, -0.5, 3.0, -2.0, 1.0, 0.25)
LARGE = (1000.0, 2000.0, 3000.0, 4000.0, 5000.0)


def naive_softmax(z):
    """``exp z / Σ exp z``, which overflows from about 709 (float64) or 88 (float32) on."""
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.exp(z)
        return powers / powers.sum()


def asked_gradient(value, factor):
    """The asker's double loop, into n × n: ``v_i (1 - f_i)`` where i = j, else ``-v_i f_j``.

    The asker takes the input for ``f`` and writes into a vector, whose entries keep the last column's value alone.
    """
    return np.array(
        [
            [value[i] * (1 - factor[i]) if i == j else -value[i] * factor[j] for j in range(value.size)]
            for i in range(value.size)
        ]
    )


def sentence(value, last_factor):
    """``SM_i (δ_ik - f)`` for every i and k, where the answer's sentence takes ``SM_i`` for ``f``, not ``SM_k``."""
    return value[:, None] * (np.eye(value.size, dtype=value.dtype) - last_factor)


def softmax_and_product(logits, upstream):
    """Softmax along the last axis and its vector-Jacobian product ``y (dy - Σ dy·y)``, in ``np.longdouble``.

    ``dy`` is measured from the likeliest entry's own, which changes nothing but keeps the sum from cancelling.

    Args:
        logits: [..., n].
        upstream: [..., n], the gradient by softmax's output.

    Example:
        >>> softmax_and_product([0.0, 0.0], [1.0, 3.0])[1].astype(float)
        array([-0.5,  0.5])
    """
    z, dy = np.asarray(logits, np.longdouble), np.asarray(upstream, np.longdouble)
    powers = np.exp(z - z.max(-1, keepdims=True))
    y = powers / powers.sum(-1, keepdims=True)
    centred = dy - np.take_along_axis(dy, z.argmax(-1)[..., np.newaxis], -1)
    return y, y * (centred - (y * centred).sum(-1, keepdims=True))


def initial_weights(inputs, hidden=32, classes=10, seed=0):
    """Small random kernels and zero biases of the network, float32, by name.

    Example:
        >>> {name: array.shape for name, array in initial_weights(64).items()}
        {'W1': (64, 32), 'b1': (32,), 'W2': (32, 10), 'b2': (10,)}
    """
    random = np.random.RandomState(seed)
    return {
        "W1": random.normal(0, 0.1, (inputs, hidden)).astype("float32"),
        "b1": np.zeros(hidden, "float32"),
        "W2": random.normal(0, 0.1, (hidden, classes)).astype("float32"),
        "b2": np.zeros(classes, "float32"),
    }


def network(features, labels, weights):
    """Forward and backward pass of input → linear → linear → softmax under the mean cross-entropy.

    ``delta3 = (a2 - labels)/samples`` is the loss's gradient by the output layer's input, ``delta2 = delta3 W2ᵀ`` by
    the hidden layer's; each kernel's gradient is the layer's input transposed times its delta, each bias's the
    delta's sum over the samples.

    Returns:
        ``loss``, ``accuracy``, ``probability`` and the gradients ``delta3``, ``delta2``, ``dW1``, ``db1``, ``dW2``,
        ``db2``.
    """
    z1 = features @ weights["W1"] + weights["b1"]
    z2 = z1 @ weights["W2"] + weights["b2"]
    shifted = z2 - z2.max(axis=1, keepdims=True)
    log_probability = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    delta3 = (np.exp(log_probability) - labels) / len(features)
    delta2 = delta3 @ weights["W2"].T
    return {
        "loss": -(labels * log_probability).sum(axis=1).mean(),
        "accuracy": (z2.argmax(axis=1) == labels.argmax(axis=1)).mean(),
        "probability": np.exp(log_probability),
        "delta3": delta3,
        "delta2": delta2,
        "dW1": features.T @ delta2,
        "db1": delta2.sum(axis=0),
        "dW2": z1.T @ delta3,
        "db2": delta3.sum(axis=0),
    }


def run(*, logits=LOGITS, large=LARGE, features=None, labels=None, weights=None, learning_rate=1.0, steps=40):
    """The document's statements in float64.

    Args:
        logits: float64[n], where the Jacobian is taken.
        large: float64[m], logits that overflow the naive softmax.
        features: float64[samples, inputs]; scikit-learn's digits by default, with their labels.
        labels: float64[samples, classes].
        weights: the network's ``W1``, ``b1``, ``W2`` and ``b2``; :func:`initial_weights` by default.
        learning_rate: the step size of the network's descent.
        steps: how many steps.

    Returns:
        A Record with the moments ``jacobian``, ``overflow``, ``before``, ``after`` (with the trained weights) and
        ``trajectory`` (``loss`` and ``accuracy`` before every step).
    """
    if features is None:
        digits = load_digits()
        features, labels = digits.features, digits.labels
    if weights is None:
        weights = initial_weights(features.shape[1], classes=labels.shape[1])
    logits = as_array("logits", logits, dtype="float64", ndim=1)
    large = as_array("large", large, dtype="float64", ndim=1)
    weights = {name: np.asarray(value, "float64") for name, value in weights.items()}
    y = softmax(logits)
    passes = []
    for _ in range(as_count("steps", steps)):
        passes.append(network(features, labels, weights))
        weights = {name: value - learning_rate * passes[-1][f"d{name}"] for name, value in weights.items()}
    return Record(
        {
            "jacobian": {"logits": logits, "y": y, "jacobian": jacobian(y)},
            "overflow": {"naive": naive_softmax(large), "shifted": softmax(large)},
            "before": passes[0],
            "after": network(features, labels, weights) | weights,
            "trajectory": {name: np.array([each[name] for each in passes]) for name in ("loss", "accuracy")},
        }
    )


def decide(record):
    """The statements of question and answers that a number decides, from any engine's Record."""
    taken, overflow = record["jacobian"], record["overflow"]
    x, y, jac = taken["logits"], taken["y"], taken["jacobian"]

    def is_jacobian(candidate):
        zero = Figure("0", "rounding", terms=4)
        return candidate.shape == jac.shape and zero.is_printed_by(np.abs(candidate - jac).max())

    return {
        "jacobian": {
            "entries": jac.size,
            "asymmetry": np.abs(jac - jac.T).max(),
            "row_sums": jac.sum(axis=1),
            "y_sum": y.sum(),
            "loop_is_jacobian": is_jacobian(asked_gradient(y, y)),
            "one_line_is_jacobian": is_jacobian(jacobian(y)),
            "sentence_is_jacobian": is_jacobian(sentence(y, y[:, None])),
            "sentence_with_k_is_jacobian": is_jacobian(sentence(y, y)),
            "asked_is_jacobian": is_jacobian(asked_gradient(y, x)[:, -1]),
        },
        "overflow": {
            "naive_has_nan": bool(np.isnan(overflow["naive"]).any()),
            "shifted_has_nan": bool(np.isnan(overflow["shifted"]).any()),
        },
        "before": {
            f"{name}_difference": np.abs(gradient - record["before"][name]).max() / np.abs(gradient).max()
            for name, gradient in hand_written(record["before"])
        },
    }


def hand_written(quantities):
    """Name and value of each gradient that a port also computed by hand."""
    return [(key.removeprefix("hand_"), value) for key, value in quantities.items() if key.startswith("hand_")]
