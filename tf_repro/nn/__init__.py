"""Softmax and cross-entropy functions built on ``tf.custom_gradient``; names as in ``tf.nn``."""

from tf_repro.nn.softmax import log_softmax, softmax

__all__ = ["log_softmax", "softmax"]
