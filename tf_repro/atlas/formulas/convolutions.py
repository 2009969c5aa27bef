"""Convolutions and pooling, as matrix products of patches."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from legacy_tf1.atlas.inputs import normal
from tf_repro.atlas.formulas.terms import Constants, Formula, Outputs, padded, reshaped, stacked
from tf_repro.core.rounding import Rounded

PADDING = 100.0
"""Taken from every entry before zeros are padded, so that no padded zero is one of them."""


class Geometry(NamedTuple):
    """Strides, and the padding (before, after) of height and width."""

    stride: int
    height: tuple[int, int]
    width: tuple[int, int]


SAME = Geometry(1, (1, 1), (1, 1))
"""A kernel of 3 × 3, moved by 1."""

VALID_BY_TWO = Geometry(2, (0, 0), (0, 0))
VALID = Geometry(1, (0, 0), (0, 0))
SAME_BY_TWO = Geometry(2, (0, 1), (0, 1))
"""A kernel of 3 × 3, moved by 2 over an even length."""

ODD_BY_TWO = Geometry(2, (1, 1), (1, 1))
"""The same over an odd length."""

ALONG = Geometry(1, (0, 0), (1, 1))
"""A kernel of 1 × 3, moved by 1."""


def patches(x: Rounded, kernel: tuple[int, ...], by: Geometry) -> Rounded:
    """What each place of the output sees: [n, height, width, kernel height · kernel width · channels]."""
    x = padded(x, (0, 0), by.height, by.width, (0, 0))
    n, height, width, _ = x.shape
    rows, columns = 1 + (height - kernel[0]) // by.stride, 1 + (width - kernel[1]) // by.stride
    seen = [
        x[:, i : i + by.stride * (rows - 1) + 1 : by.stride, j : j + by.stride * (columns - 1) + 1 : by.stride]
        for i in range(kernel[0])
        for j in range(kernel[1])
    ]
    return reshaped(stacked(seen, 3), n, rows, columns, -1)


def convolved(x: Rounded, kernel: Rounded, by: Geometry) -> Rounded:
    """The convolution of [n, h, w, c] with a kernel [kh, kw, c, filters]."""
    seen = patches(x, kernel.shape, by)
    flat = reshaped(seen, -1, seen.shape[-1]) @ reshaped(kernel, -1, kernel.shape[-1])
    return reshaped(flat, *seen.shape[:3], kernel.shape[-1])


def back_to_input(dy: Rounded, kernel: Rounded, by: Geometry, height: int, width: int) -> Rounded:
    """The input's gradient: the cotangents, spread by the stride, convolved with the turned kernel."""
    n, rows, columns, filters = dy.shape
    spread = Rounded(np.zeros((n, by.stride * (rows - 1) + 1, by.stride * (columns - 1) + 1, filters)), 0, dy.precision)
    value, error = spread.value.copy(), np.zeros(spread.shape, spread.value.dtype)
    value[:, :: by.stride, :: by.stride], error[:, :: by.stride, :: by.stride] = dy.value, dy.error
    turned = Rounded(
        kernel.value[::-1, ::-1].transpose(0, 1, 3, 2), kernel.error[::-1, ::-1].transpose(0, 1, 3, 2), kernel.precision
    )
    before = kernel.shape[0] - 1 - by.height[0], kernel.shape[1] - 1 - by.width[0]
    after = (
        height + kernel.shape[0] - 1 - value.shape[1] - before[0],
        width + kernel.shape[1] - 1 - value.shape[2] - before[1],
    )
    around = Geometry(1, (before[0], after[0]), (before[1], after[1]))
    return convolved(Rounded(value, error, dy.precision), turned, around)


def back_to_kernel(x: Rounded, dy: Rounded, shape: tuple[int, ...], by: Geometry) -> Rounded:
    """The kernel's gradient."""
    seen = patches(x, shape, by)
    return reshaped(reshaped(seen, -1, seen.shape[-1]).T @ reshaped(dy, -1, dy.shape[-1]), *shape)


def conv2d(x: Rounded, kernel: Rounded, number: Constants, by: Geometry) -> Outputs:
    """A convolution and both gradients."""
    value = convolved(x, kernel, by)
    dy = number.cotangents(*value.shape)
    return {
        "value": value,
        "gradient of x": back_to_input(dy, kernel, by, *x.shape[1:3]),
        "gradient of kernel": back_to_kernel(x, dy, kernel.shape, by),
    }


def conv2d_layer(x: Rounded, number: Constants, kernel: int, bias: int | None) -> Outputs:
    """A layer of four filters of 3 × 3 with the probe's fixed weights, given by the seeds of their draws."""
    found = conv2d(x, number(0.5 * normal(kernel, 3, 3, x.shape[-1], 4)), number, VALID)
    shift = 0.0 if bias is None else 0.5 * normal(bias, 4)
    return {"value": found["value"] + number(shift), "gradient of x": found["gradient of x"]}


def conv1d(x: Rounded, kernel: Rounded, number: Constants) -> Outputs:
    """The same along one axis."""
    row = conv2d(x[:, None], kernel[None], _Flat(number.precision), ALONG)
    return {name: each[:, 0] if name != "gradient of kernel" else each[0] for name, each in row.items()}


def conv2d_transpose(x: Rounded, kernel: Rounded, number: Constants) -> Outputs:
    """A convolution's gradient as the operation: 5 × 5 to 10 × 10."""
    value = back_to_input(x, kernel, SAME_BY_TWO, 10, 10)
    dy = number.cotangents(*value.shape)
    return {
        "value": value,
        "gradient of x": convolved(dy, kernel, SAME_BY_TWO),
        "gradient of kernel": back_to_kernel(dy, x, kernel.shape, SAME_BY_TWO),
    }


def depthwise(x: Rounded, kernel: Rounded, number: Constants) -> Outputs:
    """Each channel convolved with kernels of its own."""
    channels, multiplier = kernel.shape[2:]
    one = [(x[..., c : c + 1], kernel[:, :, c : c + 1]) for c in range(channels)]
    value = stacked([convolved(*each, SAME) for each in one], 3)
    value = reshaped(value, *value.shape[:3], -1)
    dy = number.cotangents(*value.shape)
    cut = [dy[..., c * multiplier : (c + 1) * multiplier] for c in range(channels)]
    back = [back_to_input(d, k, SAME, *x.shape[1:3]) for d, (_, k) in zip(cut, one, strict=True)]
    kernels = [back_to_kernel(each, d, k.shape, SAME) for d, (each, k) in zip(cut, one, strict=True)]
    return {
        "value": value,
        "gradient of x": reshaped(stacked(back, 3), *x.shape),
        "gradient of kernel": reshaped(stacked(kernels, 2), *kernel.shape),
    }


def avg_pool(x: Rounded, number: Constants) -> Outputs:
    """The mean of what each window of 3 × 3 holds, moved by 2."""
    ones = number(np.ones((3, 3, 1, 1)))
    counts = convolved(number(np.ones((1, *x.shape[1:3], 1))), ones, ODD_BY_TWO)
    counts = Rounded(counts.value, 0, counts.precision)  # whole numbers up to 9: nothing is rounded
    channels = [x[..., c : c + 1] for c in range(x.shape[-1])]
    value = stacked([convolved(each, ones, ODD_BY_TWO)[..., 0] for each in channels], 3) / counts
    shares = number.cotangents(*value.shape) / counts
    back = [back_to_input(shares[..., c : c + 1], ones, ODD_BY_TWO, *x.shape[1:3]) for c in range(x.shape[-1])]
    return {"value": value, "gradient of x": reshaped(stacked(back, 3), *x.shape)}


def max_pool(x: Rounded, number: Constants) -> Outputs:
    """The largest of each window of 3 × 3, moved by 2; its gradient adds where an entry is the largest of several."""
    low = Rounded(np.where(np.isfinite(x.value), x.value, 0) - PADDING, 0, x.precision)  # padding never wins
    n, height, width, channels = x.shape
    seen = patches(low, (3, 3), ODD_BY_TWO)
    seen = reshaped(seen, *seen.shape[:3], 9, channels)
    windows = np.where(seen.value == 0, -np.inf, seen.value + PADDING)
    places = patches(number(1 + np.arange(n * height * width).reshape(n, height, width, 1)), (3, 3), ODD_BY_TWO)
    won = np.take_along_axis(places.value[..., None], windows.argmax(3)[..., None, :], 3)[..., 0, :] - 1
    value = number(windows.max(3))
    dy = number.cotangents(*value.shape)
    back = [
        number(np.arange(n * height * width)[:, None] == won[..., c].ravel()) @ reshaped(dy[..., c], -1)
        for c in range(channels)
    ]
    return {"value": value, "gradient of x": reshaped(stacked(back, 1), *x.shape)}


def bias_add(x: Rounded, bias: Rounded, number: Constants) -> Outputs:
    """``x + b``, and the sum of the cotangents over all but the channels."""
    dy = number.cotangents(*x.shape)
    return {"value": x + bias, "gradient of x": dy, "gradient of bias": reshaped(dy, -1, x.shape[-1]).sum(0)}


class _Flat(Constants):
    """Cotangents of one spatial axis, with an axis of length 1 before it."""

    def cotangents(self, *shape: int) -> Rounded:
        """The upstream gradient of the shape without that axis."""
        return Constants.cotangents(self, shape[0], *shape[2:])[:, None]


FORMULAS: dict[str, Formula] = {
    "conv2d_same": partial(conv2d, by=SAME),
    "conv2d_valid_strided": partial(conv2d, by=VALID_BY_TWO),
    "conv2d_pointwise": partial(conv2d, by=VALID),
    "conv2d_transpose": conv2d_transpose,
    "layer_conv2d": partial(conv2d_layer, kernel=114, bias=None),
    "keras_layer_Conv2D": partial(conv2d_layer, kernel=115, bias=116),
    "conv1d": conv1d,
    "depthwise_conv2d": depthwise,
    "avg_pool": avg_pool,
    "max_pool": max_pool,
    "bias_add": bias_add,
}
