"""Losses of a head, their derivatives of first order with them or after them, and those of second order.

Every function here takes rows ``(pivot, x, coefficients, [labels])``, ``[labels]`` being those of dense form, and the
head's weights.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tf_repro.nn.linear import rows as of_rows
from tf_repro.nn.linear.chunks import Chunks, add_rows, zeros
from tf_repro.nn.linear.head import Head
from tf_repro.nn.softmax import log_softmax, softmax

Tensors = tuple[tf.Tensor, ...]


def weighted_sum(head: Head, rows: Tensors, weights: Tensors) -> Tensors:
    """``Σ coefficients·losses``, whose gradients are made with it, and the statistics."""
    pivot, x, coefficients, *labels = rows
    trained, constant = weights[: head.trained], weights[head.trained :]

    @tf.custom_gradient
    def total(*operands: tf.Tensor) -> Any:
        x, coefficients, *others = operands
        labels, trained = others[: head.dense], others[head.dense :]
        losses, *results = _first_order(head, (pivot, x, coefficients, *labels), (*trained, *constant))
        gradients, statistics = results[: 1 + head.trained], results[1 + head.trained :]

        def grad(dtotal: tf.Tensor, *_: tf.Tensor) -> list[tf.Tensor]:
            dx, *dweights = scaled(dtotal, gradients)
            by_labels = [None] * head.dense  # that of `labels_path`
            return [dx, dtotal * losses, *by_labels, *dweights]

        return (tf.reduce_sum(coefficients * losses), *statistics), grad

    return total(x, coefficients, *labels, *trained)


def scaled(factor: tf.Tensor, tensors: Sequence[tf.Tensor]) -> Tensors:
    """``tensors`` times ``factor``; where that is 1, as it is of a loss by itself, without a copy of any."""

    @tf.custom_gradient
    def products(factor: tf.Tensor, *tensors: tf.Tensor) -> Any:
        def grad(*upstream: tf.Tensor) -> list[tf.Tensor]:
            along = [tf.reduce_sum(a * b) for a, b in zip(upstream, tensors, strict=True)]
            return [tf.add_n(along), *(factor * a for a in upstream)]

        return tf.cond(factor == 1, lambda: tensors, lambda: tuple(factor * tensor for tensor in tensors)), grad

    return products(factor, *tensors)


def losses_one_by_one(head: Head, rows: Tensors, weights: Tensors) -> Tensors:
    """Losses of the examples, for which the backward pass makes the logits again, and the statistics."""
    pivot, x, _, *labels = rows
    trained, constant = weights[: head.trained], weights[head.trained :]

    @tf.custom_gradient
    def losses_of(x: tf.Tensor, *trained: tf.Tensor) -> Any:
        def grad(dlosses: tf.Tensor, *_: tf.Tensor) -> Any:
            quiet = head._replace(statistics=False)
            return _first_order(quiet, (pivot, x, dlosses, *labels), (*trained, *constant))[1:]

        return tuple(in_one_graph(_chunked_losses, head, rows, (*trained, *constant))), grad

    return losses_of(x, *trained)


def labels_path(head: Head, rows: Tensors, weights: Tensors) -> tf.Tensor:
    """Zeros that carry the gradient by dense labels, ``-log q``, which is made only where it is asked for."""
    _, x, _, labels = rows

    @tf.custom_gradient
    def nothing(labels: tf.Tensor) -> Any:
        def grad(dlosses: tf.Tensor) -> tf.Tensor:
            dtargets = -dlosses[:, tf.newaxis] * log_softmax(_logits(head, x, weights))
            weight = head.class_weight(weights, (0, head.classes)) * (1 - head.label_smoothing)
            return tf.cast(dtargets * weight, labels.dtype)

        return tf.zeros_like(x[:, 0]), grad

    return nothing(labels)


def _first_order(head: Head, rows: Tensors, weights: Tensors) -> Tensors:
    """Losses, the gradients of ``Σ coefficients·losses``, and the statistics; differentiable once more."""
    pivot, *differentiable = rows
    trained, constant = weights[: head.trained], weights[head.trained :]

    @tf.custom_gradient
    def first_order(*operands: tf.Tensor) -> Any:
        inner, trained = operands[: len(differentiable)], operands[len(differentiable) :]

        def grad(*cotangents: tf.Tensor) -> Tensors:
            vlosses, vx, *others = cotangents
            vrows = (pivot, *inner, vlosses, vx)
            return _second_order(head, vrows, (*trained, *constant), tuple(others[: head.trained]))

        results = in_one_graph(_chunked_first_order, head, (pivot, *inner), (*trained, *constant))
        return tuple(results), grad

    return first_order(*differentiable, *trained)


def _second_order(head: Head, rows: Tensors, weights: Tensors, vweights: Tensors) -> Tensors:
    """Gradients of ``<cotangents, results of _first_order>``; not differentiable, and not silently so."""

    @tf.custom_gradient
    def second_order(*operands: tf.Tensor) -> Any:
        def grad(*_: tf.Tensor) -> Any:
            raise NotImplementedError("linear_softmax_cross_entropy has no gradients beyond second order.")

        return tuple(in_one_graph(_chunked_second_order, head, rows, (*weights, *vweights))), grad

    return second_order(*rows[1:], *weights, *vweights)


def _examples(chunks: Chunks, i: Any, pivot: tf.Tensor, x: tf.Tensor, labels: list[tf.Tensor]) -> of_rows.Examples:
    return of_rows.Examples(chunks.of(x, i), chunks.of(pivot, i), chunks.of(labels[0], i) if labels else None)


def _chunked_losses(head: Head, rows: Tensors, weights: Tensors) -> list[tf.Tensor]:
    pivot, x, _, *labels = rows
    chunks = Chunks(x, head.chunk_size)

    def body(i: Any) -> Any:
        examples = _examples(chunks, i, pivot, x, labels)
        sums, kept = of_rows.sums_and_raw(head, examples, weights)
        known = of_rows.losses(head, examples, weights, sums)
        statistics = []
        if head.statistics:
            rank = tf.zeros_like(examples.pivot)
            for raw, block in zip(kept, head.blocks, strict=True):
                with tf.control_dependencies([rank]):
                    rank += of_rows.above_pivot(
                        head, examples, known, _raw(head, examples, weights, raw, block)[0], block
                    )
            statistics = _statistics(known, rank)
        return [known.loss, *statistics], []

    return chunks.loop(body, [x.dtype, *_statistics_dtypes(head, x)])[0]


def _chunked_first_order(head: Head, rows: Tensors, weights: Tensors) -> list[tf.Tensor]:
    pivot, x, coefficients, *labels = rows
    chunks = Chunks(x, head.chunk_size)

    def body(i: Any, dkernel: tf.Tensor, *dbias: tf.Tensor) -> Any:
        examples = _examples(chunks, i, pivot, x, labels)
        c = chunks.fresh(coefficients, i)
        scaled = examples.x * c[:, tf.newaxis]
        sums, kept = of_rows.sums_and_raw(head, examples, weights)
        known = of_rows.losses(head, examples, weights, sums)
        dx, rank, bias_parts = tf.zeros_like(examples.x), tf.zeros_like(examples.pivot), []
        for raw, block in zip(kept, head.blocks, strict=True):
            with tf.control_dependencies([dkernel, dx]):
                raw, embedding = _raw(head, examples, weights, raw, block)
                if head.statistics:
                    rank += of_rows.above_pivot(head, examples, known, raw, block)
                residual = of_rows.residual(head, examples, weights, known, raw, block)
                dx += of_rows.through_embedding(residual, embedding)
                part = tf.matmul(residual, scaled)
                if head.biased:
                    bias_parts.append(tf.linalg.matvec(residual, c))
                if head.transposed:
                    dkernel = add_rows(dkernel, part, block[0], 0)
                else:
                    dkernel = add_rows(dkernel, tf.transpose(part), block[0], 1)
        dbias = tuple(total + tf.concat(bias_parts, 0) for total in dbias)
        statistics = _statistics(known, rank) if head.statistics else []
        return [known.loss, dx * c[:, tf.newaxis], *statistics], [dkernel, *dbias]

    empty = [zeros(weight.shape.as_list(), x.dtype, pivot) for weight in weights[: head.trained]]
    (losses, dx, *statistics), sums = chunks.loop(body, [x.dtype, x.dtype, *_statistics_dtypes(head, x)], *empty)
    return [losses, dx, *sums, *statistics]


def _raw(head: Head, examples: of_rows.Examples, weights: Tensors, raw: Any, block: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """The block's raw logits, made again unless they were kept, and its part of the kernel."""
    embedding = head.embedding(weights, block)
    return head.raw_logits(examples.x, weights, embedding, block) if raw is None else raw, embedding


def _statistics(known: of_rows.Losses, rank: tf.Tensor) -> list[tf.Tensor]:
    return [known.likeliest, rank, known.log_probability, known.log_sum_exp, known.entropy]


def _statistics_dtypes(head: Head, x: tf.Tensor) -> list[tf.DType]:
    return [tf.int32, tf.int32, x.dtype, x.dtype, x.dtype] if head.statistics else []


def _chunked_second_order(head: Head, rows: Tensors, weights_and_cotangents: Tensors) -> list[tf.Tensor]:
    """Gradients of ``<cotangents, first-order results>`` by features, coefficients, dense labels and weights."""
    pivot, x, coefficients, *labels, vlosses, vx = rows
    n = len(weights_and_cotangents) - head.trained
    weights, vweights = weights_and_cotangents[:n], weights_and_cotangents[n:]
    chunks = Chunks(x, head.chunk_size)

    def body(i: Any, *sums: tf.Tensor) -> Any:
        examples = _examples(chunks, i, pivot, x, labels)
        c, vloss, vx_chunk = chunks.fresh(coefficients, i), chunks.fresh(vlosses, i), chunks.of(vx, i)
        inner = [tf.identity(weight) for weight in weights]  # those of the loop's own graph
        raw = _raw_logits(head, examples.x, inner)
        losses = _plain_losses(head, examples, raw, inner)
        slopes = tf.gradients(losses, raw, c)[0]
        direction = tf.matmul(vx_chunk, inner[0], transpose_b=head.transposed)
        direction += _raw_logits(head, examples.x, vweights)
        along = tf.reduce_sum(slopes * direction)
        value = tf.reduce_sum(vloss * losses) + along
        found = tf.gradients(value, [examples.x, c, *inner[: head.trained]], unconnected_gradients="zero")
        # The losses themselves have their gradient by dense labels from `labels_path`.
        dense = tf.gradients(along, [examples.labels], unconnected_gradients="zero") if head.dense else []
        return [*found[:2], *dense], [total + part for total, part in zip(sums, found[2:], strict=True)]

    written = [x.dtype, x.dtype, *(label.dtype for label in labels)]
    empty = [tf.zeros_like(weight) for weight in weights[: head.trained]]
    by_row, sums = chunks.loop(body, written, *empty)
    return [*by_row, *sums]


def _plain_losses(head: Head, examples: of_rows.Examples, raw: tf.Tensor, weights: Any) -> tf.Tensor:
    """The losses as they are defined, of all logits ``[rows, classes]``: what is differentiated twice."""
    z = head.logits(raw)
    weight, epsilon = head.class_weight(weights, (0, head.classes)), head.label_smoothing
    if head.dense:
        targets = tf.cast(examples.labels, z.dtype)
    else:
        targets = tf.one_hot(examples.pivot, head.classes, dtype=z.dtype)
    targets = weight * (targets * (1 - epsilon) + epsilon / head.classes)
    losses = -tf.reduce_sum(tf.math.multiply_no_nan(log_softmax(z), targets), 1)
    return losses + head.z_loss * tf.square(_log_sum_exp(z)) if head.z_loss else losses


@tf.custom_gradient
def _log_sum_exp(z: tf.Tensor) -> Any:
    return tf.reduce_logsumexp(z, -1), lambda upstream: upstream[:, tf.newaxis] * softmax(z)


def _raw_logits(head: Head, x: tf.Tensor, weights: Any) -> tf.Tensor:
    raw = tf.matmul(x, weights[0], transpose_b=head.transposed)
    return raw + weights[1] if head.biased else raw


def _logits(head: Head, x: tf.Tensor, weights: Any) -> tf.Tensor:
    return head.logits(_raw_logits(head, x, weights))


def in_one_graph(function: Callable[..., Any], head: Any, rows: Tensors, weights: Tensors) -> list[tf.Tensor]:
    """``function`` as a graph in eager mode too, out of sight of the tapes, which would keep every chunk."""
    operands = tuple(rows), tuple(weights)
    if not tf.executing_eagerly():
        # The rules that call this give every derivative but the forward one, which would silently be 0.
        refuse = functools.partial(tf.raw_ops.PreventGradient, message="the linear head has no forward mode in a graph")
        operands = tf.nest.map_structure(lambda tensor: refuse(input=tensor), operands)
    rows, weights = tf.nest.map_structure(tf.stop_gradient, operands)
    if not tf.executing_eagerly():
        return function(head, rows, weights)
    row_specs = tuple(tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype) for tensor in rows)
    weight_specs = tuple(tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in weights)
    return _graph(function, head, row_specs, weight_specs)(*rows, *weights)


@functools.lru_cache(maxsize=64)
def _graph(function: Callable[..., Any], head: Any, row_specs: Any, weight_specs: Any) -> Any:
    n = len(row_specs)
    traced = tf.function(lambda *tensors: function(head, tensors[:n], tensors[n:]), autograph=False)
    return traced.get_concrete_function(*row_specs, *weight_specs)
