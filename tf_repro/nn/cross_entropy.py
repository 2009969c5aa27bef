"""Softmax cross-entropy of logits, its gradient ``q·Σp - p`` whatever the labels ``p``, in every mode."""

import functools
import numbers

import tensorflow as tf

from tf_repro.nn.softmax import centred, log_softmax, product_with_jacobian, row_sum, softmax

_LONGEST_DOT = 128


def softmax_cross_entropy_with_logits(labels, logits, axis=-1, label_smoothing=0.0):
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
    z = _classes_last(logits, axis)
    classes = _class_count(z)
    p = tf.cast(labels, z.dtype) if tf.is_tensor(labels) else tf.convert_to_tensor(labels, z.dtype)
    if not p.shape.is_compatible_with(logits.shape):
        raise ValueError(
            f"labels must have the shape of logits. Received: labels of {p.shape}, logits of {logits.shape}"
        )
    p = _classes_last(p, axis)
    if label_smoothing:
        p = p * (1 - label_smoothing) + tf.cast(label_smoothing / tf.cast(classes, tf.float64), z.dtype)
    rows = tf.reshape(z, [-1, classes])
    losses = dense_losses(tf.reshape(p, tf.shape(rows)), rows)
    return _restore(losses, z, logits.dtype)


def sparse_softmax_cross_entropy_with_logits(labels, logits, axis=-1, ignore_class=None, label_smoothing=0.0):
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
    z = _classes_last(logits, axis)
    classes = _class_count(z)
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


def dense_losses(p, z):
    """Losses ``[rows]`` of logits ``z`` for labels ``p``, both ``[rows, classes]`` in one dtype."""

    @tf.custom_gradient
    def without_label_gradient(z):
        losses, residual = _in_one_graph(dense_losses_and_residual, p, z, dot_block(z.shape[1]))

        def grad(dlosses):
            return _logits_gradient(residual, z, dlosses, p)

        return losses, grad

    @tf.custom_gradient
    def label_gradient_only(p):
        # Zero in value. Apart, so that -log q is computed only where the gradient of the labels is asked for.
        def grad(dlosses):
            return -dlosses[:, None] * log_softmax(z)

        return tf.zeros_like(z[:, 0]), grad

    return without_label_gradient(z) + label_gradient_only(p)


def sparse_losses(labels, z, ignore_class, label_smoothing):
    """Losses ``[rows]`` of logits ``z`` ``[rows, classes]`` for integer labels ``[rows]``."""

    @tf.custom_gradient
    def losses_of(z):
        losses, residual = _in_one_graph(sparse_losses_and_residual, labels, z, ignore_class, label_smoothing)

        def grad(dlosses):
            def probabilities():
                return sparse_probabilities(labels, tf.shape(z)[1], z.dtype, ignore_class, label_smoothing)

            # Multiplying by a weight of 0 or NaN here costs no pass over the residual of its own.
            weight = _index_and_weight(labels, tf.shape(z)[1], z.dtype, ignore_class)[1]
            return _logits_gradient(residual, z, dlosses, probabilities, weight)

        return losses, grad

    return losses_of(z)


def dense_losses_and_residual(p, z, block):
    """Losses and residual ``q·Σp - p`` of a matrix, exact at the likeliest label: see `pivoted`."""
    label = tf.argmax(p, 1, output_type=tf.int32)
    position = tf.stack([tf.range(tf.shape(z)[0]), label], 1)
    shifted = z - tf.reduce_max(z, 1, keepdims=True)
    others = row_sum(_put(p, position, tf.zeros_like(p[:, 0])))[:, 0]
    total = others + tf.gather_nd(p, position)
    tail, share, at_label, exponentials = pivoted(shifted, position)
    residual = exponentials * (total * share)[:, None] - p
    return total * tail - _dots(p, shifted, block), _put(residual, position, others - total * at_label)


def pivoted(shifted, position):
    """What the loss and its gradient need of ``z - max z``, without cancellation where the label is sure.

    The label's own exponential is kept out of the sum ``r`` of the others, so that with ``s`` its shifted logit::

        log Σ exp = log1p(r + expm1 s),    1 - q[label] = r / (r + exp s)

    Args:
        shifted: float ``[rows, classes]``, the logits less the largest of their row.
        position: integers ``[rows, 2]``, where each row's label stands.

    Returns:
        ``log Σ exp``, ``1 / Σ exp`` and ``1 - q[label]``, each ``[rows]``, and the exponentials.
    """
    own = tf.gather_nd(shifted, position)
    exponentials = tf.exp(shifted)
    rest = row_sum(_put(exponentials, position, tf.zeros_like(own)))[:, 0]
    partition = rest + tf.exp(own)
    return tf.math.log1p(rest + tf.math.expm1(own)), 1 / partition, rest / partition, exponentials


def _put(matrix, position, values):
    return tf.tensor_scatter_nd_update(matrix, position, values)


def dot_block(classes):
    """Length to cut dot products over the classes into, or None where no divisor of their number will do."""
    if classes is None or classes <= _LONGEST_DOT:
        return classes
    return next((n for n in range(_LONGEST_DOT, 15, -1) if classes % n == 0), None)


def _dots(p, z, block):
    """``Σ p·z`` of each row, where 0·(-inf) counts as 0."""

    def products():
        return tf.reduce_sum(tf.math.multiply_no_nan(z, p), 1)

    if not block:
        return products()
    # No buffer for the products; in blocks, because a matrix product adds one term after another.
    dots = tf.einsum("ij,ij->i", tf.reshape(z, [-1, block]), tf.reshape(p, [-1, block]))
    dots = tf.reduce_sum(tf.reshape(dots, [tf.shape(z)[0], tf.shape(z)[1] // block]), 1)
    return tf.cond(tf.reduce_any(tf.math.is_nan(dots)), products, lambda: dots)


def sparse_losses_and_residual(labels, z, ignore_class, label_smoothing):
    """Losses and residual ``q - p`` of a matrix, the residual still to be weighted by 0, 1 or NaN."""
    index, weight = _index_and_weight(labels, tf.shape(z)[1], z.dtype, ignore_class)
    position = tf.stack([tf.range(tf.shape(z)[0]), index], 1)
    shifted = z - tf.reduce_max(z, 1, keepdims=True)
    tail, share, at_label, exponentials = pivoted(shifted, position)
    target = tf.gather_nd(shifted, position)
    residual = exponentials * share[:, None]
    if label_smoothing:
        each = label_smoothing / tf.cast(tf.shape(z)[1], z.dtype)
        target = (1 - label_smoothing) * target + label_smoothing * tf.reduce_mean(shifted, 1)
        residual, at_label = residual - each, at_label - (label_smoothing - each)
    return tf.math.multiply_no_nan(tail - target, weight), _put(residual, position, -at_label)


def integer_labels(labels):
    """``labels`` as an integer tensor."""
    labels = tf.convert_to_tensor(labels)
    if not labels.dtype.is_integer:
        raise TypeError(f"labels must be integers, class numbers. Received: labels of {labels.dtype.name}")
    return tf.cast(labels, tf.int64)


def check_ignore_class(ignore_class):
    """``ignore_class`` as an int or None."""
    if ignore_class is None:
        return None
    if hasattr(ignore_class, "__index__") and not isinstance(ignore_class, bool):
        return ignore_class.__index__()
    raise TypeError(f"ignore_class must be an integer or None. Received: ignore_class={ignore_class!r}")


def _logits_gradient(residual, z, dlosses, labels, weight=None):
    """``dlosses·(q·Σp - p)`` from the residual; differentiable in ``z``, ``dlosses`` and dense labels."""
    dense = () if callable(labels) else (labels,)

    @tf.custom_gradient
    def scaled_residual(z, dlosses, *dense):
        def grad(v):
            p = labels() if callable(labels) else dense[0]
            # A row whose labels are all zero does not count, so neither may the NaN its logits can hold.
            counts = tf.reduce_any(p != 0, -1, keepdims=True)
            logits = tf.where(counts, z, tf.zeros_like(z))
            total, scale = tf.reduce_sum(p, -1, keepdims=True), dlosses[:, None]
            dz = product_with_jacobian(logits, scale * total * v)
            # Σ (q·Σp - p)·v, from the label's own entry of v: the rest is small where the label is sure.
            pivot = tf.gather(v, tf.argmax(p, -1), axis=1, batch_dims=1)[:, None]
            ddlosses = tf.reduce_sum((softmax(logits) * total - p) * (v - pivot), -1)
            return (dz, ddlosses, -scale * centred(logits, v)) if dense else (dz, ddlosses)

        if weight is None:
            return residual * dlosses[:, None], grad
        return tf.math.multiply_no_nan(residual, (dlosses * weight)[:, None]), grad

    return scaled_residual(z, dlosses, *dense)


def sparse_probabilities(labels, classes, dtype, ignore_class, label_smoothing):
    """The labels' target probabilities ``[rows, classes]``: NaN for invalid labels, 0 for ignored ones."""
    index, weight = _index_and_weight(labels, classes, dtype, ignore_class)
    one_hot = tf.one_hot(index, classes, dtype=dtype)
    return weight[:, None] * (one_hot * (1 - label_smoothing) + label_smoothing / tf.cast(classes, dtype))


def _index_and_weight(labels, classes, dtype, ignore_class):
    """Labels safe to gather by, and 1, 0 or NaN for those that count, are ignored, or are invalid."""
    labels = tf.cast(labels, tf.int64)
    valid = (labels >= 0) & (labels < tf.cast(classes, tf.int64))
    weight = tf.where(valid, tf.ones([], dtype), tf.constant(float("nan"), dtype))
    if ignore_class is not None:
        weight = tf.where(labels == ignore_class, tf.zeros([], dtype), weight)
    return tf.cast(tf.where(valid, labels, 0), tf.int32), weight


def _in_one_graph(forward, labels, z, *options):
    """``forward`` as one graph in eager mode too, where a tape would otherwise hold its every buffer."""
    if not tf.executing_eagerly():
        return forward(labels, z, *options)
    graph = _graph(forward, labels.dtype, labels.shape.rank, z.dtype, options)
    return graph(tf.stop_gradient(labels), tf.stop_gradient(z))


@functools.cache
def _graph(forward, label_dtype, label_rank, dtype, options):
    traced = tf.function(lambda labels, z: forward(labels, z, *options), autograph=False)
    return traced.get_concrete_function(
        tf.TensorSpec([None] * label_rank, label_dtype), tf.TensorSpec([None, None], dtype)
    )


def float_tensor(values, name):
    """``values`` as a floating-point tensor."""
    tensor = tf.convert_to_tensor(values)
    if not tensor.dtype.is_floating:
        raise TypeError(f"{name} must be floating point. Received: {name} of {tensor.dtype.name}")
    return tensor


def _classes_last(values, axis):
    """``values`` with ``axis`` moved to the end, in float32 at least."""
    rank = values.shape.rank
    if not hasattr(axis, "__index__") or (rank is None and axis != -1):
        raise ValueError(f"axis must be an int, -1 if the rank is unknown. Received: axis={axis!r}, rank={rank}")
    if rank is not None and not -rank <= axis < rank:
        raise ValueError(f"axis must be in [{-rank}, {rank}). Received: axis={axis}")
    if values.dtype.size < 4:
        values = tf.cast(values, tf.float32)
    if axis == -1 or axis == rank - 1:
        return values
    order = list(range(rank))
    order.append(order.pop(axis))
    return tf.transpose(values, order)


def _class_count(z):
    if z.shape.rank is not None and z.shape[-1] == 0:
        raise ValueError(f"logits must have at least one class. Received: classes last, logits of {z.shape}")
    return tf.shape(z)[-1] if z.shape.rank is None or z.shape[-1] is None else z.shape[-1]


def check_label_smoothing(label_smoothing):
    """``label_smoothing`` as a float."""
    if not isinstance(label_smoothing, numbers.Real) or not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must be in [0, 1]. Received: label_smoothing={label_smoothing!r}")
    return float(label_smoothing)


def _restore(losses, z, dtype):
    losses = tf.reshape(losses, tf.shape(z)[:-1])
    losses.set_shape(z.shape[:-1])
    return tf.cast(losses, dtype)
