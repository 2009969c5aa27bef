"""What both programs are and how they are compared. Imports no TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from legacy_tf1.program_feeds import value_at
from tf_repro.core.record import Record
from tf_repro.core.ulp import difference
from tf_repro.migrate.checker.noise import is_rounding


@dataclass(frozen=True, eq=False)  # one check is equal to no other; a cache may be kept by it
class Climb:
    """What both programs are and how they are compared.

    Attributes:
        legacy: what the TF1 program computed.
        description: of the TF1 program; see :func:`legacy_tf1.run.run`.
        legacy_path: the TF1 program's file.
        path: the port's file.
        names: the port's variables, as first built.
        mapping: TF1 variable to port variable.
        steps: how many training steps.
        max_ulp: the tolerance, or None for what rounding makes.
        scaled: whether ULP are those of the tensor's largest element.
        strict: whether only equal bits pass.
        seed: of the port's random numbers.
        inputs: keyword arguments of both programs' ``build()``.
        time_limit: seconds that one run may take.
        noise: how far rounding moves each tensor of the TF1 program; None while that is not known.
        script: what is taken of a TF1 program without ``build()``; see :func:`legacy_tf1.program_script.content`.
        bundle: the golden bundle that the TF1 program is replayed from, or None.
        traced: the moment whose values are bisected, where it is not the first.
        tf1_python: an interpreter with TensorFlow 1.x that the TF1 program is traced in; None for compat.v1.
    """

    legacy: Record
    description: Mapping[str, Any]
    legacy_path: Path
    path: Path
    names: tuple[str, ...]
    mapping: dict[str, str]
    steps: int
    max_ulp: int | None
    scaled: bool
    strict: bool
    seed: int | None
    inputs: Mapping[str, Any]
    time_limit: float
    noise: Mapping[str, Mapping[str, Any]] | None = None
    script: Mapping[str, Any] | None = None
    bundle: Path | None = None
    traced: str | None = None
    tf1_python: Path | None = None

    def build(self) -> Any:
        """The port, built anew."""
        from tf_repro.programs.port import Port

        return Port(self.path, self.seed, self.names, self.inputs)

    def feeds(self, step: Any) -> Any:
        """What a step is fed, by placeholder; the first is 0."""
        return fed_at(self.legacy, step)

    def is_varied(self, step: Any) -> Any:
        """Whether a step is fed another number of examples than the first."""
        shapes = self.legacy.get("feed shapes", {}).values()
        return any((each[step % len(each)] != each[0]).any() for each in shapes)

    def traced_feeds(self) -> Any:
        """What both programs are fed where their values are traced: that of the moment at which they part."""
        return self.otherwise_fed() if self.traced == "before, otherwise fed" else self.feeds(0)

    def otherwise_fed(self) -> Any:
        """What the second forward pass is fed."""
        return otherwise_fed(self.legacy)

    def start(self, port: Any) -> None:
        """Put TF1's initial values into the port."""
        port.assign({b: self.legacy["initial"][a] for a, b in self.mapping.items()})

    def renamed(self, values: Any) -> Any:
        """The port's values under TF1's names."""
        return {a: values[b] for a, b in self.mapping.items() if b in values}

    def difference(self, moment: Any, name: str, received: Any) -> Any:
        """The worst difference from the TF1 program's tensor, or None."""
        return difference(self.legacy[moment][name], received, self.scaled)

    def ulp(self, apart: Any) -> Any:
        """How many ULP a difference counts, by the measure of this check; None where one side is no number."""
        return self.scaled_ulp(apart) if self.scaled else apart.ulp

    def scaled_ulp(self, apart: Any) -> Any:
        """How many ULP of the tensor's largest element a difference counts; None where one side is no number."""
        return math.ceil(apart.scaled) if math.isfinite(apart.scaled) else apart.ulp

    def allows(self, apart: Any, moment: Any, name: str, received: Any) -> Any:
        """Whether the check passes a difference: never if strict, up to a number of ULP, or what rounding makes."""
        if self.strict:
            return False
        if self.max_ulp is not None:
            ulp = self.ulp(apart)
            return ulp is not None and ulp <= self.max_ulp
        spread = (self.noise or {}).get(moment, {}).get(name)
        return spread is not None and is_rounding(self.legacy[moment][name], received, spread)


class Skipped(Exception):
    """A rung has nothing to compare; the message says why."""


def fed_at(record: Any, step: Any) -> Any:
    """What a run's step was fed, by placeholder; the first is 0."""
    shapes = record.get("feed shapes", {})
    return {name: value_at(values, shapes.get(name), step) for name, values in record["feeds"].items()}


def otherwise_fed(record: Any) -> Any:
    """What a second forward pass is fed: the second step's examples, in inference mode where one was drawn."""
    fed, drawn = fed_at(record, 1), record.get("feed shapes", {})
    modes = [name for name in drawn if fed[name].dtype == bool and not fed[name].ndim]
    return fed | {name: np.zeros_like(fed[name]) for name in modes}
