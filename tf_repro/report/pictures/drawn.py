"""What a document's pictures are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tf_repro.core.record import Record
from tf_repro.core.verdicts import Finding

_PREFERRED = ("eager", "function", "xla", "derivation", "compat.v1", "tf-1.15.5")


@dataclass(frozen=True)
class Drawn:
    """What a document's pictures are drawn from.

    Attributes:
        records: its Records by engine.
        findings: its Findings.
        data: what the three-layer network was trained on.
        tensorflow: the version of the TensorFlow that ran.
    """

    records: Mapping[str, Record]
    findings: Sequence[Finding]
    data: str
    tensorflow: str

    @property
    def record(self) -> Record | None:
        """The Record that is drawn where one is enough."""
        return next((self.records[engine] for engine in _PREFERRED if engine in self.records), None)


_PREFERRED = ("eager", "function", "xla", "derivation", "compat.v1", "tf-1.15.5")
