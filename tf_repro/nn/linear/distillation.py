"""Divergences between a linear head and a teacher, a few examples at a time."""

from typing import Any, NamedTuple

import tensorflow as tf

from tf_repro.nn.divergence_rules import JS_DIVERGENCE, KL_DIVERGENCE
from tf_repro.nn.linear.chunks import Chunks, add_rows, zeros
from tf_repro.nn.linear.orders import in_one_graph, scaled

Tensors = tuple[tf.Tensor, ...]

_BLOCK = 4096  # classes of which a part of the kernel's gradient is in memory: as in the cross-entropy


class Distillation(NamedTuple):
    """All that is known of a student's head and its teacher before they see a tensor.

    Rows are ``(x, teacher, coefficients)``, the teacher's being features or logits; weights are ``(kernel, [bias],
    [teacher's kernel, [teacher's bias]])``.
    """

    classes: int
    chunk_size: int
    divergence: str
    """``"forward"``, ``"reverse"`` or ``"js"``."""
    temperature: float
    transposed: bool
    biased: bool
    teacher_is_linear: bool
    teacher_transposed: bool

    @property
    def trained(self) -> int:
        """How many of the weights have a gradient."""
        return 1 + self.biased

    def logits(self, x: tf.Tensor, weights: Tensors) -> tf.Tensor:
        """The student's, over the temperature."""
        z = tf.matmul(x, weights[0], transpose_b=self.transposed)
        return (z + weights[1] if self.biased else z) / self.temperature

    def teacher_logits(self, teacher: tf.Tensor, weights: Tensors) -> tf.Tensor:
        """The teacher's, over the temperature."""
        if self.teacher_is_linear:
            kernel, *bias = weights[self.trained :]
            teacher = tf.matmul(teacher, kernel, transpose_b=self.teacher_transposed)
            teacher = teacher + bias[0] if bias else teacher
        return teacher / self.temperature

    def pair(self, student: Any, teacher: Any) -> tuple[Any, Any]:
        """The two in the order of the divergence."""
        return (student, teacher) if self.divergence == "reverse" else (teacher, student)

    def losses(self, student: tf.Tensor, teacher: tf.Tensor) -> tf.Tensor:
        """Divergences ``[rows]`` of logits."""
        rule = JS_DIVERGENCE if self.divergence == "js" else KL_DIVERGENCE
        return rule.value([1], *self.pair(student, teacher))[:, 0]

    def residual(self, student: tf.Tensor, teacher: tf.Tensor) -> tf.Tensor:
        """Their derivative by the student's logits, before the temperature."""
        rule = JS_DIVERGENCE if self.divergence == "js" else KL_DIVERGENCE
        by_first, by_second = rule.gradient([1], *self.pair(student, teacher))
        return (by_first if self.divergence == "reverse" else by_second) / self.temperature


def weighted_sum(spec: Distillation, rows: Tensors, weights: Tensors) -> tf.Tensor:
    """``Σ coefficients·losses``, whose gradients are made with it."""
    x, teacher, coefficients = rows
    trained, constant = weights[: spec.trained], weights[spec.trained :]

    @tf.custom_gradient
    def total(x: tf.Tensor, coefficients: tf.Tensor, *trained: tf.Tensor) -> Any:
        losses, *gradients = _first_order(spec, (x, teacher, coefficients), (*trained, *constant))

        def grad(dtotal: tf.Tensor) -> list[tf.Tensor]:
            dx, *dweights = scaled(dtotal, gradients)
            return [dx, dtotal * losses, *dweights]

        return tf.reduce_sum(coefficients * losses), grad

    return total(x, coefficients, *trained)


def losses_one_by_one(spec: Distillation, rows: Tensors, weights: Tensors) -> tf.Tensor:
    """Losses of the examples, for which the backward pass makes the logits again."""
    x, teacher, _ = rows
    trained, constant = weights[: spec.trained], weights[spec.trained :]

    @tf.custom_gradient
    def losses_of(x: tf.Tensor, *trained: tf.Tensor) -> Any:
        def grad(dlosses: tf.Tensor) -> Tensors:
            return _first_order(spec, (x, teacher, dlosses), (*trained, *constant))[1:]

        return in_one_graph(_chunked_losses, spec, (x, teacher), (*trained, *constant)), grad

    return losses_of(x, *trained)


def _first_order(spec: Distillation, rows: Tensors, weights: Tensors) -> Tensors:
    """Losses and the gradients of ``Σ coefficients·losses``; not differentiable, and not silently so."""

    @tf.custom_gradient
    def first_order(*operands: tf.Tensor) -> Any:
        def grad(*_: tf.Tensor) -> Any:
            raise NotImplementedError("linear divergences have no gradients beyond first order.")

        n = len(rows)
        return tuple(in_one_graph(_chunked_first_order, spec, operands[:n], operands[n:])), grad

    return first_order(*rows, *weights)


def _chunked_losses(spec: Distillation, rows: Tensors, weights: Tensors) -> tf.Tensor:
    x, teacher = rows
    chunks = Chunks(x, spec.chunk_size)

    def body(i: Any) -> Any:
        target = spec.teacher_logits(chunks.of(teacher, i), weights)
        return [spec.losses(spec.logits(chunks.of(x, i), weights), target)], []

    return chunks.loop(body, [x.dtype])[0][0]


def _chunked_first_order(spec: Distillation, rows: Tensors, weights: Tensors) -> list[tf.Tensor]:
    x, teacher, coefficients = rows
    chunks = Chunks(x, spec.chunk_size)

    def body(i: Any, dkernel: tf.Tensor, *dbias: tf.Tensor) -> Any:
        features, c = chunks.of(x, i), chunks.fresh(coefficients, i)
        student, target = spec.logits(features, weights), spec.teacher_logits(chunks.of(teacher, i), weights)
        losses = spec.losses(student, target)
        with tf.control_dependencies([losses]):  # one after the other, to share buffers
            residual = spec.residual(student, target)
        dx = tf.matmul(residual, weights[0], transpose_b=not spec.transposed)
        weighted = features * c[:, tf.newaxis]
        for start in range(0, spec.classes, _BLOCK):
            with tf.control_dependencies([dkernel]):
                block = residual[:, start : start + _BLOCK]
            if spec.transposed:
                dkernel = add_rows(dkernel, tf.matmul(block, weighted, transpose_a=True), start, 0)
            else:
                dkernel = add_rows(dkernel, tf.matmul(weighted, block, transpose_a=True), start, 1)
        dbias = tuple(total + tf.linalg.matvec(residual, c, transpose_a=True) for total in dbias)
        return [losses, dx * c[:, tf.newaxis]], [dkernel, *dbias]

    anchor = tf.zeros_like(x[:, 0], tf.int32)
    empty = [zeros(weight.shape.as_list(), x.dtype, anchor) for weight in weights[: spec.trained]]
    (losses, dx), sums = chunks.loop(body, [x.dtype, x.dtype], *empty)
    return [losses, dx, *sums]
