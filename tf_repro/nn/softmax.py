"""Softmax with a gradient rule of its own."""

import tensorflow as tf


def softmax(logits, axis=-1, numerics="tf1"):
    """Probabilities ``exp(z - max z) / Σ exp(z - max z)`` along ``axis``.

    The gradient is ``(dy - Σ dy·y)·y``. With ``numerics="tf1"`` forward and gradient round as TensorFlow 1.4
    and earlier did: the sum of ``dy·y`` is rounded to the tensor's dtype once.
    """
    if numerics != "tf1":
        raise ValueError(f"numerics must be 'tf1'. Received: numerics={numerics!r}")

    @tf.custom_gradient
    def rounded_as_tf1(z):
        shifted = tf.exp(z - tf.reduce_max(z, axis, keepdims=True))
        y = shifted / tf.reduce_sum(shifted, axis, keepdims=True)

        def grad(dy):
            product = tf.cast(dy, tf.float64) * tf.cast(y, tf.float64)
            total = tf.cast(tf.reduce_sum(product, axis, keepdims=True), z.dtype)
            return (dy - total) * y

        return y, grad

    return rounded_as_tf1(tf.convert_to_tensor(logits))
