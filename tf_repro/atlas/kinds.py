"""Why bits moved: each kind is a rule over what was recorded.

A probe with a formula is held to the rounding bound of that formula. Where both sides of a change lie within it, the
formula is the same: if one of its functions moved in the same release, so did this probe by it; else the order of the
sums (or their fusing) is what is left. Where one side lies outside, the algorithm is another.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_repro.atlas.attributions import ATTRIBUTED
from tf_repro.atlas.formulas import FORMULAS, FUNCTIONS
from tf_repro.atlas.parts import PARTS
from tf_repro.atlas.recordings import values_of

Key = tuple[str, str, str, str]

NOT_ATTRIBUTED = "not attributed"
OTHER_DEFAULT = "other default"
OTHER_STREAM = "other random stream"
OTHER_ALGORITHM = "other algorithm"
OTHER_APPROXIMATION = "other approximation"
OTHER_FAILURE = "other failure"
ORDER = "order of summation"
SIGN = "sign of zero"
ONEDNN = "oneDNN by default"

SAME_FUNCTION = 8.0
"""In rounding units: two implementations of a function, each within 3 eps as the worst in
:data:`tf_repro.core.rounding.ACCURACY` is, and rounded once more."""

FOUR_IN_A_ROW = 4 * SAME_FUNCTION
"""The most that a composition may move by its parts: no probe has more than four of them one after the other."""


MOST_DRAWS = 0.5
"""Rounding moves no draw by a thousandth of itself; this share of them leaves room for rejected ones."""

MOST_WHOLE_DRAWS = 0.1
"""Rounding moves a whole number where the uniform one lies within a few eps of a boundary: one in 10⁶. Two streams of
one of three categories agree in half of their draws."""


@dataclass(frozen=True)
class Reason:
    """A kind and its grounds."""

    kind: str
    because: str = ""


@dataclass(frozen=True)
class Step:
    """A change whose reason is asked for.

    Attributes:
        key: (probe, style, dtype, output).
        about: the probe's kind, whether it sums, and its symbols.
        old: the content before.
        new: the content after.
        release: the first with the new content.
        units: by how much it moved, in rounding units.
        moved: the probes that moved meanwhile, in the same precision, style and state of oneDNN.
    """

    key: Key
    about: Mapping[str, Any]
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    release: str
    units: float | None
    moved: Set[str]


def reason(step: Step) -> Reason:
    """The first rule that says why."""
    for rule in (_emulated, _told, _sign, _random, _elementwise, _formula, _rewritten, _by_default, _parts, _far):
        found = rule(step)
        if found is not None:
            return found
    return Reason(NOT_ATTRIBUTED)


def _emulated(step: Step) -> Reason | None:
    """An emulation gives the bits on both sides."""
    probe, _, dtype, _ = step.key
    for each in ATTRIBUTED:
        if (each.probe, each.dtype, each.release) == (probe, dtype, step.release):
            return Reason(each.kind, each.reason)
    return None


def _told(step: Step) -> Reason | None:
    """A fact, or a failure's words."""
    if "fact" in step.old and "fact" in step.new:
        return Reason(OTHER_DEFAULT)
    if "values" not in step.old or "values" not in step.new:
        return Reason(OTHER_FAILURE)
    return None


def _sign(step: Step) -> Reason | None:
    """All entries are recorded, the same numbers, and other bits."""
    a, b = values_of(step.old), values_of(step.new)
    whole = step.old["stride"] == 1 and a.dtype == b.dtype and a.shape == b.shape
    if whole and np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
        return Reason(SIGN, "only zeros, or the bits of nan, are others")
    return None


def _random(step: Step) -> Reason | None:
    """More draws are others than rounding can make others."""
    if step.about["kind"] != "random" or step.old["shape"] != step.new["shape"]:
        return None
    a, b = values_of(step.old), values_of(step.new)
    most = MOST_WHOLE_DRAWS if a.dtype.kind == b.dtype.kind == "i" else MOST_DRAWS
    a, b = a.astype(np.float64), b.astype(np.float64)
    if np.mean(np.abs(a - b) > 1e-3 * np.maximum(np.abs(a), np.abs(b))) > most:
        return Reason(OTHER_STREAM)
    return _by_size(step)


def _elementwise(step: Step) -> Reason | None:
    """A function of single entries has no sum whose order could be another."""
    return _by_size(step) if step.about["kind"] == "kernel" and not step.about["sums"] else None


def _by_size(step: Step) -> Reason | None:
    if step.units is None:
        return None
    near = step.units <= SAME_FUNCTION
    by = f"{'at most' if near else 'more than'} {SAME_FUNCTION:g} rounding units"
    return Reason(OTHER_APPROXIMATION if near else OTHER_ALGORITHM, f"no sum is taken, and it moved by {by}")


def _formula(step: Step) -> Reason | None:
    """Both sides within the bound of the probe's formula, or one of them."""
    probe = step.key[0]
    sides = step.old.get("within"), step.new.get("within")
    if probe not in FORMULAS or None in sides or sides == (False, False):
        return None
    if sides != (True, True):
        which = "before" if sides[1] else "since"
        return Reason(OTHER_ALGORITHM, f"what it gave {which} is not within the rounding bound of its formula")
    functions = sorted(set(FUNCTIONS.get(probe, ())) & step.moved)
    if functions:
        return Reason(OTHER_APPROXIMATION, f"{' and '.join(functions)} moved in the same release")
    return Reason(ORDER, "both are within the rounding bound of one formula, and its functions did not move")


def _rewritten(step: Step) -> Reason | None:
    """Keras' own code took the place of TensorFlow's operations, or of other code of its own."""
    if not step.key[0].startswith("keras_"):
        return None
    if step.about["kind"] == "optimizer" and step.release.startswith("2.11."):
        return Reason(OTHER_ALGORITHM, "Keras' optimizers were written anew in 2.11")
    if step.release.startswith("2.16."):
        return Reason(OTHER_ALGORITHM, "Keras 3 took the place of Keras 2 in 2.16")
    return None


def _by_default(step: Step) -> Reason | None:
    """A default of what the probe calls changed in the same release."""
    for symbol in step.about["symbols"]:
        if "default_" + symbol.removeprefix("tf.") in step.moved:
            return Reason(OTHER_ALGORITHM, f"a default of {symbol} changed in the same release")
    return None


def _far(step: Step) -> Reason | None:
    """No composition here adds so many terms that rounding moves it by a thousandth of its largest value."""
    if step.about["kind"] not in ("kernel", "layer", "metric", "schedule") or step.units is None:
        return None
    moved = step.units * float(np.finfo(step.new["dtype"]).eps)
    return Reason(OTHER_ALGORITHM, "it moved by more than a thousandth of its largest value") if moved > 1e-3 else None


def _parts(step: Step) -> Reason | None:
    """What it is made of moved in the same release, and it moved no further than its parts can make it."""
    parts = [part for part in PARTS.get(step.key[0], ()) if part in step.moved]
    if not parts or step.units is None or step.units > FOUR_IN_A_ROW:
        return None
    sums = [part for part in parts if part in FORMULAS]
    return Reason(ORDER if sums else OTHER_APPROXIMATION, f"its part {(sums or parts)[0]} moved in the same release")
