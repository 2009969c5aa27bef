"""What the layers share that return a loss in place of logits: its options, masks, and what they show of it."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_repro import nn
from tf_repro.keras_backend import keras
from tf_repro.layers.fit_checks import refuse_what_fit_would_lose
from tf_repro.nn.arguments import checked_chunk_size, checked_real
from tf_repro.nn.cross_entropy import check_ignore_class, check_label_smoothing

_REDUCTIONS = ("mean", "sum", "none")
_SHOWN = "'accuracy', 'top_K_accuracy', 'log_probability', 'log_sum_exp' or 'entropy'"


class LinearLoss:
    """The loss of a head, for layers to mix in."""

    name: str
    add_loss: Callable[[tf.Tensor], None]

    def _set_loss_options(
        self,
        ignore_class: int | None,
        label_smoothing: float,
        reduction: str,
        chunk_size: int | None,
        class_weight: Sequence[float] | None,
        z_loss: float,
        metrics: Sequence[str],
    ) -> None:
        if reduction not in _REDUCTIONS:
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none'. Received: reduction={reduction!r}")
        if isinstance(metrics, str) or not all(_shown(name) for name in metrics):
            raise ValueError(f"metrics must be a sequence of {_SHOWN}. Received: metrics={metrics!r}")
        self.ignore_class = check_ignore_class(ignore_class)
        self.label_smoothing = check_label_smoothing(label_smoothing)
        self.reduction = reduction
        self.chunk_size = checked_chunk_size(chunk_size)
        self.class_weight = None if class_weight is None else [float(weight) for weight in np.ravel(class_weight)]
        self.z_loss = checked_real(z_loss, "z_loss", "a number, at least 0", 0.0)
        self.means = [keras.metrics.Mean(name=name) for name in metrics]

    def _loss_config(self) -> dict[str, Any]:
        return {
            "ignore_class": self.ignore_class,
            "label_smoothing": self.label_smoothing,
            "reduction": self.reduction,
            "chunk_size": self.chunk_size,
            "class_weight": self.class_weight,
            "z_loss": self.z_loss,
            "metrics": [mean.name for mean in self.means],
        }

    def _loss(
        self,
        features: tf.Tensor,
        kernel: tf.Tensor,
        bias: tf.Tensor | None,
        labels: Any,
        sample_weight: Any,
        mask: tf.Tensor | None,
        training: bool | None,
        **logits: Any,
    ) -> tf.Tensor:
        """The loss of ``features``; a scalar is added to the losses of the model."""
        refuse_what_fit_would_lose(self.name, self.reduction != "none")
        rows = features if isinstance(features, tf.RaggedTensor) else None
        features, labels, sample_weight = (_flat(values) for values in (features, labels, sample_weight))
        labels = tf.convert_to_tensor(labels)
        counted = _counted(mask, labels, self.ignore_class)
        if mask is not None:  # what is masked may be anything, and must not reach the sums
            features = tf.where(mask[..., tf.newaxis], features, tf.zeros_like(features))
        result = nn.linear_softmax_cross_entropy(
            features,
            kernel,
            labels,
            bias,
            sample_weight=_masked(sample_weight, mask, labels, self.ignore_class, self.reduction),
            reduction=self.reduction,
            ignore_class=self.ignore_class,
            label_smoothing=self.label_smoothing,
            chunk_size=self.chunk_size,
            recompute=True if training is False or self.reduction == "none" else None,
            class_weight=None if self.class_weight is None else tf.constant(self.class_weight, kernel.dtype),
            z_loss=self.z_loss,
            return_statistics=bool(self.means),
            **logits,
        )
        loss = result[0] if self.means else result
        for mean in self.means:
            mean.update_state(_value(mean.name, result[1]), counted)
        if self.reduction != "none":
            self.add_loss(loss)
        elif counted is not None:
            loss._keras_mask = counted
        return rows.with_flat_values(loss) if rows is not None and self.reduction == "none" else loss


def checked_soft_cap(soft_cap: float | None, name: str = "soft_cap") -> float | None:
    """``soft_cap`` as a float, or None."""
    return None if soft_cap is None else checked_real(soft_cap, name, "above 0, or None", 0.0, exclusive=True)


def _shown(name: Any) -> bool:
    known = isinstance(name, str) and re.fullmatch(
        "accuracy|top_[1-9][0-9]*_accuracy|log_probability|log_sum_exp|entropy", name
    )
    return bool(known)


def _value(name: str, statistics: nn.LinearStatistics) -> tf.Tensor:
    if name.endswith("accuracy"):
        k = 1 if name == "accuracy" else int(name.split("_")[1])
        return tf.cast(statistics.rank < k, tf.float32)
    return getattr(statistics, name)


def _flat(values: Any) -> Any:
    return values.flat_values if isinstance(values, tf.RaggedTensor) else values


def _counted(mask: Any, labels: tf.Tensor, ignore_class: int | None) -> tf.Tensor | None:
    """Which examples count, or None for all."""
    if ignore_class is None:
        return mask
    counted = labels != tf.cast(ignore_class, labels.dtype)
    return counted if mask is None else counted & mask


def _masked(sample_weight: Any, mask: Any, labels: tf.Tensor, ignore_class: int | None, reduction: str) -> Any:
    """Weights that are 0 where ``mask`` is False, and make up for that in a mean over all that are not ignored."""
    if mask is None:
        return sample_weight
    kept = tf.cast(mask, tf.float32)
    weight = kept if sample_weight is None else kept * tf.cast(sample_weight, tf.float32)
    if reduction != "mean":
        return weight
    counted = (
        tf.ones_like(kept)
        if ignore_class is None
        else tf.cast(labels != tf.cast(ignore_class, labels.dtype), tf.float32)
    )
    return weight * tf.math.divide_no_nan(tf.reduce_sum(counted), tf.reduce_sum(counted * kept))
