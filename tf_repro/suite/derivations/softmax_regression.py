"""Softmax regression: gradient ascent on ``Σ p ln q / O``, by hand in float64, and the document's small sums."""

import numpy as np

from tf_repro.core.data import random_logits, random_samples, two_class_probabilities
from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record
from tf_repro.core.verdicts import Figure

EXAMPLE = (5.0, 1.0, -1.0)
EXAMPLE_AS_COMPUTED = (5.0, 1.0, -3.0)
STEP = 0.1
REPEAT = 5000


def log_softmax(z):
    """``z - max z - ln Σ exp(z - max z)`` along the last axis."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def ascend(features, labels, weights, step):
    """One step of ascent, ``W + η (P - Q)ᵀ X / O``, and the loss before it.

    Memory is O(samples × classes): the row sums of ``P ln Q`` stand in for the diagonal of ``P ln(Q)ᵀ``.
    """
    log_q = log_softmax(features @ weights.T)
    loss = (labels * log_q).sum() / len(features)
    return weights + step * ((labels - np.exp(log_q)).T @ features) / len(features), loss


def run(*, features=None, labels=None, step=STEP, repeat=REPEAT):
    """The document's training in NumPy.

    Args:
        features: float64[samples, features], the constant 1 included; random by default, with labels.
        labels: float64[samples, classes], each row a distribution.
        step: the step size.
        repeat: how many steps.

    Returns:
        A Record with the moments ``before`` and ``after``, each with ``w`` and ``loss``, and ``trajectory`` with the
        loss of every step.

    Example:
        >>> print(f"{run(repeat=1)['before']['loss']:.6f}")  # from zeros: -ln 20
        -2.995732
    """
    if features is None:
        features, labels = random_samples()
    features = as_array("features", features, dtype="float64", ndim=2)
    labels = as_array("labels", labels, dtype="float64", ndim=2)
    w = np.zeros((labels.shape[1], features.shape[1]))
    losses = []
    for _ in range(as_count("repeat", repeat)):
        w, loss = ascend(features, labels, w, step)
        losses.append(loss)
    before = {"w": np.zeros_like(w), "loss": losses[0], "gradient": ascend(features, labels, np.zeros_like(w), 1.0)[0]}
    after = {"w": w, "loss": ascend(features, labels, w, step)[1]}
    return Record({"before": before, "after": after, "trajectory": {"loss": np.array(losses)}})


def two_class(probabilities=None):
    """First experiment: ``Σ p ln q`` of two classes, label ``[1, 0]``, against ``q1``."""
    probabilities = two_class_probabilities() if probabilities is None else np.asarray(probabilities, "float64")
    return {"q": probabilities[:, 0], "loss": (np.array([1.0, 0.0]) @ np.log(probabilities).T)}


def label_probability(logits=None, labels=None):
    """Second experiment: the label's probability against ``Σ p ln q``, 5000 samples of 20 classes."""
    if logits is None:
        logits, labels = random_logits()
    log_q = log_softmax(np.asarray(logits, "float64"))[np.arange(len(logits)), labels]
    return {"q": np.exp(log_q), "loss": log_q}


def example():
    """The document's worked sums: softmax of three numbers, bits of 26 letters, three logarithms."""
    q, p = np.array([0.2, 0.6, 0.2]), np.array([0.0, 1.0, 0.0])
    exponents = np.array(EXAMPLE)
    return {
        "softmax": np.exp(log_softmax(exponents)),
        "softmax_of_5_1_-3": np.exp(log_softmax(np.array(EXAMPLE_AS_COMPUTED))),
        "shares_without_exp": exponents / exponents.sum(),
        "bits": np.log2(26.0),
        "ln": np.log([0.6, 0.8, 0.9]),
        "likelihood": (p * np.log(q)).sum(),
        "cross_entropy": (p * np.log(1 / q)).sum(),
    }


def decide(record):
    """The statements of the document that a number decides, from any engine's Record."""
    example, before, loss = record["example"], record["before"], record["trajectory"]["loss"]
    softmax, samples = example["softmax"], len(record["label probability"]["q"])
    features, labels = random_samples()
    summed = (labels - 1 / labels.shape[1]).T @ features  # D = (P - Q)ᵀ X, at w = 0
    factor = np.abs(summed).sum() / np.abs(before["gradient"]).sum()
    zero = Figure("0", "rounding", terms=3)
    as_computed = example["softmax_of_5_1_-3"]
    return {
        "example": {
            "sum": softmax.sum(),
            "each_below_one": bool((softmax < 1).all()),
            "first_is_over_98_percent": bool(softmax[0] > 0.98),
            "first_is_over_98_percent_of_5_1_-3": bool(as_computed[0] > 0.98),
            "shares_are_softmax": zero.is_printed_by(np.abs(example["shares_without_exp"] - softmax).max()),
            "shares_with_exp_are_softmax": zero.is_printed_by(
                np.abs(np.exp(EXAMPLE) / np.exp(EXAMPLE).sum() - softmax).max()
            ),
            "ln_0.6": example["ln"][0],
            "ln_0.8": example["ln"][1],
            "ln_0.9": example["ln"][2],
            "ln_0.9_cut": np.trunc(example["ln"][2] * 100) / 100,
            "likelihood_over_cross_entropy": example["likelihood"] / example["cross_entropy"],
            "likelihood_over_minus_cross_entropy": -example["likelihood"] / example["cross_entropy"],
        },
        "before": {
            "gradient_difference": np.abs(before["gradient"] * len(features) - summed).max() / np.abs(summed).max(),
            "summed_over_mean": factor,
            "summed_over_mean_times_samples": factor / len(features),
        },
        "trajectory": {
            "below_zero": bool((loss < 0).all()),
            "rises": bool((np.diff(loss) > 0).all()),
            "first_1000_do_most": bool(len(loss) > 1000 and loss[1000] - loss[0] > (loss[-1] - loss[0]) / 2),
        },
        "two classes": _approaches_zero_from_below(record["two classes"]),
        "label probability": {"samples": samples, **_approaches_zero_from_below(record["label probability"])},
    }


def _approaches_zero_from_below(experiment):
    order = np.argsort(experiment["q"])
    loss = experiment["loss"][order]
    return {"below_zero": bool((loss <= 0).all()), "rises_with_q": bool((np.diff(loss) >= 0).all())}
