"""Cross-entropy of the rows of a matrix, and its derivatives of every order.

Every row has a *pivot*: its label, or the likeliest class of dense labels. Its entry is kept out of the sums and put
back as what the others lack to 1, so that nothing cancels where the label is sure.
"""

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tf_repro.nn.engines import compiled_by_xla, compiled_where_it_pays
from tf_repro.nn.entries import at, likeliest, with_entry, without
from tf_repro.nn.log_softmax_rows import log_softmax_of_rows
from tf_repro.nn.softmax_rows import centred, product_with_jacobian, softmax_of_rows
from tf_repro.nn.sums import row_dot, row_sum

Pair = tuple[tf.Tensor, tf.Tensor]


def dense_losses(p: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
    """Losses ``[rows]`` of logits ``z`` for labels ``p``, both ``[rows, classes]`` in one dtype."""

    @tf.custom_gradient
    def without_label_gradient(z: tf.Tensor) -> Any:
        losses, residual = _in_one_graph(_dense_losses_and_residual, p, z)

        def grad(dlosses: tf.Tensor) -> Any:
            return _logits_gradient(residual, z, dlosses, p)

        return losses, grad

    @tf.custom_gradient
    def label_gradient_only(p: tf.Tensor) -> Any:
        # Zero in value. Apart, so that -log q is computed only where the gradient of the labels is asked for.
        def grad(dlosses: tf.Tensor) -> tf.Tensor:
            return -dlosses[:, tf.newaxis] * log_softmax_of_rows(z)

        return tf.zeros_like(p[:, 0]), grad

    return without_label_gradient(z) + label_gradient_only(p)


def sparse_losses(
    labels: tf.Tensor, z: tf.Tensor, ignore_class: int | None = None, label_smoothing: float = 0.0
) -> tf.Tensor:
    """Losses ``[rows]`` of logits ``z`` ``[rows, classes]`` for integer labels ``[rows]``."""

    @tf.custom_gradient
    def losses_of(z: tf.Tensor) -> Any:
        losses, residual = _in_one_graph(_sparse_losses_and_residual, labels, z, ignore_class, label_smoothing)

        def grad(dlosses: tf.Tensor) -> Any:
            def probabilities() -> tf.Tensor:
                return sparse_probabilities(labels, tf.shape(z)[1], z.dtype, ignore_class, label_smoothing)

            # Multiplying by a weight of 0 or NaN here costs no pass over the residual of its own.
            weight = _index_and_weight(labels, tf.shape(z)[1], z.dtype, ignore_class)[1]
            return _logits_gradient(residual, z, dlosses, probabilities, weight)

        return losses, grad

    return losses_of(z)


def sparse_probabilities(
    labels: tf.Tensor, classes: Any, dtype: tf.DType, ignore_class: int | None, label_smoothing: float
) -> tf.Tensor:
    """The labels' target probabilities ``[rows, classes]``: NaN for invalid labels, 0 for ignored ones."""
    index, weight = _index_and_weight(labels, classes, dtype, ignore_class)
    one_hot = tf.one_hot(index, classes, dtype=dtype)
    return weight[:, tf.newaxis] * (one_hot * (1 - label_smoothing) + label_smoothing / tf.cast(classes, dtype))


def _dense_losses_and_residual(p: tf.Tensor, z: tf.Tensor) -> Pair:
    """Losses and residual ``q·Σp - p``."""
    return compiled_where_it_pays(_of_dense_pivot, z, p, likeliest(p), tf.reduce_max(z, -1, keepdims=True))


def _of_dense_pivot(z: tf.Tensor, p: tf.Tensor, pivot: tf.Tensor, largest: tf.Tensor) -> Pair:
    shifted = z - largest
    own, p_others = at(p, pivot), without(p, pivot)
    others = row_sum(p_others)
    total = others + own
    tail, share, at_pivot, exponentials = _apart(shifted, pivot)
    residual = with_entry(exponentials * (total * share) - p, pivot, others - total * at_pivot)
    # The pivot's own term is often far the largest, and would round all the others away that are added to it.
    inner = _label_dot(p_others, shifted) + tf.math.multiply_no_nan(at(shifted, pivot), own)
    return (total * tail - inner)[:, 0], residual


def _sparse_losses_and_residual(
    labels: tf.Tensor, z: tf.Tensor, ignore_class: int | None, label_smoothing: float
) -> Pair:
    """Losses and residual ``q - p``, the residual still to be weighted by 0, 1 or NaN."""
    index, weight = _index_and_weight(labels, tf.shape(z)[1], z.dtype, ignore_class)
    forward = functools.partial(_of_sparse_pivot, label_smoothing=label_smoothing)
    largest = tf.reduce_max(z, -1, keepdims=True)
    losses, residual = compiled_where_it_pays(forward, z, index[:, tf.newaxis], largest)
    return tf.math.multiply_no_nan(losses, weight), residual


def _of_sparse_pivot(z: tf.Tensor, pivot: tf.Tensor, largest: tf.Tensor, label_smoothing: float) -> Pair:
    shifted = z - largest
    tail, share, at_pivot, exponentials = _apart(shifted, pivot)
    target, residual = at(shifted, pivot), exponentials * share
    if label_smoothing:
        classes = tf.cast(tf.shape(z)[1], z.dtype)
        each = label_smoothing / classes
        target = (1 - label_smoothing) * target + label_smoothing * (row_sum(shifted) / classes)
        residual, at_pivot = residual - each, at_pivot - (label_smoothing - each)
    return (tail - target)[:, 0], with_entry(residual, pivot, -at_pivot)


def _apart(shifted: tf.Tensor, pivot: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """What the loss and its gradient need of ``z - max z``, without cancellation where the label is sure.

    The pivot's own exponential is kept out of the sum ``r`` of the others, so that with ``s`` its shifted logit::

        log Σ exp = log1p(r + expm1 s),    1 - q[pivot] = r / (r + exp s)

    Args:
        shifted: float[rows, classes], the logits less the largest of their row.
        pivot: int32[rows, 1], a column of each row.

    Returns:
        ``log Σ exp``, ``1 / Σ exp`` and ``1 - q[pivot]``, each ``[rows, 1]``, and the exponentials.
    """
    own = at(shifted, pivot)
    exponentials = tf.exp(shifted)
    rest = row_sum(without(exponentials, pivot))
    partition = rest + tf.exp(own)
    return tf.math.log1p(rest + tf.math.expm1(own)), 1 / partition, rest / partition, exponentials


def _label_dot(p: tf.Tensor, shifted: tf.Tensor) -> tf.Tensor:
    """``Σ p·shifted`` of each row, where 0·(-inf) counts as 0."""

    def products() -> tf.Tensor:
        return row_sum(tf.math.multiply_no_nan(shifted, p))

    if compiled_by_xla(p, shifted):
        return products()
    dots = row_dot(p, shifted)
    return tf.cond(tf.reduce_any(tf.math.is_nan(dots)), products, lambda: dots)


def _logits_gradient(residual: tf.Tensor, z: tf.Tensor, dlosses: tf.Tensor, labels: Any, weight: Any = None) -> Any:
    """``dlosses·(q·Σp - p)`` from the residual; differentiable in ``z``, ``dlosses`` and dense labels."""
    dense = () if callable(labels) else (labels,)

    @tf.custom_gradient
    def scaled_residual(z: tf.Tensor, dlosses: tf.Tensor, *dense: tf.Tensor) -> Any:
        def grad(v: tf.Tensor) -> Any:
            p = labels() if callable(labels) else dense[0]
            # A row whose labels are all zero does not count, so neither may the NaN its logits can hold.
            counts = tf.reduce_any(p != 0, -1, keepdims=True)
            logits = tf.where(counts, z, tf.zeros_like(z))
            total, scale = row_sum(p), dlosses[:, tf.newaxis]
            dz = product_with_jacobian(logits, scale * total * v)
            # Σ (q·Σp - p)·v, from the label's own entry of v: the rest is small where the label is sure.
            residual = softmax_of_rows(logits) * total - p
            ddlosses = row_sum(residual * (v - at(v, likeliest(p))))[:, 0]
            return (dz, ddlosses, -scale * centred(logits, v)) if dense else (dz, ddlosses)

        if weight is None:
            return residual * dlosses[:, tf.newaxis], grad
        return tf.math.multiply_no_nan(residual, (dlosses * weight)[:, tf.newaxis]), grad

    return scaled_residual(z, dlosses, *dense)


def _index_and_weight(labels: tf.Tensor, classes: Any, dtype: tf.DType, ignore_class: int | None) -> Pair:
    """Labels safe to gather by, and 1, 0 or NaN for those that count, are ignored, or are invalid."""
    labels = tf.cast(labels, tf.int64)
    valid = (labels >= 0) & (labels < tf.cast(classes, tf.int64))
    ignored = tf.zeros_like(valid) if ignore_class is None else tf.equal(labels, ignore_class)
    one = tf.cast(valid | ignored, dtype)
    weight = tf.where(ignored, tf.zeros_like(one), one / one)  # NaN by division, without a NaN among the constants
    return tf.cast(tf.where(valid, labels, 0), tf.int32), weight


def _in_one_graph(forward: Callable[..., Pair], labels: tf.Tensor, z: tf.Tensor, *options: Any) -> Pair:
    """``forward`` as one graph in eager mode too, where a tape would otherwise hold its every buffer."""
    if not tf.executing_eagerly():
        return forward(labels, z, *options)
    graph = graph_of(forward, labels.dtype, labels.shape.rank, z.dtype, options)
    return graph(tf.stop_gradient(labels), tf.stop_gradient(z))


@functools.lru_cache(maxsize=32)
def graph_of(
    forward: Callable[..., Pair], label_dtype: tf.DType, label_rank: int, dtype: tf.DType, options: Any
) -> Any:
    """``forward`` traced once for all shapes; as many of them are kept as a program has use for."""
    traced = tf.function(lambda labels, z: forward(labels, z, *options), autograph=False)
    return traced.get_concrete_function(
        tf.TensorSpec([None] * label_rank, label_dtype), tf.TensorSpec([None, None], dtype)
    )
