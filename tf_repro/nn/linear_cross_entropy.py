"""A linear layer and the softmax cross-entropy of its outputs in one, with few logits in memory at a time."""

import functools
from typing import NamedTuple

import tensorflow as tf

from tf_repro.nn.cross_entropy import (
    check_ignore_class,
    check_label_smoothing,
    dense_losses_and_residual,
    float_tensor,
    integer_labels,
    sparse_losses_and_residual,
    sparse_probabilities,
)

_REDUCTIONS = ("mean", "sum", "none")


def linear_softmax_cross_entropy(
    features,
    kernel,
    labels,
    bias=None,
    sample_weight=None,
    reduction="mean",
    ignore_class=None,
    label_smoothing=0.0,
    chunk_size=None,
    recompute=None,
):
    """Cross-entropy of ``softmax(features @ kernel + bias)`` without the logits of all examples in memory.

    The same losses and gradients as `sparse_softmax_cross_entropy_with_logits` (integer labels) or
    `softmax_cross_entropy_with_logits` (dense labels) of the product, ``chunk_size`` examples at a time.
    With ``q`` the probabilities, ``p`` the labels and ``c`` what each example counts in the result::

        d/dfeatures = c·(q·Σp - p) @ kernelᵀ,    d/dkernel = featuresᵀ @ c·(q·Σp - p)

    There are two ways to have them. In a mean or a sum every ``c`` is known beforehand, so the forward pass
    makes the gradients of a chunk while it has its logits: three matrix products, as many as the plain path.
    With ``recompute`` the forward pass makes the losses alone and the backward pass makes the logits again:
    four products when training, one when only the losses are wanted. Either way memory is the gradients, a
    chunk of logits, and nothing that grows with the number of examples but the gradient of the features.
    Where all the logits are no larger than the kernel, the plain path is as lean and needs no chunks.

    float16 and bfloat16 are computed and accumulated in float32. Gradients of second order are right, in
    chunks too; of third order refused. The gradient by dense labels holds all the logits. Forward mode is
    right in eager mode with ``recompute``, and refused without it and in ``tf.function``.

    Args:
        features: float tensor ``[..., width]``.
        kernel: float tensor ``[width, classes]``, its shape known.
        labels: integer class numbers ``[...]``, or float probabilities ``[..., classes]``. An example with a
            class number out of range has loss and gradients NaN.
        bias: float tensor ``[classes]`` or None.
        sample_weight: tensor that broadcasts to ``[...]``, or None. Its gradient is given.
        reduction: ``"mean"`` is ``Σ weight·loss`` over the number of examples that are not ignored, as with
            Keras; ``"sum"``; ``"none"`` gives the weighted losses one by one.
        ignore_class: int or None; the integer label of examples that do not count.
        label_smoothing: float ε in [0, 1]; ``p`` becomes ``(1 - ε)·p + ε / classes``.
        chunk_size: int, examples whose logits are in memory together; need not divide their number. By
            default the logits of a chunk weigh about as much as the kernel.
        recompute: bool; by default only with ``reduction="none"``, which knows no other way.

    Returns:
        Scalar, or with ``reduction="none"`` a tensor ``[...]``, in float32, or in float64 if an input is.

    Raises:
        TypeError: an input has the wrong dtype.
        ValueError: shapes do not fit, or an option is out of range.

    References:
        Wijmans et al., "Cut your losses in large-vocabulary language models" (2025).

    Example:
        >>> features, kernel = tf.ones([4, 2]), tf.zeros([2, 10])
        >>> linear_softmax_cross_entropy(features, kernel, [0, 3, 9, 3], chunk_size=3).numpy().round(6)
        np.float32(2.302585)
    """
    features, kernel = float_tensor(features, "features"), float_tensor(kernel, "kernel")
    bias = None if bias is None else float_tensor(bias, "bias")
    labels = tf.convert_to_tensor(labels)
    sparse = labels.dtype.is_integer
    _check_shapes(features, kernel, labels, bias, sparse)
    if reduction not in _REDUCTIONS:
        raise ValueError(f"reduction must be one of {_REDUCTIONS}. Received: reduction={reduction!r}")
    if recompute is False and reduction == "none":
        raise ValueError("reduction='none' must recompute. Received: recompute=False")
    if ignore_class is not None and not sparse:
        raise ValueError(f"ignore_class needs integer labels. Received: labels of {labels.dtype.name}")
    options = _Options(
        _chunk_size(chunk_size, kernel),
        check_ignore_class(ignore_class),
        check_label_smoothing(label_smoothing),
    )

    dtypes = [tensor.dtype for tensor in (features, kernel, bias) if tensor is not None]
    dtype = tf.float64 if tf.float64 in dtypes else tf.float32
    x = tf.reshape(tf.cast(features, dtype), [-1, kernel.shape[0]])
    weights = [tf.cast(kernel, dtype)] if bias is None else [tf.cast(kernel, dtype), tf.cast(bias, dtype)]
    examples = tf.shape(features)[:-1]
    if sparse:
        labels = tf.reshape(integer_labels(labels), tf.shape(x)[:1])
    else:
        labels = tf.reshape(labels, [tf.shape(x)[0], kernel.shape[1]])
    if sample_weight is None:
        coefficients = tf.ones_like(x[:, 0])
    else:
        sample_weight = tf.cast(sample_weight, dtype)
        coefficients = tf.reshape(tf.broadcast_to(sample_weight, examples), tf.shape(x)[:1])
    if reduction == "mean":
        counted = tf.ones_like(coefficients) if options.ignore_class is None else labels != options.ignore_class
        coefficients = tf.math.divide_no_nan(coefficients, tf.reduce_sum(tf.cast(counted, dtype)))

    if recompute or reduction == "none":
        losses = coefficients * (_losses(options, x, labels, weights) + _labels_path(options, x, labels, weights))
        return tf.reshape(losses, examples) if reduction == "none" else tf.reduce_sum(losses)
    path = tf.reduce_sum(coefficients * _labels_path(options, x, labels, weights))
    return _weighted_sum(options, x, coefficients, labels, weights) + path


class _Options(NamedTuple):
    chunk_size: int
    ignore_class: int | None
    label_smoothing: float


def _weighted_sum(options, x, coefficients, labels, weights):
    """``Σ coefficients·losses``, whose gradients are made with it."""

    @tf.custom_gradient
    def weighted_sum(x, coefficients, *weights):
        losses, *gradients = _first_order(options, x, coefficients, labels, weights)

        def grad(dtotal):
            dx, *dweights = [dtotal * gradient for gradient in gradients]
            return dx, dtotal * losses, *dweights

        return tf.reduce_sum(coefficients * losses), grad

    return weighted_sum(x, coefficients, *weights)


def _losses(options, x, labels, weights):
    """Losses of the examples; the backward pass makes the logits again."""

    @tf.custom_gradient
    def losses_of(x, *weights):
        def grad(dlosses):
            return _first_order(options, x, dlosses, labels, weights)[1:]

        return _in_one_graph(_chunked_losses, options, (labels, x), weights), grad

    return losses_of(x, *weights)


def _labels_path(options, x, labels, weights):
    """Zeros that carry the gradient by dense labels, ``-log q``, which is made only where it is asked for."""

    @tf.custom_gradient
    def zeros(labels):
        def grad(dlosses):
            dlabels = -dlosses[:, None] * tf.nn.log_softmax(_logits(x, weights))
            return tf.cast(dlabels * (1 - options.label_smoothing), labels.dtype)

        return tf.zeros_like(x[:, 0]), grad

    return tf.zeros_like(x[:, 0]) if labels.dtype.is_integer else zeros(labels)


def _first_order(options, x, coefficients, labels, weights):
    """Losses, and the gradients of ``Σ coefficients·losses``, differentiable once more."""

    @tf.custom_gradient
    def first_order(x, coefficients, *weights):
        def grad(*cotangents):
            vlosses, vx, *vweights = cotangents
            return _second_order(options, (labels, x, coefficients, vlosses, vx), (*weights, *vweights))

        return _in_one_graph(_chunked_first_order, options, (labels, x, coefficients), weights), grad

    return first_order(x, coefficients, *weights)


def _second_order(options, rows, weights_and_cotangents):
    """Gradients of ``<cotangents, results of _first_order>``; not differentiable, and not silently so."""

    @tf.custom_gradient
    def second_order(*operands):
        def grad(*_):
            raise NotImplementedError("linear_softmax_cross_entropy has no gradients beyond second order.")

        return _in_one_graph(_chunked_second_order, options, rows, weights_and_cotangents), grad

    return second_order(*rows[1:], *weights_and_cotangents)


def _chunked_losses(options, rows, weights):
    labels, x = rows
    chunks = _Chunks(x, options)

    def body(i, losses):
        loss, _ = _losses_and_residual(options, chunks.of(labels, i), chunks.of(x, i), weights)
        return i + 1, losses.write(i, loss)

    (losses,) = chunks.loop(body, tf.TensorArray(x.dtype, chunks.count))
    return chunks.join(losses)


def _chunked_first_order(options, rows, weights):
    labels, x, coefficients = rows
    chunks = _Chunks(x, options)
    kernel = weights[0]
    width, classes = kernel.shape
    splits = _splits(classes)

    def body(i, losses, dx, *dweights):
        x_chunk, c = chunks.of(x, i), chunks.fresh(coefficients, i)
        loss, residual = _losses_and_residual(options, chunks.of(labels, i), x_chunk, weights)
        losses = losses.write(i, loss)
        dx = dx.write(i, tf.transpose(tf.matmul(kernel, residual) * c))
        scaled = x_chunk * c[:, None]
        parts = tf.split(residual, splits)
        dkernel = _one_by_one(lambda total, part: total + tf.matmul(part, scaled), dweights, parts)
        dbias = [total + tf.linalg.matvec(residual, c) for total in dweights[len(splits) :]]
        return i + 1, losses, dx, *dkernel, *dbias

    losses, dx, *dweights = chunks.loop(
        body,
        tf.TensorArray(x.dtype, chunks.count),
        tf.TensorArray(x.dtype, chunks.count),
        *(tf.zeros([part, width], x.dtype) for part in splits),
        *(tf.zeros([classes], x.dtype) for _ in weights[1:]),
    )
    dkernel = tf.concat(_one_by_one(tf.transpose, dweights[: len(splits)]), 1)
    return chunks.join(losses), chunks.join(dx), dkernel, *dweights[len(splits) :]


def _chunked_second_order(options, rows, weights_and_cotangents):
    """Gradients of ``<cotangents, first-order results>`` by features, coefficients and weights."""
    labels, x, coefficients, vlosses, vx = rows
    n = len(weights_and_cotangents) // 2
    weights, vweights = weights_and_cotangents[:n], weights_and_cotangents[n:]
    chunks = _Chunks(x, options)

    def body(i, dx, dcoefficients, *dweights):
        x_chunk, c, vx_chunk = chunks.of(x, i), chunks.fresh(coefficients, i), chunks.of(vx, i)
        vloss = chunks.fresh(vlosses, i)
        inner = [tf.identity(weight) for weight in weights]  # those of the loop's own graph
        z = _logits(x_chunk, inner)
        direction = tf.matmul(vx_chunk, inner[0]) + _logits(x_chunk, vweights)
        p = _probabilities(options, chunks.of(labels, i), z)
        log_q, total = tf.nn.log_softmax(z), tf.reduce_sum(p, 1, keepdims=True)
        losses = -tf.reduce_sum(tf.math.multiply_no_nan(log_q, p), 1)
        slopes = tf.reduce_sum((tf.exp(log_q) * total - p) * direction, 1)
        value = tf.reduce_sum(vloss * losses) + tf.reduce_sum(c * slopes)
        dx_chunk, dc, *parts = tf.gradients(value, [x_chunk, c, *inner])
        sums = [total + part for total, part in zip(dweights, parts, strict=True)]
        return i + 1, dx.write(i, dx_chunk), dcoefficients.write(i, dc), *sums

    dx, dcoefficients, *dweights = chunks.loop(
        body,
        tf.TensorArray(x.dtype, chunks.count),
        tf.TensorArray(x.dtype, chunks.count),
        *(tf.zeros_like(weight) for weight in weights),
    )
    return chunks.join(dx), chunks.join(dcoefficients), *dweights


def _losses_and_residual(options, labels, x, weights):
    """Losses ``[rows]`` and residual ``[classes, rows]``: so laid out, the matrix products are fastest."""
    z = tf.matmul(weights[0], x, transpose_a=True, transpose_b=True)
    for bias in weights[1:]:
        z = z + bias[:, None]
    if labels.dtype.is_integer:
        return sparse_losses_and_residual(labels, z, options.ignore_class, options.label_smoothing, axis=0)
    p = _smoothed(options, tf.transpose(tf.cast(labels, z.dtype)), labels.shape[1])
    return dense_losses_and_residual(p, z, block=None, axis=0)


def _probabilities(options, labels, z):
    if labels.dtype.is_integer:
        return sparse_probabilities(labels, z.shape[1], z.dtype, options.ignore_class, options.label_smoothing)
    return _smoothed(options, tf.cast(labels, z.dtype), z.shape[1])


def _smoothed(options, p, classes):
    epsilon = options.label_smoothing
    return p * (1 - epsilon) + epsilon / classes if epsilon else p


def _logits(x, weights):
    z = tf.matmul(x, weights[0])
    return z if len(weights) == 1 else z + weights[1]


class _Chunks:
    """The rows of ``x`` in chunks of one size; if it does not divide their number, the last two overlap."""

    def __init__(self, x, options):
        self.rows = tf.shape(x)[0] if x.shape[0] is None else x.shape[0]
        at_least = tf.maximum if x.shape[0] is None else max
        self.count = at_least(1, -(-self.rows // options.chunk_size))
        self.size = -(-self.rows // self.count)

    def of(self, values, i):
        """Chunk ``i`` of ``values``."""
        begin = tf.minimum(i * self.size, self.rows - self.size)
        zeros, rest = [0] * (values.shape.rank - 1), values.shape[1:].as_list()
        return tf.slice(values, [begin, *zeros], [self.size, *rest])

    def fresh(self, values, i):
        """Chunk ``i`` of a vector, 0 where the rows have been in chunk ``i - 1``."""
        chunk = self.of(values, i)
        return tf.where(tf.range(self.size) < (i + 1) * self.size - self.rows, tf.zeros_like(chunk), chunk)

    def loop(self, body, *state):
        """``state`` after ``body`` has seen every chunk, one after another."""
        return tf.while_loop(lambda i, *_: i < self.count, body, (0, *state), parallel_iterations=1)[1:]

    def join(self, array):
        """What was written for the chunks, without the rows that were in two of them."""
        chunks = array.stack()
        rest = chunks.shape[2:].as_list()
        values = tf.reshape(chunks, [self.count * self.size, *rest])
        surplus = self.count * self.size - self.rows
        if isinstance(surplus, int) and surplus == 0:
            return values
        last = (self.count - 1) * self.size
        return tf.concat([values[:last], values[last + surplus :]], 0)


def _one_by_one(function, *arguments):
    """``map``, each call only after the one before: so that no two of their buffers are needed at once."""
    results = []
    for operands in zip(*arguments, strict=False):
        with tf.control_dependencies(results[-1:]):
            results.append(function(*operands))
    return results


def _splits(classes):
    """Sizes of the parts of the kernel's gradient: four if the classes are many."""
    parts = 4 if classes >= 4096 else 1
    return [classes // parts + (i < classes % parts) for i in range(parts)]


def _chunk_size(chunk_size, kernel):
    width, classes = kernel.shape
    if chunk_size is None:
        # Thin products are slow; and where classes are few, a chunk may as well have four million logits.
        return max(256, min(width, 1024), 2**22 // classes)
    if not hasattr(chunk_size, "__index__") or isinstance(chunk_size, bool) or chunk_size < 1:
        raise ValueError(f"chunk_size must be a positive int or None. Received: chunk_size={chunk_size!r}")
    return chunk_size.__index__()


def _check_shapes(features, kernel, labels, bias, sparse):
    if kernel.shape.rank != 2 or not kernel.shape.is_fully_defined() or 0 in kernel.shape:
        raise ValueError(f"kernel must be [width, classes], both known. Received: kernel of {kernel.shape}")
    if features.shape.rank is None or not features.shape[-1:].is_compatible_with(kernel.shape[:1]):
        raise ValueError(
            "features must be [..., width] for a kernel [width, classes]. "
            f"Received: features of {features.shape}, kernel of {kernel.shape}"
        )
    if bias is not None and not bias.shape.is_compatible_with(kernel.shape[1:]):
        raise ValueError(f"bias must be [classes]. Received: bias of {bias.shape}, kernel of {kernel.shape}")
    if not sparse and not labels.dtype.is_floating:
        raise TypeError(f"labels must be integers or floating point. Received: labels of {labels.dtype.name}")
    expected = features.shape[:-1] if sparse else features.shape[:-1] + kernel.shape[1:]
    if not labels.shape.is_compatible_with(expected):
        raise ValueError(
            f"{'integer' if sparse else 'dense'} labels must have shape {expected}. "
            f"Received: labels of {labels.shape}, features of {features.shape}, kernel of {kernel.shape}"
        )


def _in_one_graph(function, options, rows, weights):
    """``function`` as a graph in eager mode too, out of sight of the tapes, which would keep every chunk."""
    operands = tuple(rows), tuple(weights)
    if not tf.executing_eagerly():
        # The rules that call this give every derivative but the forward one, which would silently be 0.
        refuse = functools.partial(tf.raw_ops.PreventGradient, message="the linear head has no forward mode in a graph")
        operands = tf.nest.map_structure(lambda tensor: refuse(input=tensor), operands)
    rows, weights = tf.nest.map_structure(tf.stop_gradient, operands)
    if not tf.executing_eagerly():
        return function(options, rows, weights)
    row_specs = tuple(tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype) for tensor in rows)
    weight_specs = tuple(tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in weights)
    return _graph(function, options, row_specs, weight_specs)(*rows, *weights)


@functools.cache
def _graph(function, options, row_specs, weight_specs):
    n = len(row_specs)
    traced = tf.function(lambda *tensors: function(options, tensors[:n], tensors[n:]), autograph=False)
    return traced.get_concrete_function(*row_specs, *weight_specs)
