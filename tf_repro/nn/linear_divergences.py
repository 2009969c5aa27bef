"""Divergences between a linear head and a teacher for distillation, with few logits in memory at a time."""

from typing import Any, NamedTuple

import tensorflow as tf

from tf_repro.nn.arguments import checked_bool, checked_chunk_size, checked_real
from tf_repro.nn.divergences import DIRECTIONS
from tf_repro.nn.linear import distillation
from tf_repro.nn.linear.checks import check_reduction, check_sample_weight, flat_values
from tf_repro.nn.linear.distillation import Distillation


class LinearTeacher(NamedTuple):
    """A teacher by its hidden states, whose logits ``features @ kernel + bias`` are made a few at a time as well."""

    features: Any
    """float ``[..., width]``; the width need not be the student's."""
    kernel: Any
    """float ``[width, classes]``."""
    bias: Any = None
    """float ``[classes]`` or None."""
    transpose_kernel: bool = False
    """True for a kernel ``[classes, width]``."""


def linear_kl_divergence(
    features: Any,
    kernel: Any,
    teacher: Any,
    bias: Any = None,
    sample_weight: Any = None,
    reduction: str = "mean",
    chunk_size: int | None = None,
    *,
    transpose_kernel: bool = False,
    temperature: float = 1.0,
    direction: str = "forward",
) -> tf.Tensor:
    """`kl_divergence_with_logits` of ``features @ kernel + bias`` from a teacher, without the logits of all examples.

    The logits of ``chunk_size`` examples are made, by the student and where it is a `LinearTeacher` by the teacher,
    and with them the divergences and gradients, before those of the next. With ``reduction="none"`` the backward pass
    makes them again. Memory is the gradients and one chunk.

    float16 and bfloat16 are computed and accumulated in float32. The teacher has no gradient. Gradients of second
    order and forward mode are refused.

    Args:
        features: float tensor ``[..., width]``, or ragged with the width as its inner dimension.
        kernel: float tensor ``[width, classes]``, its shape known.
        teacher: float logits ``[..., classes]``, ragged if the features are, or a `LinearTeacher`.
        bias: float tensor ``[classes]`` or None.
        sample_weight: tensor that broadcasts to ``[...]``, or None. Its gradient is given.
        reduction: ``"mean"`` is ``Σ weight·divergence`` over the number of examples; ``"sum"``; ``"none"``.
        chunk_size: int, examples in memory together; need not divide their number. Chosen from the sizes if None.
        transpose_kernel: bool; True for a kernel ``[classes, width]``, the matrix of a tied embedding.
        temperature: float above 0, which the logits of both are divided by.
        direction: ``"forward"`` for KL(teacher‖student), ``"reverse"`` for KL(student‖teacher).

    Returns:
        Scalar, or with ``reduction="none"`` a tensor ``[...]``, in float32, or in float64 if a student's input is.

    Raises:
        TypeError: an input is not floating-point.
        ValueError: shapes do not fit, or an option is out of range.

    References:
        Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network" (2015).
        Gu et al., "MiniLLM: knowledge distillation of large language models" (2024): the reverse direction.

    Example:
        >>> features, kernel = tf.ones([4, 2]), tf.zeros([2, 3])
        >>> teacher = LinearTeacher(tf.ones([4, 1]), tf.constant([[0.0, 0.0, 1.0]]))
        >>> linear_kl_divergence(features, kernel, teacher, chunk_size=3).numpy().round(6)
        np.float32(0.123284)
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction must be one of {DIRECTIONS}. Received: direction={direction!r}")
    return _divergence(
        direction, features, kernel, teacher, bias, sample_weight, reduction, chunk_size, transpose_kernel, temperature
    )


def linear_js_divergence(
    features: Any,
    kernel: Any,
    teacher: Any,
    bias: Any = None,
    sample_weight: Any = None,
    reduction: str = "mean",
    chunk_size: int | None = None,
    *,
    transpose_kernel: bool = False,
    temperature: float = 1.0,
) -> tf.Tensor:
    """`js_divergence_with_logits` of ``features @ kernel + bias`` and a teacher, without the logits of all examples.

    Everything else is as in `linear_kl_divergence`.

    Args:
        features: float tensor ``[..., width]``, or ragged with the width as its inner dimension.
        kernel: float tensor ``[width, classes]``, its shape known.
        teacher: float logits ``[..., classes]``, ragged if the features are, or a `LinearTeacher`.
        bias: float tensor ``[classes]`` or None.
        sample_weight: tensor that broadcasts to ``[...]``, or None. Its gradient is given.
        reduction: ``"mean"`` is ``Σ weight·divergence`` over the number of examples; ``"sum"``; ``"none"``.
        chunk_size: int, examples in memory together; need not divide their number. Chosen from the sizes if None.
        transpose_kernel: bool; True for a kernel ``[classes, width]``, the matrix of a tied embedding.
        temperature: float above 0, which the logits of both are divided by.

    Returns:
        Scalar, or with ``reduction="none"`` a tensor ``[...]``, in float32, or in float64 if a student's input is.

    Raises:
        TypeError: an input is not floating-point.
        ValueError: shapes do not fit, or an option is out of range.

    References:
        Agarwal et al., "On-policy distillation of language models" (2024).

    Example:
        >>> features, kernel = tf.ones([4, 2]), tf.zeros([2, 3])
        >>> linear_js_divergence(features, kernel, tf.constant([[0.0, 0.0, 1.0]] * 4)).numpy().round(6)
        np.float32(0.030028)
    """
    return _divergence(
        "js", features, kernel, teacher, bias, sample_weight, reduction, chunk_size, transpose_kernel, temperature
    )


def _divergence(
    divergence: str,
    features: Any,
    kernel: Any,
    teacher: Any,
    bias: Any,
    sample_weight: Any,
    reduction: str,
    chunk_size: Any,
    transpose_kernel: Any,
    temperature: Any,
) -> tf.Tensor:
    check_reduction(reduction)
    ragged = features if isinstance(features, tf.RaggedTensor) else None
    features, sample_weight = flat_values(features), flat_values(sample_weight)
    student, classes = _checked_head("", features, kernel, bias, checked_bool(transpose_kernel, "transpose_kernel"))
    dtype = tf.float64 if tf.float64 in [tensor.dtype for tensor in student] else tf.float32
    teacher, constant = _checked_teacher(teacher, student[0], classes)
    chunk_size = checked_chunk_size(chunk_size)
    spec = Distillation(
        classes,
        # A chunk has a dozen buffers of its logits' size, and reads the whole kernel: 16 MB each in float32 where
        # there are many classes, and enough examples to make a matrix product of.
        max(64, min(1024, 2**22 // classes)) if chunk_size is None else chunk_size,
        divergence,
        checked_real(temperature, "temperature", "a number above 0", 0.0, exclusive=True),
        transposed=transpose_kernel,
        biased=bias is not None,
        teacher_is_linear=bool(constant),
        teacher_transposed=isinstance(teacher, LinearTeacher) and teacher.transpose_kernel,
    )
    given = teacher.features if isinstance(teacher, LinearTeacher) else teacher
    examples, (x, *trained) = tf.shape(student[0])[:-1], [tf.cast(tensor, dtype) for tensor in student]
    x, target = (tf.reshape(t, [-1, t.shape[-1]]) for t in (x, tf.cast(given, dtype)))
    coefficients = _coefficients(student[0], sample_weight, x, reduction)
    rows = x, tf.stop_gradient(target), coefficients
    weights = *trained, *(tf.stop_gradient(tf.cast(tensor, dtype)) for tensor in constant)
    if reduction != "none":
        return distillation.weighted_sum(spec, rows, weights)
    losses = tf.reshape(coefficients * distillation.losses_one_by_one(spec, rows, weights), examples)
    return losses if ragged is None else ragged.with_flat_values(losses)


def _coefficients(features: tf.Tensor, sample_weight: Any, x: tf.Tensor, reduction: str) -> tf.Tensor:
    """What each example counts in the result."""
    coefficients = tf.ones_like(x[:, 0])
    if sample_weight is not None:
        sample_weight = tf.cast(sample_weight, x.dtype)
        check_sample_weight(sample_weight, features)
        coefficients = tf.reshape(tf.broadcast_to(sample_weight, tf.shape(features)[:-1]), tf.shape(coefficients))
    if reduction != "mean":
        return coefficients
    return tf.math.divide_no_nan(coefficients, tf.cast(tf.shape(x)[0], x.dtype))


def _checked_head(whose: str, features: Any, kernel: Any, bias: Any, transposed: bool) -> tuple[list[tf.Tensor], int]:
    """Features, kernel and bias if there is one, as floating-point tensors that fit, and the number of classes."""
    given = {"features": features, "kernel": kernel, **({} if bias is None else {"bias": bias})}
    tensors = [_floating(value, f"{whose}{name}") for name, value in given.items()]
    shape, layout = tensors[1].shape, "[classes, width]" if transposed else "[width, classes]"
    if shape.rank != 2 or not shape.is_fully_defined() or 0 in shape:
        raise ValueError(f"{whose}kernel must be {layout}, both known. Received: {whose}kernel of {shape}")
    width, classes = reversed(shape.as_list()) if transposed else shape.as_list()
    if tensors[0].shape.rank in (None, 0) or not tensors[0].shape[-1:].is_compatible_with([width]):
        raise ValueError(
            f"{whose}features must be [..., width] for a kernel {layout}. "
            f"Received: {whose}features of {tensors[0].shape}, {whose}kernel of {shape}"
        )
    tensors[0] = tf.ensure_shape(tensors[0], [*tensors[0].shape[:-1], width])
    if bias is not None and not tensors[2].shape.is_compatible_with([classes]):
        raise ValueError(
            f"{whose}bias must be [classes]. Received: {whose}bias of {tensors[2].shape}, classes={classes}"
        )
    return tensors, classes


def _checked_teacher(teacher: Any, features: tf.Tensor, classes: int) -> tuple[Any, list[tf.Tensor]]:
    """The teacher with its examples as a tensor, and its weights if it is linear."""
    if isinstance(teacher, LinearTeacher):
        transposed = checked_bool(teacher.transpose_kernel, "transpose_kernel of the teacher")
        tensors, its_classes = _checked_head(
            "teacher's ", flat_values(teacher.features), teacher.kernel, teacher.bias, transposed
        )
        fits, received = its_classes == classes, f"{its_classes} classes of the teacher, {classes} of the student"
        examples, result = tensors[0], (teacher._replace(features=tensors[0]), tensors[1:])
    else:
        examples = _floating(flat_values(teacher), "teacher")
        fits, received = examples.shape[-1:].is_compatible_with([classes]), f"teacher of {examples.shape}"
        if fits:
            examples = tf.ensure_shape(examples, [*examples.shape[:-1], classes])
        result = examples, []
    if not fits:
        raise ValueError(f"teacher must have the student's classes. Received: {received}, classes={classes}")
    if not examples.shape[:-1].is_compatible_with(features.shape[:-1]):
        raise ValueError(
            "teacher must have the student's examples. "
            f"Received: teacher of {examples.shape}, features of {features.shape}"
        )
    return result


def _floating(values: Any, name: str) -> tf.Tensor:
    tensor = tf.convert_to_tensor(values)
    if not tensor.dtype.is_floating:
        raise TypeError(f"{name} must be floating-point. Received: {name} of {tensor.dtype.name}")
    return tensor
