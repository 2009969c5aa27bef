"""Softmax cross-entropy of logits, its gradient ``q·Σp - p`` whatever the labels ``p``, in every mode."""

import numbers
from typing import Any

import tensorflow as tf

from tf_repro.nn.cross_entropy_rows import dense_losses, sparse_losses
from tf_repro.nn.rows import class_count, classes_last, float_tensor, integer_labels

__all__ = [
    "check_ignore_class",
    "check_label_smoothing",
    "float_tensor",
    "integer_labels",
    "softmax_cross_entropy_with_logits",
    "sparse_softmax_cross_entropy_with_logits",
]


def softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, axis: int = -1, label_smoothing: float = 0.0
) -> tf.Tensor:
    """Cross-entropy ``-Σ p log q`` of the probabilities ``q = softmax(logits)`` for the labels ``p``.

    With ``z = logits - max(logits)`` it is ``Σp · log Σ exp z - Σ p·z``, and its gradients are::

        d/dlogits = q·Σp - p        (q - p where the labels sum to 1)
        d/dlabels = -log q

    Both hold whatever the labels sum to, and under ``tf.config.experimental.enable_op_determinism()``. A
    label of 0 costs nothing even where its logit is ``-inf``. A NaN or ``+inf`` logit, or a row of nothing
    but ``-inf``, makes the loss of its row NaN.

    Args:
        labels: shape of ``logits``, any real dtype; usually probabilities along ``axis``.
        logits: float tensor ``[..., classes, ...]``. float16 and bfloat16 are computed in float32.
        axis: int, the axis of the classes. If it is not the last, the rank of ``logits`` must be known.
        label_smoothing: float ε in [0, 1]; ``p`` becomes ``(1 - ε)·p + ε / classes``.

    Returns:
        Losses in the dtype of ``logits``, in its shape without ``axis``.

    Raises:
        TypeError: the logits are not floating point.
        ValueError: shapes differ, there are no classes, or ``axis`` or ``label_smoothing`` is out of range.

    References:
        Bridle, "Probabilistic interpretation of feedforward classification network outputs" (1990).
        Szegedy et al., "Rethinking the Inception architecture for computer vision" (2016): label smoothing.

    Example:
        >>> logits = tf.constant([[0.0, 30.0, 0.0]])
        >>> softmax_cross_entropy_with_logits([[1.0, 0.0, 0.0]], logits).numpy()
        array([30.], dtype=float32)
    """
    logits = float_tensor(logits, "logits")
    label_smoothing = check_label_smoothing(label_smoothing)
    z = classes_last(logits, axis)
    classes = class_count(z)
    p = tf.cast(labels, z.dtype) if tf.is_tensor(labels) else tf.convert_to_tensor(labels, z.dtype)
    if not p.shape.is_compatible_with(logits.shape):
        raise ValueError(
            f"labels must have the shape of logits. Received: labels of {p.shape}, logits of {logits.shape}"
        )
    p = classes_last(p, axis)
    if label_smoothing:
        p = p * (1 - label_smoothing) + tf.cast(label_smoothing / tf.cast(classes, tf.float64), z.dtype)
    rows = tf.reshape(z, [-1, classes])
    losses = dense_losses(tf.reshape(p, tf.shape(rows)), rows)
    return _restore(losses, z, logits.dtype)


def sparse_softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, axis: int = -1, ignore_class: int | None = None, label_smoothing: float = 0.0
) -> tf.Tensor:
    """Cross-entropy ``-log softmax(logits)[label]`` for labels given as class numbers.

    Equal to `softmax_cross_entropy_with_logits` of one-hot labels, which it never builds; the gradient is
    ``q - p``.

    A label outside ``[0, classes)`` makes the loss and the gradient of its row NaN: alike in eager mode,
    in ``tf.function`` and under XLA, where no error can be raised. An example whose label is
    ``ignore_class`` has loss 0 and gradient 0, even if its logits are NaN; give
    ``ignore_class=-1`` where -1 marks padding.

    Args:
        labels: integer tensor, the shape of ``logits`` without ``axis``.
        logits: float tensor ``[..., classes, ...]``. float16 and bfloat16 are computed in float32.
        axis: int, the axis of the classes. If it is not the last, the rank of ``logits`` must be known.
        ignore_class: int or None; the label, in range or not, of the examples that do not count.
        label_smoothing: float ε in [0, 1]; the target is ``ε / classes``, and ``1 - ε`` more at the label.

    Returns:
        Losses in the dtype of ``logits``, in the shape of ``labels``.

    Raises:
        TypeError: the logits are not floating point, or the labels or ``ignore_class`` not integers.
        ValueError: shapes differ, there are no classes, or ``axis`` or ``label_smoothing`` is out of range.

    References:
        Szegedy et al., "Rethinking the Inception architecture for computer vision" (2016): label smoothing.

    Example:
        >>> logits = tf.constant([[0.0, 0.0], [3.0, 4.0]])
        >>> sparse_softmax_cross_entropy_with_logits([1, -1], logits, ignore_class=-1).numpy()
        array([0.6931472, 0.       ], dtype=float32)
    """
    logits = float_tensor(logits, "logits")
    label_smoothing = check_label_smoothing(label_smoothing)
    z = classes_last(logits, axis)
    classes = class_count(z)
    labels = integer_labels(labels)
    if not labels.shape.is_compatible_with(z.shape[:-1]):
        raise ValueError(
            "labels must have the shape of logits without the axis of the classes. "
            f"Received: labels of {labels.shape}, logits of {logits.shape}, axis={axis}"
        )
    rows = tf.reshape(z, [-1, classes])
    losses = sparse_losses(
        tf.reshape(labels, tf.shape(rows)[:1]), rows, check_ignore_class(ignore_class), label_smoothing
    )
    return _restore(losses, z, logits.dtype)


def check_ignore_class(ignore_class: Any) -> int | None:
    """``ignore_class`` as an int or None."""
    if ignore_class is None:
        return None
    if hasattr(ignore_class, "__index__") and not isinstance(ignore_class, bool):
        return int(ignore_class.__index__())
    raise TypeError(f"ignore_class must be an integer or None. Received: ignore_class={ignore_class!r}")


def check_label_smoothing(label_smoothing: Any) -> float:
    """``label_smoothing`` as a float."""
    if not isinstance(label_smoothing, numbers.Real) or not 0 <= float(label_smoothing) <= 1:
        raise ValueError(f"label_smoothing must be in [0, 1]. Received: label_smoothing={label_smoothing!r}")
    return float(label_smoothing)


def _restore(losses: tf.Tensor, z: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    losses = tf.reshape(losses, tf.shape(z)[:-1])
    losses.set_shape(z.shape[:-1])
    return tf.cast(losses, dtype)
