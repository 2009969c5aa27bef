"""The head as it is defined, in NumPy long double with all its logits: the oracle of its options."""

import numpy as np


def head(
    features,
    kernel,
    targets,
    bias=0.0,
    weight=1.0,
    logit_scale=1.0,
    soft_cap=None,
    class_weight=1.0,
    z_loss=0.0,
):
    """Losses, the gradients of ``Σ weight·loss`` by features, kernel and bias, and what the logits show.

    Targets are probabilities ``[rows, classes]``, smoothed already; the kernel is ``[width, classes]``.
    """
    x, k, p = (np.asarray(value, np.longdouble) for value in (features, kernel, targets))
    raw = (x @ k + np.asarray(bias, np.longdouble)) * logit_scale
    z = raw if soft_cap is None else soft_cap * np.tanh(raw / soft_cap)
    p = p * np.asarray(class_weight, np.longdouble)
    largest = z.max(-1, keepdims=True)
    exponentials = np.exp(z - largest)
    q = exponentials / exponentials.sum(-1, keepdims=True)
    lse = (largest + np.log(exponentials.sum(-1, keepdims=True)))[:, 0]
    losses = p.sum(-1) * lse - (p * z).sum(-1) + z_loss * lse**2
    residual = q * (p.sum(-1) + 2 * z_loss * lse)[:, None] - p
    slope = logit_scale if soft_cap is None else logit_scale / np.cosh(raw / soft_cap) ** 2
    residual = residual * slope * np.broadcast_to(np.asarray(weight, np.longdouble), x.shape[:1])[:, None]
    label = np.asarray(targets).argmax(-1)
    at_label = np.take_along_axis(z, label[:, None], 1)
    seen = {
        "argmax": z.argmax(-1),
        "rank": (z > at_label).sum(-1),
        "log_probability": at_label[:, 0] - lse,
        "log_sum_exp": lse,
        "entropy": lse - (q * z).sum(-1),
    }
    gradients = residual @ k.T, x.T @ residual, residual.sum(0)
    return losses, gradients, seen
