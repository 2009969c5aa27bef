"""What a check found: the rungs, where the programs part, and which tested causes mend it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tf_repro.compare import Difference

if TYPE_CHECKING:
    from tf_repro.record import Record

PASSED, FAILED, SKIPPED, NOT_REACHED = "passed", "failed", "skipped", "not reached"


@dataclass(frozen=True)
class Cause:
    """A likely cause, tested: the port was changed in this one way and the rung run again.

    Attributes:
        name: the kind of fault, such as ``"epsilon"``.
        change: what was changed in the port.
        ulp: how far the worst element is off with the change.
        passes: whether the rung passes with it; otherwise only rounding is left.
    """

    name: str
    change: str
    ulp: int | None
    passes: bool

    def __str__(self) -> str:
        outcome = "the rung passes" if self.passes else f"only rounding is left ({self.ulp} ULP)"
        return f"{self.name}: {self.change}, {outcome}"


@dataclass(frozen=True)
class Rung:
    """One rung of the ladder.

    Attributes:
        name: ``"variables"``, ``"initial values"``, ``"forward"``, ``"gradients"``, ``"one step"``, ``"N steps"`` or
            ``"slots"``.
        status: ``"passed"``, ``"failed"``, ``"skipped"`` or ``"not reached"``.
        detail: what was compared, or why not.
        tensor: the first tensor on which the programs part.
        difference: where and by how much.
        ulp: the worst ULP on the rung, within the tolerance or not.
        causes: the tested causes that mend it.
        tested: how many causes were tested.
    """

    name: str
    status: str
    detail: str = ""
    tensor: str | None = None
    difference: Difference | None = None
    ulp: int | None = None
    causes: Sequence[Cause] = ()
    tested: int = 0

    def __str__(self) -> str:
        lines = [f"{self.status:<11} {self.name}" + (f": {self.detail}" if self.detail else "")]
        if self.difference is not None:
            lines.append(f"  {self.tensor}: {self.difference}")
        lines += [f"  cause: {cause}" for cause in self.causes]
        if self.status == FAILED and not self.causes and self.tested:
            lines.append(f"  cause: none of the {self.tested} tested changes mends it")
        return "\n".join(lines)


@dataclass(frozen=True)
class CheckReport:
    """The ladder of one check.

    Attributes:
        rungs: every rung, in order.
        name_map: TF1 variable to port variable, as compared.
        legacy: what the TF1 program computed.
        port: what the port computed.
        max_ulp: the tolerance that the check was given.
    """

    rungs: Sequence[Rung]
    name_map: Mapping[str, str]
    legacy: Record
    port: Record
    max_ulp: int
    notes: Sequence[str] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether no rung failed."""
        return self.failed is None

    @property
    def failed(self) -> Rung | None:
        """The first rung that failed."""
        return next((rung for rung in self.rungs if rung.status == FAILED), None)

    def __str__(self) -> str:
        return "\n".join([*(str(rung) for rung in self.rungs), self.verdict])

    @property
    def verdict(self) -> str:
        """Which TensorFlow the port was held against and how far it climbed, in one line."""
        against = f"TF1 program on TensorFlow {self.legacy.provenance['tensorflow']}"
        if self.failed is None:
            bits = "bit for bit" if self.max_ulp == 0 else f"within {self.max_ulp} ULP"
            compared = sum(rung.status == PASSED for rung in self.rungs)
            return f"the port computes what the {against} computes, {bits}, on {compared} of {len(self.rungs)} rungs"
        return f"the port and the {against} part at the rung {self.failed.name!r}"

    def to_json(self) -> str:
        """The report as a JSON object: verdict, rungs, name map and both provenances."""
        content = {
            "passed": self.passed,
            "max_ulp": self.max_ulp,
            "rungs": [_rung_json(rung) for rung in self.rungs],
            "name_map": dict(self.name_map),
            "notes": list(self.notes),
            "legacy": self.legacy.provenance,
            "port": self.port.provenance,
        }
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _rung_json(rung: Rung) -> dict[str, Any]:
    difference = rung.difference
    return {
        "name": rung.name,
        "status": rung.status,
        "detail": rung.detail,
        "tensor": rung.tensor,
        "index": None if difference is None else list(difference.index),
        "expected": None if difference is None else _finite(difference.expected),
        "received": None if difference is None else _finite(difference.received),
        "ulp": rung.ulp,
        "relative": None if difference is None else _finite(difference.relative),
        "causes": [vars(cause) for cause in rung.causes],
        "tested": rung.tested,
    }


def _finite(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
