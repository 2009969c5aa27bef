"""What a head is: how its logits come about, what its loss adds to them, and how they are cut into pieces."""

from typing import NamedTuple

import tensorflow as tf


class Head(NamedTuple):
    """All that is known of a head before it sees a tensor.

    Its weights are a tuple ``(kernel, [bias], [class_weight])``.
    """

    classes: int
    chunk_size: int
    block_size: int
    keep: bool
    dense: bool
    transposed: bool = False
    biased: bool = False
    class_weighted: bool = False
    logit_scale: float = 1.0
    soft_cap: float | None = None
    label_smoothing: float = 0.0
    z_loss: float = 0.0
    statistics: bool = False

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """First class and number of classes of each block."""
        starts = range(0, self.classes, self.block_size)
        return [(start, min(self.block_size, self.classes - start)) for start in starts]

    @property
    def trained(self) -> int:
        """How many of the weights have a gradient: the kernel, and the bias if there is one."""
        return 1 + self.biased

    def embedding(self, weights: tuple[tf.Tensor, ...], block: tuple[int, int]) -> tf.Tensor:
        """The kernel's block as ``[classes, width]``, in which layout the matrix products are fastest."""
        return (
            weights[0][block[0] : sum(block)] if self.transposed else tf.transpose(weights[0][:, block[0] : sum(block)])
        )

    def class_weight(self, weights: tuple[tf.Tensor, ...], block: tuple[int, int]) -> tf.Tensor:
        """The weights of the block's classes, or 1."""
        return weights[-1][block[0] : sum(block)] if self.class_weighted else tf.ones([], weights[0].dtype)

    def raw_logits(
        self, x: tf.Tensor, weights: tuple[tf.Tensor, ...], embedding: tf.Tensor, block: tuple[int, int]
    ) -> tf.Tensor:
        """``[classes, rows]`` of the block, before they are scaled and capped."""
        raw = tf.matmul(embedding, x, transpose_b=True)
        return raw + weights[1][block[0] : sum(block), tf.newaxis] if self.biased else raw

    def logits(self, raw: tf.Tensor) -> tf.Tensor:
        """``c·tanh(scale·raw / c)``, or ``scale·raw`` without a cap ``c``."""
        if self.soft_cap is not None:
            return self.soft_cap * tf.tanh(raw * (self.logit_scale / self.soft_cap))
        return raw if self.logit_scale == 1 else raw * self.logit_scale

    def slope(self, raw: tf.Tensor) -> tf.Tensor | float:
        """The derivative of `logits`; the hyperbolic cosine keeps its digits where ``1 - tanh²`` has none left."""
        if self.soft_cap is None:
            return self.logit_scale
        return self.logit_scale / tf.square(tf.cosh(raw * (self.logit_scale / self.soft_cap)))
