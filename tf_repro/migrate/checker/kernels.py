"""oneDNN's part: both programs once more with its kernels off. Imports no TensorFlow."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from tf_repro.core.errors import InputError
from tf_repro.migrate.checker import isolated
from tf_repro.migrate.checker.outcome import PASSED, Cause

SWITCH = "TF_ENABLE_ONEDNN_OPTS"
RUNGS = "tf_repro.migrate.checker.rungs"


def cause(climb: Any, name: str) -> Cause | None:
    """The cause "oneDNN", where the rung passes without its kernels; None where it does not, or cannot be tested.

    Args:
        climb: the :class:`~tf_repro.migrate.checker.climb.Climb`.
        name: the rung that failed.
    """
    on_compat = not climb.legacy.provenance["tensorflow"].startswith("1.")
    if not on_compat or climb.bundle is not None or os.environ.get(SWITCH) == "0":
        return None
    if not isolated.program(isolated.PORT, climb.path, f"{RUNGS}:is_onednn_on", time_limit=climb.time_limit):
        return None
    try:
        with isolated.without_onednn():
            rung = _rung(climb, name)
    except InputError:
        return None
    if rung is None or rung.status != PASSED:
        return None
    change = f"with oneDNN's kernels off in both programs ({SWITCH}=0), so that only its order of sums differs"
    return Cause("oneDNN", change, rung.ulp, True)


def _rung(climb: Any, name: str) -> Any:
    """The rung, judged, of both programs run now from the same values and feeds."""
    record, _ = isolated.legacy(
        climb.legacy_path,
        steps=climb.steps,
        seed=climb.seed,
        feeds=climb.legacy["feeds"],
        shapes=climb.legacy.get("feed shapes"),
        start=climb.legacy["initial"],
        inputs=climb.inputs,
        script=climb.script,
        tf1_python=None,
        time_limit=climb.time_limit,
    )
    changed = replace(climb, legacy=record)
    judged, _ = isolated.program(
        isolated.PORT, climb.path, f"{RUNGS}:climbed", changed, True, time_limit=climb.time_limit
    )
    return next((rung for rung, _ in judged if rung.name == name), None)
