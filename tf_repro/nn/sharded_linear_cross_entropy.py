"""The linear head and its loss with the classes divided among the replicas of a ``tf.distribute`` strategy."""

from typing import Any

import tensorflow as tf

from tf_repro.nn.arguments import checked_bool, checked_chunk_size
from tf_repro.nn.cross_entropy import check_ignore_class, float_tensor, integer_labels
from tf_repro.nn.linear import shards
from tf_repro.nn.linear.checks import checked_logits
from tf_repro.nn.linear.head import Head


def sharded_linear_softmax_cross_entropy(
    features: Any,
    kernel: Any,
    labels: Any,
    bias: Any = None,
    ignore_class: int | None = None,
    chunk_size: int | None = None,
    *,
    replicated: bool = False,
    logit_scale: float = 1.0,
    soft_cap: float | None = None,
    z_loss: float = 0.0,
) -> tf.Tensor:
    """Cross-entropy of each example where each replica holds ``classes / N`` columns of the kernel.

    Replica ``i`` of ``N`` holds the classes from ``i·shard`` on. With ``z`` the logits of one example, ``m`` the
    largest of them on any replica, and the sums over replicas by all-reduce::

        loss = log Σ_replicas Σ_shard exp(z - m) - (z[label] - m)

    No replica ever holds a kernel, a gradient of a kernel or logits of more classes than its own; of its own logits
    it holds ``chunk_size`` examples at a time. Each replica calls this in ``strategy.run`` with its part of the
    batch, which need not be as large as the others'. It is given the features of all, and gives back the gradient of
    its own. Without a strategy one replica holds all the classes.

    The objective is the sum of the losses over all replicas, each times what it counts, such as
    ``tf.nn.compute_average_loss(losses, global_batch_size=…)``. The gradients of kernel and bias are whole and must
    not be reduced over the replicas; that of the features is what the rest of the model goes on with, whose
    gradients are summed as usual. A variable that is another on each replica is a plain one, made outside the scope
    of the strategy, where each replica is a process; where they share a process, one with
    ``synchronization=tf.VariableSynchronization.ON_READ, aggregation=tf.VariableAggregation.NONE``.

    float16 and bfloat16 are computed in float32. Gradients beyond the first order and forward mode are refused.

    Args:
        features: float tensor ``[..., width]``, those of this replica.
        kernel: float tensor ``[width, shard]``, its shape known and the same on every replica.
        labels: integer class numbers ``[...]`` among all classes. An example with one out of range has loss and
            gradients NaN.
        bias: float tensor ``[shard]`` or None. ``-inf`` for a column that only fills the last shard.
        ignore_class: int or None; the integer label of examples whose loss is 0, even if their features are NaN.
        chunk_size: int, examples whose logits are in memory together; 512 if None.
        replicated: bool; True where every replica has the same examples, as under tensor parallelism: then the
            features are not gathered, and every replica gets the same losses. The objective is these losses once.
        logit_scale: float above 0, what the products are multiplied by.
        soft_cap: float above 0 or None; logits are kept between ``-soft_cap`` and ``soft_cap``.
        z_loss: float λ, at least 0; adds ``λ·(log Σ exp z)²`` to each loss.

    Returns:
        ``[...]``, in float32, or in float64 if an input is.

    Raises:
        TypeError: an input has the wrong dtype.
        ValueError: shapes do not fit, an option is out of range, or there is a strategy but no replica.

    References:
        Shoeybi et al., "Megatron-LM: training multi-billion parameter language models using model parallelism"
        (2019), section 3.

    Example:
        >>> losses = sharded_linear_softmax_cross_entropy(tf.ones([4, 2]), tf.zeros([2, 10]), [0, 3, 9, 3])
        >>> losses.numpy().round(6)
        array([2.302585, 2.302585, 2.302585, 2.302585], dtype=float32)
    """
    replicas = shards.Replicas.here(checked_bool(replicated, "replicated"))
    features, kernel = float_tensor(features, "features"), float_tensor(kernel, "kernel")
    bias = None if bias is None else float_tensor(bias, "bias")
    labels = integer_labels(tf.convert_to_tensor(labels))
    _check_shapes(features, kernel, labels, bias)
    width, shard = kernel.shape.as_list()
    head = Head(
        shard,
        checked_chunk_size(chunk_size) or 512,
        min(shard, 4096),
        keep=False,
        dense=False,
        biased=bias is not None,
        **checked_logits(logit_scale, soft_cap, z_loss),
    )
    operands = [tensor for tensor in (features, kernel, bias) if tensor is not None]
    dtype = tf.float64 if tf.float64 in [tensor.dtype for tensor in operands] else tf.float32
    x, *weights = (tf.cast(tensor, dtype) for tensor in operands)
    x, flat = tf.reshape(x, [-1, width]), tf.reshape(labels, [-1])
    ignore_class = check_ignore_class(ignore_class)
    counts = tf.ones_like(flat, tf.bool) if ignore_class is None else flat != ignore_class
    if ignore_class is not None:
        x, flat = tf.where(counts[:, tf.newaxis], x, tf.zeros_like(x)), tf.where(counts, flat, 0)
    losses = shards.losses_one_by_one(head, replicas, x, flat, tuple(weights))
    valid = tf.cast((flat >= 0) & (flat < shard * replicas.number), dtype)
    losses *= valid / valid  # NaN for a label that is no class, without a NaN among the constants
    return tf.reshape(tf.where(counts, losses, tf.zeros_like(losses)), tf.shape(labels))


def _check_shapes(features: tf.Tensor, kernel: tf.Tensor, labels: tf.Tensor, bias: Any) -> None:
    if kernel.shape.rank != 2 or not kernel.shape.is_fully_defined() or 0 in kernel.shape:
        raise ValueError(f"kernel must be [width, shard], both known. Received: kernel of {kernel.shape}")
    width, shard = kernel.shape.as_list()
    if features.shape.rank in (None, 0) or not features.shape[-1:].is_compatible_with([width]):
        raise ValueError(
            "features must be [..., width] for a kernel [width, shard]. "
            f"Received: features of {features.shape}, kernel of {kernel.shape}"
        )
    if bias is not None and not bias.shape.is_compatible_with([shard]):
        raise ValueError(f"bias must be [shard]. Received: bias of {bias.shape}, kernel of {kernel.shape}")
    if not labels.shape.is_compatible_with(features.shape[:-1]):
        raise ValueError(
            f"integer labels must have shape {features.shape[:-1]}. "
            f"Received: labels of {labels.shape}, features of {features.shape}"
        )
