"""The ladder: which rungs there are, and when the climb stops."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from tf_repro.core.errors import InputError
from tf_repro.core.inputs import as_count
from tf_repro.core.record import Record
from tf_repro.migrate import golden, names
from tf_repro.migrate.checker import isolated, kernels
from tf_repro.migrate.checker.climb import Climb
from tf_repro.migrate.checker.judge import is_gross, not_reproducible
from tf_repro.migrate.checker.noise import RUNS
from tf_repro.migrate.checker.original import original
from tf_repro.migrate.checker.outcome import FAILED, NOT_REACHED, PASSED, CheckReport, Rung, counted

RUNGS_MODULE, CAUSES_MODULE = "tf_repro.migrate.checker.rungs", "tf_repro.migrate.diagnosis.causes"
BISECTION_MODULE = "tf_repro.migrate.bisection.port"
NOISE = 5
"""How many times the limit of one run the runs that measure rounding may take together: they are as many."""
DIAGNOSIS = 10
"""How many times the limit of one run all tested causes together may take, so that one that hangs ends."""

RUNGS = ("variables", "initial values", "forward", "gradients", "one step", "N steps", "slots")


def run_ladder(legacy: Any, port: Any, *, deterministic_draws: Any = False, **options: Any) -> Any:
    """See :func:`tf_repro.migrate.check`."""
    if deterministic_draws and golden.is_bundle(Path(legacy)):
        raise InputError(
            f"a golden bundle keeps the draws of its recording. Received: deterministic draws with {Path(legacy).name}"
        )
    with isolated.aligned_draws(bool(deterministic_draws)):
        return _climb(legacy, port, **options)


def _climb(
    legacy: Any,
    port: Any,
    *,
    max_ulp: Any,
    scaled: Any,
    strict: Any,
    name_map: Any,
    keep_going: Any,
    time_limit: float,
    **options: Any,
) -> Any:
    legacy, port = _file("the TF1 program", legacy), _file("the port", port)
    if options["steps"] is not None:
        as_count("steps", options["steps"])
    if max_ulp is not None and (isinstance(max_ulp, bool) or not isinstance(max_ulp, int) or max_ulp < 0):
        raise InputError(f"max_ulp must be a whole number of at least 0, or None. Received: {max_ulp!r}")
    if strict and (max_ulp or scaled):
        raise InputError(f"strict allows no ULP. Received: max_ulp={max_ulp!r} and scaled={scaled!r} with it")
    max_ulp = 0 if scaled and max_ulp is None else max_ulp
    if not time_limit > 0:
        raise InputError(f"time_limit must be a positive number of seconds. Received: {time_limit!r}")
    _require_order(legacy, port)
    with original(legacy, time_limit=time_limit, **options) as tf1:
        values, provenance = _in_port(port, f"{RUNGS_MODULE}:facts", port, tf1.seed, tf1.inputs, time_limit=time_limit)
        climb = Climb(
            legacy=tf1.record,
            description=tf1.description,
            legacy_path=tf1.path,
            path=port,
            names=tuple(values),
            mapping=names.infer(tf1.record["initial"], values, dict(name_map or {})),
            steps=tf1.steps,
            max_ulp=max_ulp,
            scaled=bool(scaled),
            strict=bool(strict),
            seed=tf1.seed,
            inputs=tf1.inputs,
            time_limit=time_limit,
            script=tf1.script,
            bundle=tf1.bundle,
            tf1_python=Path(options["tf1_python"]) if options.get("tf1_python") else None,
        )
        return _report(climb, values, provenance, dict(name_map or {}), bool(keep_going))


def _report(climb: Climb, values: Any, provenance: Any, name_map: Any, keep_going: Any) -> Any:
    """Climb, and look for the causes of what fails."""
    climb = _paired_by_use(climb, name_map)
    left_out = [a for a, b in name_map.items() if b is None]
    rungs, moments = [_variables(climb, values, left_out)], {}
    if rungs[0].status == PASSED:
        judged, moments, climb = _climbed(climb, keep_going)
        rungs += [_diagnosed(climb, rung, measured) for rung, measured in judged]
    rungs += [Rung(name, NOT_REACHED) for name in RUNGS[len(rungs) :]]
    return CheckReport(
        rungs, climb.mapping, climb.legacy, Record(moments, provenance), climb.max_ulp, climb.scaled, climb.strict
    )


def _variables(climb: Climb, values: Any, left_out: Any) -> Any:
    """The rung "variables": count, names, shapes and dtypes."""
    legacy = climb.legacy["initial"]
    missing = [a for a in legacy if a not in climb.mapping and a not in left_out and not names.is_counter(legacy[a])]
    extra = [b for b in values if b not in climb.mapping.values()]
    if missing or extra:
        parts = [f"only in the TF1 program: {', '.join(missing)}"] * bool(missing) + [
            f"only in the port: {', '.join(extra)}"
        ] * bool(extra)
        mend = "pair them with --map TF1=PORT (name_map), or leave one of TF1 out with --map TF1="
        return Rung("variables", FAILED, f"{'; '.join(parts)}; {mend}")
    for a, b in climb.mapping.items():
        if legacy[a].shape != values[b].shape:
            detail = f"{a} has shape {legacy[a].shape} in the TF1 program, {b} has shape {values[b].shape} in the port"
            return Rung(
                "variables", FAILED, detail, tensor=a, causes=_causes_of(climb, "of_shape", legacy[a], values[b])
            )
        if legacy[a].dtype != values[b].dtype:
            detail = f"{a} has dtype {legacy[a].dtype} in the TF1 program, {b} has dtype {values[b].dtype} in the port"
            return Rung(
                "variables", FAILED, detail, tensor=a, causes=_causes_of(climb, "of_dtype", legacy[a], values[b])
            )
    pairs = ", ".join(a if a == b else f"{a} is {b}" for a, b in climb.mapping.items())
    return Rung("variables", PASSED, f"{counted(len(climb.mapping), 'variable')}: {pairs}")


def _paired_by_use(climb: Climb, given: Any) -> Any:
    """Variables that their names do not tell apart are paired in the order of their use."""
    groups = names.doubtful(climb.mapping, climb.legacy["initial"], given)
    if not groups:
        return climb
    try:
        uses = _in_port(climb.path, f"{BISECTION_MODULE}:uses", climb, time_limit=climb.time_limit)
    except InputError:  # the rungs tell why the port does not run
        return climb
    return replace(climb, mapping=names.by_use(climb.mapping, groups, climb.description.get("uses", ()), uses))


def _climbed(climb: Climb, keep_going: Any) -> Any:
    """The judged rungs, every moment, and the climb with what rounding makes of it where that had to be known."""

    def climbed() -> Any:
        return _in_port(climb.path, f"{RUNGS_MODULE}:climbed", climb, keep_going, time_limit=climb.time_limit)

    judged, moments = climbed()
    parted = [rung for rung, _ in judged if rung.difference is not None]
    if not parted:
        return judged, moments, climb
    aware = climb.max_ulp is None and not climb.strict and not any(is_gross(climb, rung) for rung in parted)
    noise, unsteady = _noise(climb, RUNS if aware else 0)
    if aware:
        climb = replace(climb, noise=noise)
        judged, moments = climbed()
    return [_unless_unsteady(rung, measured, unsteady) for rung, measured in judged], moments, climb


def _noise(climb: Climb, runs: Any) -> Any:
    """How far rounding moves the TF1 program, and what it does not compute twice alike."""
    if climb.bundle is not None:
        bundle = golden.read(climb.bundle)
        return (bundle.noise or _noise_of_port(climb)) if runs else {}, bundle.unsteady
    options = {"steps": climb.steps, "inputs": climb.inputs, "script": climb.script, "runs": runs}
    options["time_limit"] = NOISE * climb.time_limit
    function, arguments = "tf_repro.migrate.checker.perturbation:noise", (climb.legacy_path, climb.legacy, climb.seed)
    try:
        return isolated.program(isolated.TF1_PROGRAM, climb.legacy_path, function, *arguments, **options)
    except (InputError, RuntimeError):  # it needs genuine TensorFlow 1, or cannot be moved so
        if not runs:
            return {}, []
        return _noise_of_port(climb), []


def _noise_of_port(climb: Climb) -> Any:
    return _in_port(climb.path, f"{RUNGS_MODULE}:noise", climb, time_limit=NOISE * climb.time_limit)


def _unless_unsteady(rung: Any, measured: Any, unsteady: Any) -> Any:
    if rung.difference is None or rung.tensor not in unsteady:
        return rung, measured
    return replace(rung, detail=not_reproducible("the TF1 program", unsteady)), None


def _diagnosed(climb: Climb, rung: Any, measured: Any) -> Any:
    """The failed rung with its causes; where a tested change ends the process, with the reason that there are none."""
    if rung.status != FAILED or measured is None:
        return rung
    limit = DIAGNOSIS * climb.time_limit
    try:
        found = _in_port(climb.path, f"{CAUSES_MODULE}:diagnose", climb, rung.name, measured, time_limit=limit)
    except InputError as reason:
        return replace(rung, detail=f"{rung.detail}; its causes could not be tested ({reason})")
    if not any(cause.passes for cause in found["causes"]) and not (rung.difference and is_gross(climb, rung)):
        onednn = kernels.cause(climb, rung.name)
        found["causes"] = [*([onednn] if onednn else []), *found["causes"]]
    if climb.bundle is not None:
        found |= {"causes": [_placed_in(climb.bundle, cause) for cause in found["causes"]]}
    return replace(rung, **found)


def _placed_in(bundle: Any, cause: Any) -> Any:
    """The cause with the TF1 program's line where it lies: in the bundle."""
    if cause.where is None or cause.where.legacy_path is None:
        return cause
    name = Path(cause.where.legacy_path).name
    return replace(cause, where=replace(cause.where, legacy_path=str(bundle / name)))


def _causes_of(climb: Climb, function: str, *arrays: Any) -> Any:
    return _in_port(climb.path, f"{CAUSES_MODULE}:{function}", *arrays, time_limit=climb.time_limit)


def _in_port(path: Path, function: str, *arguments: Any, time_limit: float | None) -> Any:
    return isolated.program(isolated.PORT, path, function, *arguments, time_limit=time_limit)


def _file(what: str, path: Path) -> Any:
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{what} must be a Python file. Received: {path}, which is not a file")
    return path.resolve()


def _require_order(legacy: Any, port: Any) -> None:
    """A port given first, and its TF1 program second, is told so, before either fails for a reason that misleads."""
    keys = [set(re.findall(r"[\"'](placeholders|forward)[\"']", path.read_bytes().decode("utf-8", "replace")))
            for path in (legacy, port)]  # fmt: skip
    if keys == [{"forward"}, {"placeholders"}]:
        raise InputError(
            f"the TF1 program must come first, then the port. Received: {legacy.name}, which looks like a port, then "
            f"{port.name}, which looks like a TF1 program; exchange them"
        )
