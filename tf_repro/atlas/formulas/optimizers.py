"""Twenty updates of ``tf.train``'s optimizers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from legacy_tf1.atlas.harness import STEPS
from legacy_tf1.atlas.inputs import normal
from tf_repro.atlas.formulas.terms import Constants, Formula, Outputs, root
from tf_repro.core.rounding import Rounded

RATE, SIZE = 0.05, 13
Slots = dict[str, Rounded]


def trained(start: dict[str, float], update: Callable[[Rounded, Slots, Constants], Rounded]) -> Formula:
    """The variable after the probe's steps, from the slots' first values and the update of one step."""

    def formula(number: Constants) -> Outputs:
        w, slots = number(normal(71, SIZE)), {name: number(np.full(SIZE, value)) for name, value in start.items()}
        for step in range(STEPS):
            w = w - update(number(normal(80 + step, SIZE)), slots, number)
        return {"variable": w}

    return formula


def adagrad(g: Rounded, slots: Slots, number: Constants) -> Rounded:
    """``G += g²``; ``η·g/√G``."""
    slots["squares"] = slots["squares"] + g * g
    return number(RATE) * g / root(slots["squares"])


def adadelta(g: Rounded, slots: Slots, number: Constants) -> Rounded:
    """``G = ρG + (1-ρ)g²``; ``u = g·√(U+ε)/√(G+ε)``; ``U = ρU + (1-ρ)u²``; ``η·u``, with ρ = 0.95 and ε = 1e-8."""
    rho, epsilon = number(0.95), number(1e-8)
    slots["squares"] = rho * slots["squares"] + (1 - rho) * (g * g)
    u = root(slots["updates"] + epsilon) * (1 / root(slots["squares"] + epsilon)) * g
    slots["updates"] = rho * slots["updates"] + (1 - rho) * (u * u)
    return number(RATE) * u


def adam(g: Rounded, slots: Slots, number: Constants) -> Rounded:
    """``m``, ``v`` and the powers of β: ``η·√(1-β₂ᵗ)/(1-β₁ᵗ)·m/(√v + ε)``, with 0.9, 0.999 and 1e-8."""
    first, second = number(0.9), number(0.999)
    slots["first"], slots["second"] = slots["first"] * first, slots["second"] * second
    slots["m"] = slots["m"] + (g - slots["m"]) * (1 - first)
    slots["v"] = slots["v"] + (g * g - slots["v"]) * (1 - second)
    rate = number(RATE) * root(1 - slots["second"]) / (1 - slots["first"])
    return slots["m"] * rate / (root(slots["v"]) + number(1e-8))


def rmsprop(g: Rounded, slots: Slots, number: Constants) -> Rounded:
    """``M += (g² - M)(1-ρ)``; ``η·g/√(M + ε)``, with ρ = 0.9 and ε = 1e-10."""
    slots["squares"] = slots["squares"] + (g * g - slots["squares"]) * (1 - number(0.9))
    return number(RATE) * g / root(slots["squares"] + number(1e-10))


FORMULAS: dict[str, Formula] = {
    "train_Adagrad": trained({"squares": 0.1}, adagrad),
    "train_Adadelta": trained({"squares": 0, "updates": 0}, adadelta),
    "train_Adam": trained({"first": 1, "second": 1, "m": 0, "v": 0}, adam),
    "train_RMSProp": trained({"squares": 1}, rmsprop),
}
