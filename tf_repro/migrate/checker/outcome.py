"""What a check found: the rungs, where the programs part, and which tested causes mend it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tf_repro.core.ulp import Difference

if TYPE_CHECKING:
    from tf_repro.core.record import Record

PASSED, FAILED, SKIPPED, NOT_REACHED = "passed", "failed", "skipped", "not reached"
ONLY_ROUNDING = {"rounding", "kernels", "bias addition", "oneDNN"}


@dataclass(frozen=True)
class Where:
    """The place that a cause points at, and what it might read.

    Attributes:
        path: the port's file.
        line: the line, from 1.
        column: where on it, from 0; None where not known.
        end: where that ends.
        before: the line as it is.
        after: the line with the change; None where it cannot be told.
        legacy_path: the TF1 program's file.
        legacy_line: its line that computes the same; None where not known.
        legacy_text: that line.
    """

    path: str
    line: int
    column: int | None = None
    end: int | None = None
    before: str = ""
    after: str | None = None
    legacy_path: str | None = None
    legacy_line: int | None = None
    legacy_text: str = ""


@dataclass(frozen=True)
class Cause:
    """A likely cause, tested: the port was changed in this one way and the rung run again.

    Attributes:
        name: the kind of fault, such as ``"epsilon"``.
        change: what was changed in the port.
        ulp: how far the worst element is off with the change: where the rung passes by the check's measure, otherwise
            in ULP of its tensor's largest element.
        passes: whether the rung passes with it; otherwise only rounding is left.
        where: the place in the port, where there is one.
    """

    name: str
    change: str
    ulp: int | None
    passes: bool
    where: Where | None = None

    @property
    def outcome(self) -> str:
        """What becomes of the rung with the change."""
        return "the rung passes" if self.passes else f"only rounding is left ({self.ulp} ULP of the largest element)"

    def __str__(self) -> str:
        return f"{self.name}: {self.change}, {self.outcome}"


@dataclass(frozen=True)
class RuledOut:
    """A cause that was tested and does not mend the rung.

    Attributes:
        name: the kind of fault.
        change: what was changed in the port.
    """

    name: str
    change: str


@dataclass(frozen=True)
class NotTested:
    """A cause that could not be tested: the change made the port fail.

    Attributes:
        name: the kind of fault.
        change: what was changed in the port.
        reason: what it failed with.
    """

    name: str
    change: str
    reason: str


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
        ulp: how far ``tensor`` is off by the check's measure, or the worst of a rung that passed, which is counted in
            ULP of its tensor's largest element where rounding is allowed for.
        causes: the tested causes that mend it.
        ruled_out: the tested causes that do not.
        untested: the kinds of fault of the changes that were left when the runs were used up.
        moment: under which both Records hold ``tensor`` where the programs part.
        not_tested: the causes that could not be tested, with the reason.
    """

    name: str
    status: str
    detail: str = ""
    tensor: str | None = None
    difference: Difference | None = None
    ulp: int | None = None
    causes: Sequence[Cause] = ()
    ruled_out: Sequence[RuledOut] = ()
    untested: Sequence[str] = ()
    moment: str | None = None
    not_tested: Sequence[NotTested] = ()

    @property
    def excluded(self) -> str:
        """The kinds of fault that were tested and do not mend it, with how many changes each took, in one line."""
        return _kinds(each.name for each in self.ruled_out)

    @property
    def left_untested(self) -> str:
        """The kinds of fault that were left when the runs were used up, with how many changes each has, in one line."""
        return _kinds(self.untested)

    @property
    def advice(self) -> str:
        """How to allow for a difference that is nothing but rounding; empty for any other."""
        if not self.causes or {cause.name for cause in self.causes} - ONLY_ROUNDING:
            return ""
        return "allow for it with --max-ulp N, or --scaled --max-ulp N"

    def __str__(self) -> str:
        lines = [f"{self.status:<11} {self.name}" + (f": {self.detail}" if self.detail else "")]
        if self.difference is not None:
            lines.append(f"  {self.tensor}: {self.difference.text('TF1 program', 'port')}")
        lines += [f"  cause: {cause}" for cause in self.causes]
        if self.advice:
            lines.append(f"  rounding: {self.advice}")
        if self.status == FAILED and not self.causes and self.ruled_out:
            lines.append("  cause: unknown, no tested change mends it")
        if self.ruled_out:
            lines.append(f"  tested and ruled out: {self.excluded}")
        if self.untested:
            lines.append(f"  not tested, the runs were used up: {self.left_untested}")
        if self.not_tested:
            lines.append(f"  could not be tested: {_kinds(each.name for each in self.not_tested)}")
        return "\n".join(lines)


@dataclass(frozen=True)
class CheckReport:
    """The ladder of one check.

    Attributes:
        rungs: every rung, in order.
        name_map: TF1 variable to port variable, as compared.
        legacy: what the TF1 program computed.
        port: what the port computed.
        max_ulp: the tolerance that the check was given; None for what rounding makes.
        scaled: whether its ULP are those of each tensor's largest element.
        strict: whether only equal bits pass.
    """

    rungs: Sequence[Rung]
    name_map: Mapping[str, str]
    legacy: Record
    port: Record
    max_ulp: int | None
    scaled: bool = False
    strict: bool = False

    @property
    def passed(self) -> bool:
        """Whether no rung failed."""
        return self.failed is None

    @property
    def failed(self) -> Rung | None:
        """The first rung that failed; initializers that differ, which the values copied make up for, come last."""
        failed = [rung for rung in self.rungs if rung.status == FAILED]
        return min(failed, key=lambda rung: rung.name == "initial values", default=None)

    def __str__(self) -> str:
        return "\n".join([*(str(rung) for rung in self.rungs), self.verdict])

    @property
    def verdict(self) -> str:
        """Which TensorFlow the port was held against, how far it climbed and on which inputs, in one line."""
        against = f"TF1 program on {self.runtime}"
        if self.failed is not None:
            return f"the port and the {against} part at the rung {self.failed.name!r}"
        if self.max_ulp is None:
            rounded = not self.strict and any("up to rounding" in rung.detail for rung in self.rungs)
            equal = "up to rounding" if rounded else "bit for bit"
        else:
            bound = f"within {self.max_ulp} ULP" + " of each tensor's largest element" * self.scaled
            equal = bound if self.max_ulp else "bit for bit"
        on = f"{self._compared} rungs that apply" + (f", on drawn inputs ({self.drawn})" if self.drawn else "")
        return f"the port computes what the {against} computes, {equal}, on all {on}"

    @property
    def drawn(self) -> str:
        """Which inputs were drawn, and from what, in one line; empty where all were given."""
        shapes, feeds = self.legacy.get("feed shapes", {}), self.legacy.get("feeds", {})
        return ", ".join(f"{name}: {_range(feeds[name])}{_lengths(shapes[name])}" for name in shapes)

    @property
    def _compared(self) -> int:
        return sum(rung.status == PASSED for rung in self.rungs)

    @property
    def runtime(self) -> str:
        """Which TensorFlow the TF1 program ran on."""
        version = self.legacy.provenance["tensorflow"]
        return f"TensorFlow {version}" + ("" if version.startswith("1.") else " (compat.v1)")

    def to_json(self) -> str:
        """The report as a JSON object: verdict, rungs, name map and both provenances."""
        content = {
            "passed": self.passed,
            "max_ulp": self.max_ulp,
            "scaled": self.scaled,
            "strict": self.strict,
            "drawn": self.drawn,
            "rungs": [_rung_json(rung) for rung in self.rungs],
            "name_map": dict(self.name_map),
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
        "causes": [asdict(cause) for cause in rung.causes],
        "ruled_out": [vars(each) for each in rung.ruled_out],
        "untested": list(rung.untested),
        "not_tested": [vars(each) for each in rung.not_tested],
    }


def _range(values: Any) -> str:
    if values.dtype.kind == "f":
        return "normal"
    if values.dtype.kind == "b":
        return "True in training, False in inference" if values.ndim == 1 else "True and False"
    return f"{values.min()} … {values.max()}"


def _lengths(shapes: Any) -> str:
    """The lengths of the first axis that varies, as drawn."""
    varied = [list(dict.fromkeys(lengths)) for lengths in shapes.T.tolist() if len(set(lengths)) > 1]
    return f" ({', '.join(map(str, varied[0]))} examples)" if varied else ""


def _kinds(names: Iterable[str]) -> str:
    return ", ".join(name if count == 1 else f"{name} ({count})" for name, count in Counter(names).items())


def _finite(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Example:
        >>> counted(1, "rung"), counted(7, "rung")
        ('1 rung', '7 rungs')
    """
    return f"{number} {noun}" + "s" * (number != 1)


def listed(names: Sequence[str], most: int = 6) -> str:
    """Names in a line; of many, the first ones.

    Example:
        >>> listed(["w1", "b1", "w2"], most=2)
        'w1, b1 and 1 more'
    """
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
