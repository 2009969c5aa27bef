"""Findings as JSON, one object per printed scalar and engine."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict

from tf_repro.core.verdicts import Finding


def dumps(findings: Iterable[Finding]) -> str:
    """The Findings as a JSON list.

    ``value`` is null where it is not finite; ``value_hex`` holds it in any case.
    """
    rows = [asdict(finding) for finding in findings]
    for row in rows:
        if not math.isfinite(row["value"]):
            row["value"] = None
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
