"""The mathematics of one chunk of examples, a block of classes at a time; logits are ``[classes, rows]``.

Every example has a *pivot*: its label, or the likeliest class of dense labels. Its entry is kept out of the sums and
put back as what the others lack to 1, so that nothing cancels where the head is confident and right::

    loss = T·log1p(r + expm1(s)) - Σ t·(z - m)        residual at the pivot = t̃ - T·r / (r + exp s)

``m`` is the largest logit, ``s`` the pivot's logit less ``m``, ``r`` the sum of ``exp(z - m)`` over the others,
``t`` the targets, ``T`` their sum, and ``t̃`` their sum over the others.
"""

from typing import NamedTuple

import tensorflow as tf

from tf_repro.nn.linear.chunks import one_after_another
from tf_repro.nn.linear.head import Head

Block = tuple[int, int]


class Examples(NamedTuple):
    """One chunk: features ``[rows, width]``, pivots ``[rows]`` and, of dense form, labels ``[rows, classes]``."""

    x: tf.Tensor
    pivot: tf.Tensor
    labels: tf.Tensor  # or None, of sparse labels

    def position(self, block: Block) -> tuple[tf.Tensor, tf.Tensor]:
        """Where the pivots stand in the block, ``[rows, 2]``, and which of them do."""
        inside = (self.pivot >= block[0]) & (self.pivot < sum(block))
        index = tf.clip_by_value(self.pivot - block[0], 0, block[1] - 1)
        return tf.stack([index, tf.range(tf.size(index))], -1), inside


class Sums(NamedTuple):
    """What the classes seen so far add up to, by example; those of `exp` are relative to ``largest``."""

    largest: tf.Tensor
    rest: tf.Tensor  # Σ exp(z - m) without the pivot
    pivot: tf.Tensor  # the pivot's logit, 0 until it is met
    inner: tf.Tensor  # Σ t·(z - m), of what every class has for a target: not the part of an integer label
    mass: tf.Tensor  # Σ t over the same
    others: tf.Tensor  # Σ t over the same without the pivot
    spread: tf.Tensor  # Σ exp(z - m)·(z - m) without the pivot, for the entropy
    likeliest: tf.Tensor  # the first class of the largest logit

    def joined(self, other: "Sums") -> "Sums":
        """The sums over the classes of both, those of `other` being the later ones."""
        largest = tf.maximum(self.largest, other.largest)
        a, b = self.largest - largest, other.largest - largest
        u, v = tf.exp(a), tf.exp(b)
        return Sums(
            largest,
            u * self.rest + v * other.rest,
            self.pivot + other.pivot,
            self.inner + self.mass * a + other.inner + other.mass * b,
            self.mass + other.mass,
            self.others + other.others,
            u * (self.spread + self.rest * a) + v * (other.spread + other.rest * b),
            tf.where(other.largest > self.largest, other.likeliest, self.likeliest),
        )


class Losses(NamedTuple):
    """What is known of each example once all classes were seen."""

    loss: tf.Tensor
    log_sum_exp: tf.Tensor
    log_probability: tf.Tensor  # of the pivot
    largest: tf.Tensor
    share: tf.Tensor  # what exp(z - m) is multiplied by in the residual
    at_pivot: tf.Tensor  # the residual there
    pivot: tf.Tensor  # its logit
    entropy: tf.Tensor
    likeliest: tf.Tensor


def sums_and_raw(head: Head, examples: Examples, weights: tuple[tf.Tensor, ...]) -> tuple[Sums, list[tf.Tensor | None]]:
    """The sums over all classes, and the raw logits of each block if the head keeps them."""

    def visit(block: Block) -> tuple[Sums, tf.Tensor]:
        raw = head.raw_logits(examples.x, weights, head.embedding(weights, block), block)
        return _sums(head, examples, weights, head.logits(raw), block), raw

    if head.keep:
        visited = one_after_another(visit, head.blocks)
        parts, kept = [part for part, _ in visited], [raw for _, raw in visited]
    else:
        parts = one_after_another(lambda block: visit(block)[0], head.blocks)
        kept = [None] * len(parts)
    total = parts[0]
    for part in parts[1:]:
        total = total.joined(part)
    return total, kept


def losses(head: Head, examples: Examples, weights: tuple[tf.Tensor, ...], sums: Sums) -> Losses:
    """Losses and all that the residual needs beside the logits."""
    everything = (0, head.classes)
    mass, inner, others = sums.mass, sums.inner, sums.others
    shifted = sums.pivot - sums.largest
    if not head.dense:
        own = 1 - head.label_smoothing
        if head.class_weighted:
            own *= tf.gather(head.class_weight(weights, everything), examples.pivot)
        mass, inner = mass + own, inner + own * shifted
    exponential = tf.exp(shifted)
    partition = sums.rest + exponential
    tail = tf.math.log1p(sums.rest + tf.math.expm1(shifted))
    log_sum_exp = sums.largest + tail
    loss = mass * tail - inner
    if head.z_loss:
        loss += head.z_loss * tf.square(log_sum_exp)
        mass, others = mass + 2 * head.z_loss * log_sum_exp, others + 2 * head.z_loss * log_sum_exp
    return Losses(
        loss,
        log_sum_exp,
        shifted - tail,
        sums.largest,
        mass / partition,
        others - mass * (sums.rest / partition),
        sums.pivot,
        tail - (sums.spread + tf.math.multiply_no_nan(shifted, exponential)) / partition,
        sums.likeliest,
    )


def residual(
    head: Head, examples: Examples, weights: tuple[tf.Tensor, ...], known: Losses, raw: tf.Tensor, block: Block
) -> tf.Tensor:
    """The losses' derivative by the block's raw logits."""
    position, inside = examples.position(block)
    value = tf.exp(head.logits(raw) - known.largest) * known.share
    targets = _targets(head, examples, weights, block)
    if targets is not None:
        value -= targets
    value = _put(value, position, tf.where(inside, known.at_pivot, tf.gather_nd(value, position)))
    slope = head.slope(raw)
    return value if isinstance(slope, float) and slope == 1 else value * slope


def through_embedding(residual: tf.Tensor, embedding: tf.Tensor) -> tf.Tensor:
    """The residual's product with the block's embeddings, ``[rows, width]``, by 128 classes at a time.

    One product adds thousands of terms one after another, and loses three bits to it.
    """
    total = tf.matmul(residual[:128], embedding[:128], transpose_a=True)
    for i in range(128, residual.shape[0], 128):
        with tf.control_dependencies([total]):
            total += tf.matmul(residual[i : i + 128], embedding[i : i + 128], transpose_a=True)
    return total


def above_pivot(head: Head, examples: Examples, known: Losses, raw: tf.Tensor, block: Block) -> tf.Tensor:
    """How many of the block's other classes have a larger logit than the pivot."""
    # XLA may compute a logit twice and round it differently, so that it is above itself.
    others = tf.range(block[0], sum(block))[:, tf.newaxis] != examples.pivot
    return tf.math.count_nonzero((head.logits(raw) > known.pivot) & others, 0, dtype=tf.int32)


def _sums(head: Head, examples: Examples, weights: tuple[tf.Tensor, ...], z: tf.Tensor, block: Block) -> Sums:
    position, inside = examples.position(block)
    largest = tf.maximum(tf.reduce_max(z, 0), z.dtype.min)  # the finite one where all are -inf
    at_pivot = tf.gather_nd(z, position)
    shifted = z - largest
    nothing = tf.zeros_like(largest)
    inner = mass = others = spread = nothing
    likeliest = tf.zeros_like(examples.pivot)
    targets = _targets(head, examples, weights, block)
    if targets is not None:
        inner = tf.reduce_sum(tf.math.multiply_no_nan(shifted, targets), 0)
        mass = tf.reduce_sum(targets, 0) + nothing
        if head.dense:
            own = tf.where(inside, nothing, tf.gather_nd(targets, position))
            others = tf.reduce_sum(_put(targets, position, own), 0)
        else:
            others = mass - tf.where(inside, tf.gather(targets[:, 0], position[:, 0]), nothing)
    if head.statistics:
        likeliest = block[0] + tf.argmax(z, 0, output_type=tf.int32)
    exponentials = tf.exp(shifted)
    exponentials = _put(exponentials, position, tf.where(inside, nothing, tf.gather_nd(exponentials, position)))
    if head.statistics:
        spread = tf.reduce_sum(tf.math.multiply_no_nan(shifted, exponentials), 0)
    rest = _over_classes(exponentials)
    return Sums(largest, rest, tf.where(inside, at_pivot, nothing), inner, mass, others, spread, likeliest)


def _targets(head: Head, examples: Examples, weights: tuple[tf.Tensor, ...], block: Block) -> tf.Tensor | None:
    """Targets of the block, ``[classes, rows]``, or ``[classes, 1]`` of those that do not depend on the label."""
    epsilon = head.label_smoothing
    weight = tf.reshape(head.class_weight(weights, block), [-1, 1])
    if head.dense:
        p = tf.transpose(tf.cast(examples.labels[:, block[0] : sum(block)], examples.x.dtype))
        p = p * (1 - epsilon) + epsilon / head.classes if epsilon else p
        return p * weight if head.class_weighted else p
    return tf.broadcast_to(weight * (epsilon / head.classes), [block[1], 1]) if epsilon else None


def _over_classes(matrix: tf.Tensor) -> tf.Tensor:
    """Sums of the columns by 64 at a time: one after another, thousands of terms lose four bits and take longer."""
    whole = matrix.shape[0] // 64 * 64
    blocks = tf.reshape(matrix[:whole], [-1, 64, tf.shape(matrix)[1]])
    total = tf.reduce_sum(tf.reduce_sum(blocks, 1), 0)
    return total if whole == matrix.shape[0] else total + tf.reduce_sum(matrix[whole:], 0)


def _put(matrix: tf.Tensor, position: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    return tf.tensor_scatter_nd_update(matrix, position, values)
