"""A head whose classes are divided among replicas: what each computes of its own, and what they tell each other.

Per example the replicas exchange the largest logit, then the sum of exponentials and the pivot's logit; once a step
the features, and in the backward pass what each example counts and the gradient of the features.
"""

import functools
from typing import Any, NamedTuple

import tensorflow as tf

from tf_repro.nn.linear import rows as of_rows
from tf_repro.nn.linear.chunks import Chunks, add_rows, zeros
from tf_repro.nn.linear.head import Head

Tensors = tuple[tf.Tensor, ...]


class Replicas(NamedTuple):
    """This replica among its peers, and the collectives that the head needs of ``tf.distribute``."""

    context: Any
    number: int
    replicated: bool

    @classmethod
    def here(cls, replicated: bool) -> "Replicas":
        """The replica that is running, which is one of one without a strategy."""
        context = tf.distribute.get_replica_context()
        if context is None:
            raise ValueError(
                "the sharded head must run in a replica. Received: the scope of a strategy; call it in strategy.run"
            )
        return cls(context, context.num_replicas_in_sync, replicated)

    @property
    def rank(self) -> Any:
        """Which replica this is, from 0 on."""
        return self.context.replica_id_in_sync_group

    def all_examples(self, values: tf.Tensor) -> tf.Tensor:
        """``values`` of the examples of every replica, one replica's after another's."""
        if self.number == 1 or self.replicated:
            return values
        # Gathering forgets the width as well as the number of rows.
        return tf.ensure_shape(self.context.all_gather(values, 0), [None, *values.shape[1:]])

    def own_examples(self, values: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        """The ``number`` rows that this replica gave to `all_examples`."""
        if self.number == 1 or self.replicated:
            return values
        numbers = self.context.all_gather(number[tf.newaxis], 0)
        begin = tf.reduce_sum(numbers[: self.rank])
        return values[begin : begin + number]

    def largest(self, values: tf.Tensor) -> tf.Tensor:
        """The largest of each value on any replica."""
        # tf.distribute has no maximum among its reductions.
        return values if self.number == 1 else tf.reduce_max(self.context.all_gather(values[tf.newaxis], 0), 0)

    def total(self, values: tf.Tensor) -> tf.Tensor:
        """The sum of each value over the replicas."""
        return values if self.number == 1 else self.context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def losses_one_by_one(head: Head, replicas: Replicas, x: tf.Tensor, labels: tf.Tensor, weights: Tensors) -> tf.Tensor:
    """Losses of this replica's examples ``[rows]``, whose gradients are made in the backward pass.

    Args:
        head: of this replica's classes.
        replicas: this one and its peers.
        x: float tensor ``[rows, width]``.
        labels: integer class numbers ``[rows]`` among the classes of all replicas.
        weights: this replica's kernel ``[width, shard]``, and its bias ``[shard]`` if there is one.
    """
    number = tf.shape(x)[0]

    @tf.custom_gradient
    def losses_of(*operands: tf.Tensor) -> Any:
        x, *weights = _out_of_sight(*operands)
        everyone = replicas.all_examples(x)
        pivot = replicas.all_examples(labels) - tf.cast(replicas.rank * head.classes, labels.dtype)
        # A pivot of another replica is out of this one's range, however large the number of all classes.
        pivot = tf.cast(tf.clip_by_value(pivot, -1, head.classes), tf.int32)
        known = _known(head, replicas, pivot, everyone, weights)

        def grad(dlosses: tf.Tensor) -> Any:
            coefficients = replicas.all_examples(tf.stop_gradient(dlosses))
            dx, *dweights = _first_order(head, pivot, everyone, coefficients, known, tuple(weights))
            gradients = replicas.own_examples(replicas.total(dx), number), *dweights
            return _first_order_alone(gradients, (*operands, dlosses))

        return replicas.own_examples(known.loss, number), grad

    return losses_of(x, *weights)


def _known(head: Head, replicas: Replicas, pivot: tf.Tensor, x: tf.Tensor, weights: list[tf.Tensor]) -> of_rows.Losses:
    """What there is to know of each example once the replicas have added up their sums."""
    chunks = Chunks(x, head.chunk_size)

    def body(i: Any) -> Any:
        examples = of_rows.Examples(chunks.of(x, i), chunks.of(pivot, i), None)
        sums, _ = of_rows.sums_and_raw(head, examples, tuple(weights))
        return [sums.largest, sums.rest, sums.pivot], []

    (own_largest, rest, at_pivot), _ = chunks.loop(body, [x.dtype] * 3)
    largest = replicas.largest(own_largest)
    rest, at_pivot = tf.unstack(replicas.total(tf.stack([rest * tf.exp(own_largest - largest), at_pivot])))
    nothing = tf.zeros_like(largest)
    sums = of_rows.Sums(largest, rest, at_pivot, nothing, nothing, nothing, nothing, tf.zeros_like(pivot))
    return of_rows.losses(head, of_rows.Examples(x, pivot, None), tuple(weights), sums)


def _first_order(
    head: Head, pivot: tf.Tensor, x: tf.Tensor, coefficients: tf.Tensor, known: of_rows.Losses, weights: Tensors
) -> list[tf.Tensor]:
    """Gradients of ``Σ coefficients·losses`` by this replica's weights, and its part of that by the features."""
    chunks = Chunks(x, head.chunk_size)

    def body(i: Any, dkernel: tf.Tensor, *dbias: tf.Tensor) -> Any:
        examples = of_rows.Examples(chunks.of(x, i), chunks.of(pivot, i), None)
        here = of_rows.Losses(*(chunks.of(values, i) for values in known))
        scaled = examples.x * chunks.fresh(coefficients, i)[:, tf.newaxis]
        dx, bias_parts = tf.zeros_like(examples.x), []
        for block in head.blocks:
            with tf.control_dependencies([dkernel, dx]):
                embedding = head.embedding(weights, block)
                raw = head.raw_logits(examples.x, weights, embedding, block)
                residual = of_rows.residual(head, examples, weights, here, raw, block)
                dx += of_rows.through_embedding(residual, embedding)
                dkernel = add_rows(dkernel, tf.transpose(tf.matmul(residual, scaled)), block[0], 1)
                if head.biased:
                    bias_parts.append(tf.linalg.matvec(residual, chunks.fresh(coefficients, i)))
        dbias = tuple(total + tf.concat(bias_parts, 0) for total in dbias)
        return [dx * chunks.of(coefficients, i)[:, tf.newaxis]], [dkernel, *dbias]

    empty = [zeros(weight.shape.as_list(), x.dtype, tf.abs(pivot)) for weight in weights]
    (dx,), sums = chunks.loop(body, [x.dtype], *empty)
    return [dx, *sums]


def _out_of_sight(*tensors: tf.Tensor) -> list[tf.Tensor]:
    """The tensors, unseen by tapes, which would keep every chunk; forward mode, which would be 0, is an error."""
    refuse = functools.partial(tf.raw_ops.PreventGradient, message="the sharded head has no forward mode")
    return [tf.stop_gradient(refuse(input=tensor)) for tensor in tensors]


def _first_order_alone(gradients: Tensors, operands: Tensors) -> Tensors:
    """The gradients, refusing to be differentiated by what they were made of."""

    @tf.custom_gradient
    def alone(*_: tf.Tensor) -> Any:
        def grad(*_: tf.Tensor) -> Any:
            raise NotImplementedError("sharded_linear_softmax_cross_entropy has no gradients beyond first order.")

        return gradients, grad

    return alone(*operands)
