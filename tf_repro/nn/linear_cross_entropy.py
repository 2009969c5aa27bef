"""A linear layer and the softmax cross-entropy of its outputs in one, with few logits in memory at a time."""

from typing import Any, NamedTuple

import tensorflow as tf

from tf_repro.nn.arguments import checked_bool, checked_chunk_size
from tf_repro.nn.cross_entropy import check_ignore_class, check_label_smoothing, float_tensor, integer_labels
from tf_repro.nn.linear import orders
from tf_repro.nn.linear.checks import check_reduction, check_sample_weight, checked_logits, flat_values
from tf_repro.nn.linear.head import Head


class LinearStatistics(NamedTuple):
    """What the logits of each example would have shown; each a tensor ``[...]`` without gradient.

    With dense labels, the label is their largest entry.
    """

    argmax: tf.Tensor
    """int32, the likeliest class."""
    rank: tf.Tensor
    """int32, how many classes have a larger logit than the label, which is among the top ``k`` if this is below."""
    log_probability: tf.Tensor
    """Of the label, without smoothing or weights."""
    log_sum_exp: tf.Tensor
    """Of the logits."""
    entropy: tf.Tensor
    """Of the probabilities, in nats."""


def linear_softmax_cross_entropy(
    features: Any,
    kernel: Any,
    labels: Any,
    bias: Any = None,
    sample_weight: Any = None,
    reduction: str = "mean",
    ignore_class: int | None = None,
    label_smoothing: float = 0.0,
    chunk_size: int | None = None,
    recompute: bool | None = None,
    *,
    transpose_kernel: bool = False,
    logit_scale: float = 1.0,
    soft_cap: float | None = None,
    class_weight: Any = None,
    z_loss: float = 0.0,
    return_statistics: bool = False,
) -> Any:
    """Cross-entropy of ``softmax(features @ kernel + bias)`` without the logits of all examples in memory.

    The same losses and gradients as `sparse_softmax_cross_entropy_with_logits` (integer labels) or
    `softmax_cross_entropy_with_logits` (dense labels) of the product, ``chunk_size`` examples at a time and, where
    there are many classes, some thousand classes at a time. With ``z`` the logits, ``q`` their softmax, ``p`` the
    labels, smoothed, ``w`` the class weights and ``c`` what each example counts in the result::

        z = soft_cap·tanh(logit_scale·(features @ kernel + bias) / soft_cap)
        loss = -Σ w·p·log q + z_loss·(log Σ exp z)²
        d/dz = c·((Σ w·p + 2·z_loss·log Σ exp z)·q - w·p)

    The entry of the label is made from those of the others, so that nothing cancels where the head is confident.

    There are two ways to have the gradients. In a mean or a sum every ``c`` is known beforehand, so the forward pass
    makes them while it is at a chunk. With ``recompute`` the forward pass makes the losses alone, one matrix product,
    and the backward pass makes the logits again. Either way memory is the gradients, some pieces of logits, and
    nothing that grows with the number of examples but the gradient of the features.

    float16 and bfloat16 are computed and accumulated in float32. Gradients of second order are right by every
    operand, in chunks of examples too; of third order refused. The gradient by dense labels holds all the logits.
    Forward mode is right in eager mode with ``recompute``, and refused without it and in ``tf.function``.

    Args:
        features: float tensor ``[..., width]``, or ragged with the width as its inner dimension.
        kernel: float tensor ``[width, classes]``, its shape known.
        labels: integer class numbers ``[...]``, or float probabilities ``[..., classes]``. An example with a
            class number out of range has loss and gradients NaN.
        bias: float tensor ``[classes]`` or None.
        sample_weight: tensor that broadcasts to ``[...]``, or None. Its gradient is given.
        reduction: ``"mean"`` is ``Σ weight·loss`` over the number of examples that are not ignored, as with
            Keras; ``"sum"``; ``"none"`` gives the weighted losses one by one.
        ignore_class: int or None; the integer label of examples that do not count, even if their features are NaN.
        label_smoothing: float ε in [0, 1]; ``p`` becomes ``(1 - ε)·p + ε / classes``.
        chunk_size: int, examples in memory together; need not divide their number. Chosen from the sizes if None.
        recompute: bool; by default only with ``reduction="none"``, which knows no other way.
        transpose_kernel: bool; True for a kernel ``[classes, width]``, the matrix of an embedding that is tied to
            the head. It is not copied, and its gradient has its shape.
        logit_scale: float above 0, what the products are multiplied by: an inverse temperature.
        soft_cap: float above 0 or None; logits are kept between ``-soft_cap`` and ``soft_cap``.
        class_weight: float tensor ``[classes]``, a constant without gradient, or None. The mean still counts
            examples, not their weights.
        z_loss: float, at least 0; keeps the logits near ``log Σ exp z = 0``.
        return_statistics: bool; True to have `LinearStatistics` with the loss, made in the same pass.

    Returns:
        Scalar, or with ``reduction="none"`` a tensor ``[...]``, in float32, or in float64 if an input is; with
        ``return_statistics`` a pair of it and the statistics.

    Raises:
        TypeError: an input has the wrong dtype.
        ValueError: shapes do not fit, or an option is out of range.

    References:
        Wijmans et al., "Cut your losses in large-vocabulary language models" (2025).
        Chowdhery et al., "PaLM: scaling language modeling with pathways" (2022): the z-loss.
        Gemma Team, "Gemma 2: improving open language models at a practical size" (2024): soft-capping.

    Example:
        >>> features, kernel = tf.ones([4, 2]), tf.zeros([2, 10])
        >>> linear_softmax_cross_entropy(features, kernel, [0, 3, 9, 3], chunk_size=3).numpy().round(6)
        np.float32(2.302585)
        >>> embeddings = tf.constant([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        >>> loss, seen = linear_softmax_cross_entropy(
        ...     embeddings, embeddings, [0, 1, 2], transpose_kernel=True, return_statistics=True
        ... )
        >>> seen.argmax.numpy(), seen.rank.numpy()
        (array([0, 1, 2], dtype=int32), array([0, 0, 0], dtype=int32))
    """
    transpose_kernel = checked_bool(transpose_kernel, "transpose_kernel")
    restore = features.with_flat_values if isinstance(features, tf.RaggedTensor) else None
    features, labels, sample_weight = flat_values(features), flat_values(labels), flat_values(sample_weight)
    features, kernel, labels = float_tensor(features, "features"), float_tensor(kernel, "kernel"), _labels(labels)
    bias = None if bias is None else float_tensor(bias, "bias")
    class_weight = None if class_weight is None else tf.stop_gradient(float_tensor(class_weight, "class_weight"))
    width, classes = _checked_sizes(features, kernel, labels, bias, class_weight, transpose_kernel)
    recompute = _checked_recompute(recompute, reduction)
    head = Head(
        classes,
        *_pieces(checked_chunk_size(chunk_size), width, classes),
        dense=labels.dtype.is_floating,
        transposed=transpose_kernel,
        biased=bias is not None,
        class_weighted=class_weight is not None,
        label_smoothing=check_label_smoothing(label_smoothing),
        **checked_logits(logit_scale, soft_cap, z_loss),
        statistics=checked_bool(return_statistics, "return_statistics"),
    )
    dtype = tf.float64 if tf.float64 in [t.dtype for t in (features, kernel, bias) if t is not None] else tf.float32
    weights = tuple(tf.cast(weight, dtype) for weight in (kernel, bias, class_weight) if weight is not None)
    examples = tf.shape(features)[:-1]
    rows = _rows(head, features, labels, sample_weight, reduction, check_ignore_class(ignore_class), dtype)
    result, statistics = _computed(head, rows, weights, recompute, reduction)

    def shaped(values: tf.Tensor) -> Any:
        values = tf.reshape(values, examples)
        return values if restore is None else restore(values)

    result = shaped(result) if reduction == "none" else result
    return (result, LinearStatistics(*map(shaped, statistics))) if head.statistics else result


def _computed(
    head: Head, rows: Any, weights: Any, recompute: bool, reduction: str
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """The losses, reduced but for ``"none"``, and the statistics."""
    coefficients = rows[2]
    path = orders.labels_path(head, rows, weights) if head.dense else 0.0
    if recompute:
        losses, *statistics = orders.losses_one_by_one(head, rows, weights)
        losses = coefficients * (losses + path)
        result = losses if reduction == "none" else tf.reduce_sum(losses)
    else:
        result, *statistics = orders.weighted_sum(head, rows, weights)
        if head.dense:
            result += tf.reduce_sum(coefficients * path)
    return result, [tf.stop_gradient(values) for values in statistics]


def _rows(
    head: Head, features: Any, labels: Any, sample_weight: Any, reduction: str, ignore_class: int | None, dtype: Any
) -> tuple[tf.Tensor, ...]:
    """What there is for each example: ``(pivot, x, coefficients, [labels])``, an ignored one made harmless."""
    x = tf.reshape(tf.cast(features, dtype), [-1, features.shape[-1]])
    coefficients = tf.ones_like(x[:, 0])
    if sample_weight is not None:
        sample_weight = tf.cast(sample_weight, dtype)
        check_sample_weight(sample_weight, features)
        spread = tf.broadcast_to(sample_weight, tf.shape(features)[:-1])
        coefficients = tf.reshape(spread, tf.shape(x)[:1])
    number = tf.cast(tf.shape(x)[0], dtype)
    if head.dense:
        if ignore_class is not None:
            raise ValueError(f"ignore_class needs integer labels. Received: labels of {labels.dtype.name}")
        labels = tf.reshape(labels, [tf.shape(x)[0], head.classes])
        pivot, dense = tf.argmax(labels, -1, output_type=tf.int32), [labels]
    else:
        labels, dense = tf.reshape(labels, tf.shape(x)[:1]), []
        valid = (labels >= 0) & (labels < head.classes)
        pivot = tf.cast(tf.where(valid, labels, 0), tf.int32)
        one = tf.cast(valid if ignore_class is None else valid | (labels == ignore_class), dtype)
        coefficients *= one / one  # NaN for a label that is no class, without a NaN among the constants
        if ignore_class is not None:
            counts = labels != ignore_class
            x = tf.where(counts[:, tf.newaxis], x, tf.zeros_like(x))
            coefficients = tf.where(counts, coefficients, tf.zeros_like(coefficients))
            number = tf.reduce_sum(tf.cast(counts, dtype))
    if reduction == "mean":
        coefficients = tf.math.divide_no_nan(coefficients, number)
    return pivot, x, coefficients, *dense


def _pieces(chunk_size: int | None, width: int, classes: int) -> tuple[int, int, bool]:
    """How many examples and how many classes at a time, and whether a chunk's logits are kept for the residual."""
    # Few classes are one block. Of many, a block is as large as the chunk of its logits may be, 8 MB in float32, and
    # its logits are made again: a fourth matrix product, for which a chunk can have the examples that make them fast.
    many = classes > 8192
    if chunk_size is None:
        chunk_size = 512 if many else max(256, min(width, 1024), 2**22 // classes)
    return chunk_size, 4096 if many else classes, not many


def _labels(labels: Any) -> tf.Tensor:
    labels = tf.convert_to_tensor(labels)
    if labels.dtype.is_floating:
        return labels
    if not labels.dtype.is_integer:
        raise TypeError(f"labels must be integers or floating point. Received: labels of {labels.dtype.name}")
    return integer_labels(labels)


def _checked_recompute(recompute: bool | None, reduction: str) -> bool:
    check_reduction(reduction)
    if recompute is False and reduction == "none":
        raise ValueError("reduction='none' must recompute. Received: recompute=False")
    return reduction == "none" if recompute is None else checked_bool(recompute, "recompute")


def _checked_sizes(
    features: tf.Tensor, kernel: tf.Tensor, labels: tf.Tensor, bias: Any, class_weight: Any, transposed: bool
) -> tuple[int, int]:
    """Width and classes, once all shapes are known to fit."""
    layout = "[classes, width]" if transposed else "[width, classes]"
    if kernel.shape.rank != 2 or not kernel.shape.is_fully_defined() or 0 in kernel.shape:
        raise ValueError(f"kernel must be {layout}, both known. Received: kernel of {kernel.shape}")
    width, classes = reversed(kernel.shape.as_list()) if transposed else kernel.shape.as_list()
    if features.shape.rank in (None, 0) or not features.shape[-1:].is_compatible_with([width]):
        raise ValueError(
            f"features must be [..., width] for a kernel {layout}. "
            f"Received: features of {features.shape}, kernel of {kernel.shape}"
        )
    for name, vector in (("bias", bias), ("class_weight", class_weight)):
        if vector is not None and not vector.shape.is_compatible_with([classes]):
            raise ValueError(f"{name} must be [classes]. Received: {name} of {vector.shape}, kernel of {kernel.shape}")
    dense = labels.dtype.is_floating
    expected = features.shape[:-1] + ([classes] if dense else [])
    if not labels.shape.is_compatible_with(expected):
        raise ValueError(
            f"{'dense' if dense else 'integer'} labels must have shape {expected}. "
            f"Received: labels of {labels.shape}, features of {features.shape}, kernel of {kernel.shape}"
        )
    return width, classes
