"""What each probe computes, in numbers that carry their rounding bound: forward and gradient, by hand.

A formula takes the probe's inputs and a maker of constants, and gives {output: Rounded}. Two recordings within the
bound of one formula differ by rounding alone: the order of its sums, fused operations, the last digits of its
functions. What lies outside was computed by another formula.
"""

from __future__ import annotations

from tf_repro.atlas.formulas import (
    convolutions,
    look_ups,
    losses,
    metrics,
    normalisation,
    optimizers,
    products,
    recurrent,
    reductions,
    resizing,
    softmaxes,
)
from tf_repro.atlas.formulas.terms import Formula, Outputs

FORMULAS: dict[str, Formula] = {
    **softmaxes.FORMULAS,
    **products.FORMULAS,
    **convolutions.FORMULAS,
    **reductions.FORMULAS,
    **normalisation.FORMULAS,
    **look_ups.FORMULAS,
    **losses.FORMULAS,
    **metrics.FORMULAS,
    **recurrent.FORMULAS,
    **resizing.FORMULAS,
    **optimizers.FORMULAS,
}
"""By probe."""

_EXPONENTIAL = ("exp", "reciprocal", "divide")
_LOGARITHM = ("exp", "log")
_ROOT = ("sqrt", "rsqrt", "divide")

FUNCTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("softmax", "softmax_5", "softmax_wide"), _EXPONENTIAL),
    **dict.fromkeys(("log_softmax", "log_softmax_wide", "reduce_logsumexp"), _LOGARITHM),
    **dict.fromkeys(("softmax_cross_entropy", "sparse_softmax_cross_entropy"), _LOGARITHM),
    "cross_entropy_by_hand": (*_EXPONENTIAL, "log"),
    **dict.fromkeys(("reduce_std", "norm", "l2_normalize", "clip_by_norm", "clip_by_global_norm"), _ROOT),
    **dict.fromkeys(("batch_normalization", "fused_batch_norm_training", "fused_batch_norm_inference"), _ROOT),
    "lrn": (*_ROOT, "pow"),
    "keras_layer_LayerNormalization": _ROOT,
    "keras_layer_SimpleRNN": ("tanh",),
    **dict.fromkeys(("keras_layer_LSTM", "keras_layer_GRU"), ("sigmoid", "tanh")),
    "loss_log_loss": ("log", "divide", "reciprocal"),
    **dict.fromkeys(("train_Adagrad", "train_Adadelta", "train_Adam", "train_RMSProp"), _ROOT),
}
"""The functions in a probe's formula, by the probes that show them alone."""

__all__ = ["FORMULAS", "FUNCTIONS", "Formula", "Outputs"]
