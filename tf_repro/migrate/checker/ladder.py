"""The ladder: which rungs there are, and when the climb stops."""

from __future__ import annotations

import io
import platform
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.core.inputs import as_count
from tf_repro.core.record import Record
from tf_repro.migrate import names
from tf_repro.migrate.checker.outcome import FAILED, NOT_REACHED, PASSED, SKIPPED, CheckReport, Rung, counted
from tf_repro.migrate.checker.rungs import MEASURES, Climb, Skipped, judge, prepared, require_numbers
from tf_repro.migrate.diagnosis import causes
from tf_repro.programs.port import Port
from tf_repro.programs.tf1 import run_legacy

RUNGS = ("variables", *MEASURES)


def climb(legacy, port, *, steps, max_ulp, scaled, tf1_python, feeds, inputs, seed, name_map, keep_going, time_limit):
    """See :func:`tf_repro.migrate.check`."""
    legacy, port = _file("the TF1 program", legacy), _file("the port", port)
    steps = as_count("steps", steps)
    if isinstance(max_ulp, bool) or not isinstance(max_ulp, int) or max_ulp < 0:
        raise InputError(f"max_ulp must be a whole number of at least 0. Received: {max_ulp!r}")
    if not time_limit > 0:
        raise InputError(f"time_limit must be a positive number of seconds. Received: {time_limit!r}")
    _require_order(legacy, port)
    feeds = _read_feeds(feeds)
    inputs = dict(inputs or {})
    built = Port(port, seed, inputs=inputs)
    record, description = run_legacy(
        legacy, steps=steps, seed=seed, feeds=feeds, tf1_python=tf1_python, time_limit=time_limit, inputs=inputs
    )
    for moment, quantities in record.items():
        for name, value in quantities.items():
            require_numbers(f"the TF1 program's {moment} {name}", value)
    mapping = names.infer(record["initial"], built.values(), dict(name_map or {}))
    this = Climb(
        record, description, legacy, port, tuple(built.variables), mapping, steps, max_ulp, bool(scaled), seed, inputs
    )
    left_out = [a for a, b in dict(name_map or {}).items() if b is None]
    rungs, moments = [], {}
    for name in RUNGS:
        if any(rung.status == FAILED and (not keep_going or rung.name == "variables") for rung in rungs):
            rungs.append(Rung(name, NOT_REACHED))
            continue
        rung = _variables(this, built, left_out) if name == "variables" else _rung(this, name, moments)
        rungs.append(rung)
    provenance = {"tensorflow": tf.__version__, "python": platform.python_version(), "program": port.name}
    return CheckReport(rungs, mapping, record, Record(moments, provenance), max_ulp, bool(scaled))


def _variables(this, built, left_out):
    """The rung "variables": count, names, shapes and dtypes."""
    legacy, port = this.legacy["initial"], built.values()
    missing = [a for a in legacy if a not in this.mapping and a not in left_out and not names.is_counter(legacy[a])]
    extra = [b for b in port if b not in this.mapping.values()]
    if missing or extra:
        parts = [f"only in the TF1 program: {', '.join(missing)}"] * bool(missing) + [
            f"only in the port: {', '.join(extra)}"
        ] * bool(extra)
        mend = "pair them with --map TF1=PORT (name_map), or leave one of TF1 out with --map TF1="
        return Rung("variables", FAILED, f"{'; '.join(parts)}; {mend}")
    for a, b in this.mapping.items():
        if legacy[a].shape != port[b].shape:
            detail = f"{a} has shape {legacy[a].shape} in the TF1 program, {b} has shape {port[b].shape} in the port"
            return Rung("variables", FAILED, detail, tensor=a, causes=causes.of_shape(legacy[a], port[b]))
        if legacy[a].dtype != port[b].dtype:
            detail = f"{a} has dtype {legacy[a].dtype} in the TF1 program, {b} has dtype {port[b].dtype} in the port"
            return Rung("variables", FAILED, detail, tensor=a, causes=causes.of_dtype(legacy[a], port[b]))
    pairs = ", ".join(a if a == b else f"{a} is {b}" for a, b in this.mapping.items())
    return Rung("variables", PASSED, f"{counted(len(this.mapping), 'variable')}: {pairs}")


def _rung(this, name, moments):
    """One of the rungs that run the port."""
    try:
        measured = MEASURES[name](this, prepared(this))
    except Skipped as reason:
        return Rung(name, SKIPPED, str(reason))
    moments.update(measured)
    rung = judge(this, name, measured)
    if rung.status == FAILED:
        return replace(rung, **causes.diagnose(this, name, measured))
    return rung


def _file(what, path):
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{what} must be a Python file. Received: {path}, which is not a file")
    return path.resolve()


def _require_order(legacy, port):
    """A port given first, and its TF1 program second, is told so, before either fails for a reason that misleads."""
    keys = [set(re.findall(r"[\"'](placeholders|forward)[\"']", path.read_bytes().decode("utf-8", "replace")))
            for path in (legacy, port)]  # fmt: skip
    if keys == [{"forward"}, {"placeholders"}]:
        raise InputError(
            f"the TF1 program must come first, then the port. Received: {legacy.name}, which looks like a port, then "
            f"{port.name}, which looks like a TF1 program; exchange them"
        )


def _read_feeds(feeds):
    if feeds is None or isinstance(feeds, dict):
        return feeds
    try:
        with np.load(io.BytesIO(Path(feeds).read_bytes()), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:
        raise InputError(f"feeds must be an .npz file of arrays. Received: {feeds} ({type(error).__name__})") from None
