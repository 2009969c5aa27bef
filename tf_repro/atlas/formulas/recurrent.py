"""Recurrent layers of Keras over seven steps: the last state, and the input's gradient back through all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from legacy_tf1.atlas.inputs import normal
from tf_repro.atlas.formulas.terms import Constants, Formula, Outputs, stacked
from tf_repro.core.rounding import Rounded

UNITS = 4
SEED = 115
"""The first weight's draws have this seed, the next one's the next."""


def weights(number: Constants, *shapes: tuple[int, ...]) -> list[Rounded]:
    """The probe's fixed weights of these shapes."""
    return [number(0.5 * normal(SEED + place, *shape)) for place, shape in enumerate(shapes)]


def sigmoid(x: Rounded) -> Rounded:
    """``1 / (1 + exp(-x))``."""
    found: Rounded = 1.0 / (1.0 + np.exp(-x))
    return found


def tanh(x: Rounded) -> Rounded:
    """``1 - 2 / (exp(2x) + 1)``: its bound, an absolute one, holds the errors of other ways."""
    found: Rounded = 1.0 - 2.0 / (np.exp(2.0 * x) + 1.0)
    return found


def parts(x: Rounded) -> list[Rounded]:
    """The gates' columns."""
    return [x[..., start : start + UNITS] for start in range(0, x.shape[-1], UNITS)]


def joined(gates: Sequence[Rounded]) -> Rounded:
    """The gates side by side."""
    value, error = (np.concatenate(each, -1) for each in zip(*((g.value, g.error) for g in gates), strict=True))
    return Rounded(value, error, gates[0].precision)


def outputs(state: Rounded, by_step: Sequence[Rounded]) -> Outputs:
    """The last state, and the gradients of the steps, the last one first."""
    return {"value": state, "gradient of x": stacked(by_step[::-1], 1)}


def simple(x: Rounded, number: Constants) -> Outputs:
    """``h ← tanh(x W + h U + b)``."""
    w, u, b = weights(number, (x.shape[-1], UNITS), (UNITS, UNITS), (UNITS,))
    states = [number(np.zeros((len(x), UNITS)))]
    for step in range(x.shape[1]):
        states.append(tanh(x[:, step] @ w + states[-1] @ u + b))
    upstream, back = number.cotangents(*states[-1].shape), []
    for state in states[:0:-1]:
        slope = upstream * (1.0 - state * state)
        back.append(slope @ w.T)
        upstream = slope @ u.T
    return outputs(states[-1], back)


def lstm(x: Rounded, number: Constants) -> Outputs:
    """``c ← f c + i g``, ``h ← o tanh(c)``, the gates of ``x W + h U + b``."""
    w, u, b = weights(number, (x.shape[-1], 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,))
    h = c = number(np.zeros((len(x), UNITS)))
    tape = []
    for step in range(x.shape[1]):
        i, f, g, o = parts(x[:, step] @ w + h @ u + b)
        i, f, g, o, before = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o), c
        c = f * c + i * g
        bounded = tanh(c)
        h = o * bounded
        tape.append((i, f, g, o, before, bounded))
    dh, dc, back = number.cotangents(*h.shape), number(np.zeros(h.shape)), []
    for i, f, g, o, before, bounded in reversed(tape):
        dc = dc + dh * o * (1.0 - bounded * bounded)
        slopes = (dc * g * i * (1.0 - i), dc * before * f * (1.0 - f), dc * i * (1.0 - g * g),
                  dh * bounded * o * (1.0 - o))  # fmt: skip
        back.append(joined(slopes) @ w.T)
        dh, dc = joined(slopes) @ u.T, dc * f
    return outputs(h, back)


def gru(x: Rounded, number: Constants) -> Outputs:
    """``h ← z h + (1 - z) n`` with ``n = tanh(x W + r (h U + b))``: the reset comes after the product."""
    w, u, b = weights(number, (x.shape[-1], 3 * UNITS), (UNITS, 3 * UNITS), (2, 3 * UNITS))
    h = number(np.zeros((len(x), UNITS)))
    tape = []
    for step in range(x.shape[1]):
        (xz, xr, xn), (hz, hr, hn) = parts(x[:, step] @ w + b[0]), parts(h @ u + b[1])
        z, r = sigmoid(xz + hz), sigmoid(xr + hr)
        n = tanh(xn + r * hn)
        tape.append((z, r, n, hn, h))
        h = z * h + (1.0 - z) * n
    dh, back = number.cotangents(*h.shape), []
    for z, r, n, hn, before in reversed(tape):
        slope = dh * (1.0 - z) * (1.0 - n * n)
        gates = dh * (before - n) * z * (1.0 - z), slope * hn * r * (1.0 - r)
        back.append(joined((*gates, slope)) @ w.T)
        dh = dh * z + joined((*gates, slope * r)) @ u.T
    return outputs(h, back)


FORMULAS: dict[str, Formula] = {
    "keras_layer_SimpleRNN": simple,
    "keras_layer_LSTM": lstm,
    "keras_layer_GRU": gru,
}
