"""Softmax and its logarithm, with gradient rules that stay accurate where the textbook formula cancels."""

import numbers

import tensorflow as tf

from tf_repro.nn.tf1_softmax import softmax_tf1


def softmax(logits, axis=-1, numerics="accurate"):
    """Softmax whose gradient is right in saturated rows and under upstream offsets.

    Formula: ``y = exp(z - max z) / Σ exp(z - max z)``, gradient ``(dy - Σ dy·y)·y``.

    ``dy - Σ dy·y`` cancels wherever one probability is near 1 or ``dy`` carries an offset. The gradient does
    not change when a constant is subtracted from ``dy``, so the accurate rule subtracts the likeliest entry's
    own cotangent first: ``d = dy - dy[argmax y]``, then ``(d - Σ d·y)·y``. The entry that would have
    cancelled is exactly zero and drops out of the sum. In float32 the largest error of a row, relative to
    its largest entry, stays below 1e-5 whatever the width, the logits and the offset, and below 1e-6 unless
    the logits lie far apart. The second derivative has a rule as accurate, from which higher ones follow.
    Forward mode goes through the stock derivative in a graph, and fails aloud where the accumulator stands
    around a `tf.function` instead of inside it.

    Args:
        logits: Tensor of any rank and any floating dtype. float16 and bfloat16 are computed in float32.
        axis: The dimension, or the tuple of dimensions, whose entries sum to 1.
        numerics: `"accurate"`, or `"tf1"` for the bits of TensorFlow 1.4.1, forward and gradient, on every
            CPU: see `tf_repro.nn.tf1_softmax`. It sums as that release did, and cancels where it did.

    Returns:
        Tensor of probabilities with the shape and dtype of `logits`. An entry of -inf has probability and
        gradient exactly 0. A slice that is all -inf, or holds +inf or nan, has no softmax and is all nan.
        An empty slice stays empty; a slice of one entry is 1 with gradient 0. A probability below the
        dtype's smallest normal number may be 0.

    Raises:
        TypeError: If `logits` is not floating-point.
        ValueError: If `axis` names no dimension of `logits`, or one twice, or `numerics` is not known.

    References:
        Blanchard, Higham and Higham, "Accurately computing the log-sum-exp and softmax functions", IMA J.
        Numer. Anal. 41 (2021), for the shifted forward pass.

    Example:
    >>> softmax([[0.0, 30.0, 0.0]]).numpy().round(3)
    array([[0., 1., 0.]], dtype=float32)
    >>> z = tf.constant([0.0, 30.0])
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(z)
    ...     second = softmax(z)[1]
    >>> tape.gradient(second, z).numpy()  # ±exp(-30), where the plain formula has 0 for the second entry
    array([-9.357623e-14,  9.357623e-14], dtype=float32)
    """
    if numerics not in _RULES:
        raise ValueError(f"numerics must be one of {sorted(_RULES)}. Received: numerics={numerics!r}")
    return _over_rows(_RULES[numerics], logits, axis)


def log_softmax(logits, axis=-1):
    """Logarithm of softmax, accurate for probabilities near 1 as well, with a gradient to match.

    Formula: ``z - max z - log1p(t)``, where ``t = Σ exp(z - max z)`` over all entries but the largest.
    Gradient: ``dy - y·Σ dy``, for the largest entry written as ``dy·(1 - y) - y·(Σ dy - dy)``.

    In a saturated row the textbook form is ``1 - 1`` there; here both brackets are sums over the others. What
    remains is the resolution of ``y``: where `dy` is so nearly proportional to ``y`` that the two terms
    cancel in every entry, the error is half a unit in the last place of ``y·Σ dy``, as in every formula that
    rounds ``y``.

    Args:
        logits: Tensor of any rank and any floating dtype. float16 and bfloat16 are computed in float32.
        axis: The dimension, or the tuple of dimensions, whose probabilities sum to 1.

    Returns:
        Tensor of log-probabilities with the shape and dtype of `logits`. An entry of -inf stays -inf and
        passes its own cotangent back. A slice that is all -inf, or holds +inf or nan, is all nan.

    Raises:
        TypeError: If `logits` is not floating-point.
        ValueError: If `axis` names no dimension of `logits`, or one twice.

    References:
        Blanchard, Higham and Higham (2021), as for `softmax`.

    Example:
    >>> log_softmax([0.0, 30.0]).numpy()  # tf.nn.log_softmax has 0 for the second entry
    array([-3.000000e+01, -9.357623e-14], dtype=float32)
    """
    return _over_rows(_log_softmax, logits, axis)


def _over_rows(function, logits, axis):
    """Apply `function`, which works along the rows of a matrix, along `axis` of a tensor of any rank."""
    logits = tf.convert_to_tensor(logits)
    if not logits.dtype.is_floating:
        raise TypeError(f"logits must be floating-point. Received: dtype={logits.dtype.name}")
    axes = _checked_axes(axis, logits.shape.rank)
    order = [d for d in range(logits.shape.rank or 0) if d not in axes] + axes
    moved = logits if order == sorted(order) else tf.transpose(logits, order)
    computed = tf.float32 if logits.dtype.size < 4 else logits.dtype
    if axes == [1] and logits.shape.rank == 2 and logits.shape[1]:
        return tf.cast(function(tf.cast(logits, computed)), logits.dtype)
    shape = tf.shape(moved)
    static = moved.shape[-len(axes) :].num_elements()
    # An empty slice has no likeliest entry: no elements are seen as no rows of one entry.
    width = tf.maximum(tf.reduce_prod(shape[-len(axes) :]), 1) if static is None else max(static, 1)
    rows = tf.cast(tf.reshape(moved, [-1, width]), computed)
    result = tf.cast(tf.reshape(function(rows), shape), logits.dtype)
    return result if moved is logits else tf.transpose(result, [order.index(d) for d in range(len(order))])


def _checked_axes(axis, rank):
    """`axis` as a list of distinct non-negative dimensions, in increasing order."""
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if not axes or not all(isinstance(a, numbers.Integral) for a in axes):
        raise ValueError(f"axis must be an int or a non-empty tuple of ints. Received: axis={axis!r}")
    if rank is None:
        if axes != [-1]:
            raise ValueError(f"axis must be -1 where the rank of logits is not known. Received: axis={axis!r}")
        return axes
    if not all(-rank <= a < rank for a in axes):
        raise ValueError(f"axis must be in [-{rank}, {rank}) for logits of rank {rank}. Received: axis={axis!r}")
    distinct = sorted({a % rank for a in axes})
    if len(distinct) < len(axes):
        raise ValueError(f"axis must name each dimension once. Received: axis={axis!r}")
    return distinct


def product_with_jacobian(z, v):
    """``(v - Σ v·q)·q`` of rows ``z``, with ``q`` their softmax; differentiable to any order."""
    return _softmax_gradient(z, _softmax(_untaped(z)), v)


def centred(z, v):
    """``v - Σ v·q`` of rows ``z``, with ``q`` their softmax, without cancellation; differentiable."""
    return _centred(_softmax(z), v, _blocks(z.shape[-1]), _for_xla(v))


def row_sum(a):
    """Sums of the rows of a matrix, ``[rows, 1]``, in blocks where they are long."""
    return _row_sum(a, _blocks(a.shape[-1]))


# The accurate rules. A gradient is itself a function with a rule, written in terms of the others, so that
# every order is right and none falls back on the stock formula. `y` is the softmax of `z`, computed once:
# derivatives flow through `z`. What is one traced function in eager mode lets its steps share a buffer.


def _softmax(z):
    blocks = _blocks(z.shape[-1])
    return _softmax_known(z, _exp_over_sum(z, blocks) if _for_xla(z) else _summing_to_one(tf.nn.softmax(z), blocks))


def _summing_to_one(y, blocks):
    """`y` divided by its sums where a kernel added a long row in sequence, or left 0 beside a nan."""
    total = _row_sum(y, blocks)
    close = tf.reduce_all(tf.abs(total - 1) <= 4 * tf.experimental.numpy.finfo(y.dtype.as_numpy_dtype).eps)
    return tf.cond(close, lambda: y, lambda: y / total)


def _exp_over_sum(z, blocks):
    shifted = tf.exp(z - tf.reduce_max(z, -1, keepdims=True))
    return shifted / _row_sum(shifted, blocks)


def _softmax_known(z, y):
    @tf.custom_gradient
    def value(z):
        return y, lambda dy: _softmax_gradient(z, y, dy)

    return value(z)


def _softmax_gradient(z, y, dy):
    """``(dy - Σ dy·y)·y``: the covariances under `y` of `dy` with each entry's indicator."""

    @tf.custom_gradient
    def value(z, dy):
        def grad(up):
            p = _softmax_known(z, y)
            spread = [_centred(p, a, blocks, for_xla) for a in (dy, up)]
            return _softmax_gradient(z, y, spread[0] * spread[1]), _softmax_gradient(z, y, up)

        blocks, for_xla = _blocks(y.shape[-1]), _for_xla(dy)
        size = y.shape.num_elements() or 0
        if (
            not tf.executing_eagerly()
            and size >= _WORTH_COMPILING
            and (size < 8 * _WORTH_COMPILING or y.shape[-1] < 512)
        ):
            return _centred_product_compiled(y, dy, blocks, True), grad
        return _centred_product(_untaped(y), _untaped(dy), blocks, for_xla), grad

    return value(z, dy)


def _centred(y, a, blocks, for_xla):
    """``a - Σ a·y``, measured from the likeliest entry's own value so that it cannot cancel there.

    XLA fuses reductions, but neither an argmax nor a batch of inner products; TensorFlow's kernels are
    fastest with those two, which write nothing in between. On a GPU a product might be rounded to TF32.
    """
    if for_xla or tf.config.list_physical_devices("GPU"):
        likeliest = tf.equal(y, tf.reduce_max(y, -1, keepdims=True))
        a -= tf.reduce_max(tf.where(likeliest, a, a.dtype.min), -1, keepdims=True)
        return a - _row_sum(a * y, blocks)
    a -= _at(a, _likeliest(y))
    return a - _row_dot(a, y, blocks)


def _centred_product(y, a, blocks, for_xla):
    return _centred(y, a, blocks, for_xla) * y


# Never in eager mode, whose shapes may be ever new ones.
# Compiling takes about 0.2 s for each new shape and 60 MB once, and pays from 1 to 8 MB, and beyond where rows
# are short. Backward pass over the stock one's time: 1.0 at 256 × 1000, 1.2 at 1024 × 1000 and 16384 × 64,
# against 1.3 to 1.8. From 16 MB on, and on long rows, there is nothing in it (1.3 and 1.0 either way). Slower:
# one pass that finds the pivot as a packed pair (1.2 to 2.7), sums in float64 that need no pivot (1.7 to 8), a
# loop over blocks of rows (1.2 to 1.8), XLA's forward pass as well (1.1 to 1.3 for both); without XLA, the
# pivot by a maximum of selected entries (1.4 to 2.3), and the product and its sum in place of the inner product
# on long rows (1.2 to 1.5). Two correction steps in place of the pivot are no faster, and wrong by a factor of
# up to 1e18 where a row of few entries is saturated.
_WORTH_COMPILING = 250_000
_centred_product_compiled = tf.function(_centred_product, jit_compile=True)


def _for_xla(tensor):
    """Whether XLA will compile the operations that use `tensor`. Unseen, it costs time, not accuracy."""
    graph = getattr(tensor, "graph", None)
    while graph is not None:
        # private; tests/test_private_api.py fails by name when it moves
        context = getattr(graph, "_get_control_flow_context", lambda: None)()
        if context is not None and context.IsXLAContext():
            return True
        graph = getattr(graph, "outer_graph", None)
    return False


def _log_softmax(z):
    return _log_softmax_known(z, _log_probabilities(_untaped(z), _blocks(z.shape[-1])))


def _untaped(tensor):
    """`tensor`, in eager mode as a constant, lest a tape keep intermediates; forward mode in a graph needs the path."""
    return tf.stop_gradient(tensor) if tf.executing_eagerly() else tensor


def _log_probabilities(z, blocks):
    largest = _likeliest(z)
    shifted = z - _at(z, largest)
    own = _at(shifted, largest)  # 0; nan where the largest is infinite
    return shifted - tf.math.log1p(own + _row_sum(_without(tf.exp(shifted), largest), blocks))


def _log_softmax_known(z, logarithm):
    @tf.custom_gradient
    def value(z):
        return logarithm, lambda dy: _log_softmax_gradient(z, logarithm, dy)

    return value(z)


def _log_softmax_gradient(z, logarithm, dy):
    """``dy - y·Σ dy``: the transpose of centring."""

    @tf.custom_gradient
    def value(z, dy):
        def grad(up):
            y = tf.exp(logarithm)
            total = tf.reduce_sum(dy, -1, keepdims=True)
            return -total * _softmax_gradient(z, y, up), _centred(
                _softmax_known(z, y), up, _blocks(y.shape[-1]), _for_xla(up)
            )

        return _less_its_share(_untaped(logarithm), _untaped(dy), _blocks(dy.shape[-1])), grad

    return value(z, dy)


def _less_its_share(logarithm, dy, blocks):
    """``dy - y·Σ dy``, at the largest entry as ``dy·(1 - y) - y·(Σ dy - dy)`` with sums over the others."""
    largest = _likeliest(logarithm)
    own_dy, own_y = _at(dy, largest), tf.exp(_at(logarithm, largest))
    others_dy, others_y = _without(dy, largest), _without(tf.exp(logarithm), largest)
    sum_dy, sum_y = _row_sum(others_dy, blocks), _row_sum(others_y, blocks)
    return _with(others_dy - others_y * (own_dy + sum_dy), largest, own_dy * sum_y - own_y * sum_dy)


def _likeliest(z):
    """The column of the largest entry of each row, the first of equals."""
    return tf.argmax(z, -1, output_type=tf.int32)[:, tf.newaxis]


def _at(a, column):
    return tf.gather(a, column, batch_dims=1)


def _with(a, column, entry):
    """`a` with each row's `entry` at `column`."""
    rows = tf.range(tf.size(column))[:, tf.newaxis]
    return tf.tensor_scatter_nd_update(a, tf.concat([rows, column], 1), entry[:, 0])


def _without(a, column):
    return _with(a, column, tf.zeros_like(a[:, :1]))


def _blocks(width):
    """How many equal blocks, of what length, a row is summed in: None for a short one, or an unknown length.

    XLA adds the terms of a sum one after the other; in blocks the error does not grow with the row. A length
    with no divisor from 64 to 256 is one block, from which `_row_sum` cuts what it can.
    """
    if width is None or width < 128:
        return None
    length = next(n for n in range(min(width, 256), 0, -1) if width % n == 0)
    return (width // length, length) if length >= 64 else (1, width)


def _row_sum(a, blocks):
    if not blocks:
        return tf.reduce_sum(a, -1, keepdims=True)
    if blocks[0] > 1:
        return tf.reduce_sum(_rounded(tf.reduce_sum(tf.reshape(a, [-1, *blocks]), -1)), -1, keepdims=True)
    whole = blocks[1] - blocks[1] % 256
    if whole <= 256:
        return tf.reduce_sum(a, -1, keepdims=True)
    return _row_sum(a[:, :whole], (whole // 256, 256)) + tf.reduce_sum(a[:, whole:], -1, keepdims=True)


def _row_dot(a, b, blocks):
    if not blocks or blocks[0] == 1:
        return _row_sum(a * b, blocks)
    a, b = (tf.reshape(t, [-1, blocks[0], 1, blocks[1]]) for t in (a, b))
    return tf.reduce_sum(_rounded(tf.matmul(a, b, transpose_b=True)[:, :, 0, 0]), -1, keepdims=True)


def _rounded(value):
    """`value`; the select keeps XLA from joining the operations on both sides into one."""
    return tf.where(tf.equal(value, value), value, float("nan"))


_RULES = {"accurate": _softmax, "tf1": softmax_tf1}
