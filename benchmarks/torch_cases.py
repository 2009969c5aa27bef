"""The operations in PyTorch."""

import torch
from torch.nn import functional

CHUNKED = "torch, linear_cross_entropy"


def has_chunked_head():
    """Whether this PyTorch has the head that never holds all its logits."""
    return hasattr(torch.nn, "LinearCrossEntropyOptions")


def build_torch(operation, arrays, name="torch"):
    """A function of no arguments: value and gradients."""
    tensors = {key: torch.from_numpy(value) for key, value in arrays.items()}
    watched = [tensors[key].requires_grad_() for key in ("features", "kernel", "logits") if key in tensors]
    labels = tensors.get("labels")
    if operation in ("sparse", "linear"):
        labels = labels.long()

    def call():
        if operation == "softmax":
            value = functional.softmax(tensors["logits"], -1)
        elif name == CHUNKED:
            options = torch.nn.LinearCrossEntropyOptions()
            value = functional.linear_cross_entropy(tensors["features"], tensors["kernel"].T, labels, options=options)
        elif operation == "linear":
            value = functional.cross_entropy(tensors["features"] @ tensors["kernel"], labels)
        else:
            value = functional.cross_entropy(tensors["logits"], labels, reduction="none")
        upstream = tensors.get("upstream", torch.ones_like(value))
        return [value.detach(), *torch.autograd.grad(value, watched, upstream)]

    return call
