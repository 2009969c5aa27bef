"""What decides the statements on softmax regression and its loss."""

import numpy as np

from tf_repro.core.data import random_samples
from tf_repro.suite.derivations.softmax_regression import EXAMPLE
from tf_repro.suite.statements import agree


def decide(record):
    """The statements of the document that a number decides, from any engine's Record."""
    example, before, loss = record["example"], record["before"], record["trajectory"]["loss"]
    softmax, samples = example["softmax"], len(record["label probability"]["q"])
    features, labels = random_samples()
    summed = (labels - 1 / labels.shape[1]).T @ features  # D = (P - Q)ᵀ X, at w = 0
    factor = np.abs(summed).sum() / np.abs(before["gradient"]).sum()
    as_computed = example["softmax_of_5_1_-3"]
    return {
        "example": {
            "sum": softmax.sum(),
            "each_below_one": bool((softmax < 1).all()),
            "first_is_over_98_percent": bool(softmax[0] > 0.98),
            "first_is_over_98_percent_of_5_1_-3": bool(as_computed[0] > 0.98),
            "shares_are_softmax": agree(example["shares_without_exp"], softmax, roundings=12),
            "shares_are_softmax_with_exp": agree(np.exp(EXAMPLE) / np.exp(EXAMPLE).sum(), softmax, roundings=12),
            "ln_0.6": example["ln"][0],
            "ln_0.8": example["ln"][1],
            "ln_0.9": example["ln"][2],
            "ln_0.9_cut": np.trunc(example["ln"][2] * 100) / 100,
            "likelihood_over_cross_entropy": example["likelihood"] / example["cross_entropy"],
            "likelihood_over_cross_entropy_with_minus": -example["likelihood"] / example["cross_entropy"],
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
