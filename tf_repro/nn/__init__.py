"""Softmax and cross-entropy functions built on ``tf.custom_gradient``; names as in ``tf.nn``."""

from tf_repro.nn.cross_entropy import (
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)
from tf_repro.nn.divergences import entropy_with_logits, js_divergence_with_logits, kl_divergence_with_logits
from tf_repro.nn.linear_cross_entropy import LinearStatistics, linear_softmax_cross_entropy
from tf_repro.nn.linear_divergences import LinearTeacher, linear_js_divergence, linear_kl_divergence
from tf_repro.nn.sharded_linear_cross_entropy import sharded_linear_softmax_cross_entropy
from tf_repro.nn.softmax import log_softmax, softmax

__all__ = [
    "LinearStatistics",
    "LinearTeacher",
    "entropy_with_logits",
    "js_divergence_with_logits",
    "kl_divergence_with_logits",
    "linear_js_divergence",
    "linear_kl_divergence",
    "linear_softmax_cross_entropy",
    "log_softmax",
    "sharded_linear_softmax_cross_entropy",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "sparse_softmax_cross_entropy_with_logits",
]
