"""What decides the statements on softmax regression and its loss."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tf_repro.core.data import random_samples
from tf_repro.core.rounding import exactly
from tf_repro.suite.derivations import softmax_regression as derivation
from tf_repro.suite.derivations.softmax import softmax as shifted_softmax
from tf_repro.suite.derivations.softmax_regression import EXAMPLE, STEP
from tf_repro.suite.numpy_programs import softmax_regression as numpy_program


def decide(record: Any) -> dict[str, dict[str, Any]]:
    """The statements of the document that a number decides, from any engine's Record."""
    example, before, loss = record["example"], record["before"], record["trajectory"]["loss"]
    softmax, samples = example["softmax"], len(record["label probability"]["q"])
    features, labels = random_samples()
    summed = (labels - 1 / labels.shape[1]).T @ features  # D = (P - Q)ᵀ X, at w = 0
    factor = np.abs(summed).sum() / np.abs(before["gradient"]).sum()
    return {
        "derivation": derivation_lines(np.asarray),
        "modelling": modelling(np.asarray)
        | {
            "works_on_arrays": _multiplies(as_matrices=False),
            "works_on_arrays_of_matrices": _multiplies(as_matrices=True),
        },
        "variants": variants(),
        "after": trained(before, record["after"]),
        "example": {
            "sum": softmax.sum(),
            "each_below_one": bool((softmax < 1).all()),
            "whole_percent": np.floor(100 * softmax[0]),
            "whole_percent_of_5_1_-3": np.floor(100 * example["softmax_of_5_1_-3"][0]),
            **shares(np.asarray(EXAMPLE), softmax),
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


def bounds(precision: str) -> dict[str, dict[str, Any]]:
    """How far any evaluation may be off; see :class:`tf_repro.core.rounding.Rounded`."""
    number = exactly(precision)
    return {
        "derivation": derivation_lines(number),
        "modelling": modelling(number),
        "example": shares(number(EXAMPLE), shifted_softmax(number(EXAMPLE))),
    }


def shares(x: Any, softmax: Any) -> dict[str, Any]:
    """The largest difference of the derivation's shares, without the exponentials and with them, from softmax."""
    return {
        "shares_minus_softmax": abs(x / x.sum() - softmax).max(),
        "shares_minus_softmax_with_exp": abs(np.exp(x) / np.exp(x).sum() - softmax).max(),
    }


def _approaches_zero_from_below(experiment: Any) -> Any:
    order = np.argsort(experiment["q"])
    loss = experiment["loss"][order]
    return {"below_zero": bool((loss <= 0).all()), "rises_with_q": bool((np.diff(loss) >= 0).all())}


def derivation_lines(number: Any, logits: Any = (0.3, -0.2, 0.9), label: int = 1) -> dict[str, Any]:
    """The tutorial's second and fourth line of ``∂L/∂g_i``, taken literally: how far they are from ``p_i - q_i``."""
    powers, eye = np.exp(number(logits)), np.eye(len(logits))
    q, p = powers / powers.sum(), eye[label]
    total = eye * q - q[:, None] * q  # ∂q_k/∂g_i
    lines = {
        "second_line_minus_gradient": (p / q).sum() * total.sum(axis=0),
        "second_line_minus_gradient_without_inner_sum": (p / q) @ total,
        "fourth_line_minus_gradient": (p / q) @ (eye * q - eye * (q * q)),  # (g_k)' is 1 where k = i alone
        "fourth_line_minus_gradient_with_g_i": (p / q) @ (eye * q - q[:, None] * q),
    }
    return {name: abs(line - (p - q)).max() for name, line in lines.items()}


def modelling(number: Any) -> dict[str, Any]:
    """The share's formula with its sum over features j instead of classes i; logistic regression; matrices."""
    x, w = number([1.0, 0.5, 2.0]), number([[0.1, -0.4, 0.3], [0.2, 0.1, -0.2]])
    powers = np.exp(w @ x)
    over_features = powers / np.exp(w * x).sum(axis=1)
    over_classes = powers / powers.sum()
    z = w @ x
    sigmoid = 1 / (1 + np.exp(z[1] - z[0]))
    features, labels = random_samples(samples=20, features=3, classes=4)
    rows = np.exp(number(features) @ number(np.random.RandomState(0).randn(4, 4)).T)
    diagonal = (number(labels) @ np.log(rows).T)[np.arange(20), np.arange(20)]
    return {
        "shares_sum": over_features.sum(),
        "shares_sum_over_classes": over_classes.sum(),
        "two_classes_minus_logistic": abs(over_classes[0] - sigmoid),
        "matrix_form_minus_rows": abs(rows / (rows @ np.ones((4, 1))) - rows / rows.sum(axis=1, keepdims=True)).max(),
        "diagonal_minus_sum": abs(diagonal - (labels * np.log(rows)).sum(axis=1)).max(),
    }


def _multiplies(as_matrices: bool) -> Any:
    """Whether ``P * ln(Q)ᵀ``, as the class writes the product, gives samples × samples."""
    p, log_q = np.ones((20, 4)), np.zeros((20, 4))
    with numpy_program.matrices():
        if as_matrices:
            p, log_q = numpy_program.matrix(p), numpy_program.matrix(log_q)
        try:
            return (p * log_q.T).shape == (len(p), len(p))
        except ValueError:
            return False


@cache
def variants(steps: int = 200) -> Any:
    """Trainings that the tutorial mentions or leaves open: the other sign, other ranges of features, other data."""
    features, labels = random_samples()
    up, down = (numpy_program.run(steps=steps, flag=flag) for flag in (1, -1))
    pixels = features.copy()
    pixels[:, 1:] *= 255
    to_5, to_10 = features.copy(), features.copy()
    to_5[:, 1:] *= 5
    to_10[:, 1:] *= 10
    scaled = numpy_program.run(features=features, labels=labels, steps=3)
    return {
        "other_sign_is_the_same_training": bool((up["after"]["w"] == down["after"]["w"]).all()),
        "finite_losses_on_pixels": _finite(numpy_program.run(features=pixels, labels=labels, steps=3)),
        "finite_losses_on_pixels_scaled": _finite(scaled),
        "first_1000_do_most_of_features_to_5": _most_in_the_first_1000(derivation.run(features=to_5, labels=labels)),
        "rises_of_features_to_10": _rises(numpy_program.run(features=to_10, labels=labels, steps=20)),
        "rises_of_features_to_10_with_a_tenth_of_the_step": _rises(
            numpy_program.run(features=to_10, labels=labels, steps=20, step=STEP / 10)
        ),
    }


@cache
def loss_on_separable_data(steps: int = 500) -> Any:
    """The loss after a training on two samples whose classes a line separates."""
    features, labels = np.array([[1.0, -1.0], [1.0, 1.0]]), np.eye(2)
    return numpy_program.run(features=features, labels=labels, steps=steps)["after"]["loss"]


def _finite(record: Any) -> Any:
    """How many of the losses are numbers."""
    return np.count_nonzero(np.isfinite(record["trajectory"]["loss"]))


def _rises(record: Any) -> Any:
    """How many of the losses are above the one before."""
    return np.count_nonzero(np.diff(record["trajectory"]["loss"]) > 0)


def _most_in_the_first_1000(record: Any) -> Any:
    loss = record["trajectory"]["loss"]
    return bool(loss[1000] - loss[0] > (loss[-1] - loss[0]) / 2)


def trained(before: Any, after: Any) -> Any:
    """What training leaves of ``p - q`` term by term, and of their mean; and the gradient where w is not 0."""
    features, labels = random_samples()
    error, mean = _error(features, labels, after["w"])
    first_error, first_mean = _error(features, labels, before["w"])
    number = exactly(str(after["gradient"].dtype))
    gradient = _error(number(features), number(labels), number(after["w"]))[1]
    return {
        "loss_on_separable_data": loss_on_separable_data(),
        "terms_left": np.abs(error).mean() / np.abs(first_error).mean(),
        "terms_left_in_the_mean": np.abs(mean).mean() / np.abs(first_mean).mean(),
        "gradient_is_the_mean_of_p_minus_q_times_x": bool(gradient.contains(after["gradient"]).all()),
    }


def _error(features: Any, labels: Any, weights: Any) -> Any:
    """``p - q``, and the mean of ``(p - q) x`` over the samples."""
    error = labels - shifted_softmax(features @ weights.T)
    return error, error.T @ features / len(features)
