"""One machine's Records in a file, and two such files side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.core.ulp import Difference, difference, same_bits
from tf_repro.suite.engines import LANES, needs_tensorflow

Runs = Mapping[tuple[str, str], Record]

FORMAT = "tf_repro records 1"


def dumps(records: Runs) -> str:
    """The Records as JSON, each with its document, its engine and its provenance."""
    runs = [
        {"document": document, "engine": engine, "record": json.loads(record.to_json())}
        for (document, engine), record in records.items()
    ]
    return json.dumps({"format": FORMAT, "runs": runs}, indent=1, ensure_ascii=False) + "\n"


def load(path: Path) -> dict[tuple[str, str], Record]:
    """The Records in a file that ``tf-repro run --record`` wrote, by document and engine.

    Raises:
        InputError: the file cannot be read, is no such file, or is one of another release's form.
    """
    rule = "records must be a file that `tf-repro run --record` wrote. Received:"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{rule} {path} ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{rule} {path}, which is no whole JSON ({error})") from None
    form = content.get("format") if isinstance(content, dict) else None
    if form != FORMAT and isinstance(form, str) and form.startswith(FORMAT.rstrip("0123456789")):
        raise InputError(f"records must have the form {FORMAT!r}. Received: {form!r} in {path}; record it anew")
    runs = content.get("runs") if form == FORMAT else None
    if not isinstance(runs, list) or not all(map(_is_run, runs)):
        raise InputError(f"{rule} {path}, which has no runs of that form")
    return {
        (run["document"], run["engine"]): Record.from_json(json.dumps(run["record"]), f"{path}, {run['document']}")
        for run in runs
    }


def _is_run(run: Any) -> bool:
    return (
        isinstance(run, dict) and "record" in run and all(isinstance(run.get(k), str) for k in ("document", "engine"))
    )


@dataclass(frozen=True)
class Apart:
    """A quantity that two machines compute differently.

    Attributes:
        document: whose it is.
        engine: on what.
        moment: when.
        quantity: which.
        difference: the worst element; None where shapes or dtypes differ.
        first_is: the emulated kernel that gives the first machine's bits, or "".
        second_is: the same of the second machine.
    """

    document: str
    engine: str
    moment: str
    quantity: str
    difference: Difference | None
    first_is: str
    second_is: str


@dataclass(frozen=True)
class Comparison:
    """Two machines' Records side by side.

    Attributes:
        settings: what of the machines differs, name to the two values.
        differences: the quantities whose bits differ.
        equal: how many quantities have equal bits.
        first_only: runs and quantities that the first machine alone has.
        second_only: those that the second alone has.
    """

    settings: Mapping[str, tuple[str, str]]
    differences: list[Apart]
    equal: int
    first_only: list[str]
    second_only: list[str]


def compare(first: Runs, second: Runs) -> Comparison:
    """Hold every quantity of one machine against the other's.

    Raises:
        InputError: they have no run in common.

    Example:
        >>> import numpy as np
        >>> runs = {("d", "eager"): Record({"after": {"w": np.float32([1, 2])}}, {"onednn": "on"})}
        >>> other = {("d", "eager"): Record({"after": {"w": np.float32([1, 2.0000002])}}, {"onednn": "off"})}
        >>> apart = compare(runs, other)
        >>> apart.settings, apart.differences[0].difference.ulp
        ({'onednn': ('on', 'off')}, 1)
    """
    shared = [run for run in first if run in second]
    if not shared:
        raise InputError("two machines' records must have a run in common. Received: none of the same name")
    pairs = [
        (*run, moment, quantity, first[run][moment][quantity], second[run][moment][quantity])
        for run in shared
        for moment, quantities in first[run].items()
        for quantity in quantities
        if quantity in second[run].get(moment, {})
    ]
    differing = [pair for pair in pairs if not same_bits(pair[-2], pair[-1])]
    return Comparison(
        settings=dict(_settings(first, second, shared)),
        differences=[_apart(*pair, emulated={**first, **second}) for pair in differing],
        equal=len(pairs) - len(differing),
        first_only=list(_lacking(first, second)),
        second_only=list(_lacking(second, first)),
    )


def _lacking(runs: Runs, others: Runs) -> Iterator[str]:
    """What of the runs the others do not have: runs, and quantities of the runs that both have."""
    for (document, engine), record in runs.items():
        name, other = f"{document} on {engine}", others.get((document, engine))
        if other is None:
            yield name
            continue
        for moment, quantities in record.items():
            yield from (f"{name}: {moment}/{each}" for each in quantities if each not in other.get(moment, {}))


def _settings(first: Runs, second: Runs, shared: list[tuple[str, str]]) -> Iterator[tuple[str, tuple[str, str]]]:
    """What the machines differ in, as the Records of engines that run on TensorFlow tell it."""
    runs = [run for run in shared if needs_tensorflow(run[1])]
    for name in sorted({name for run in runs for name in first[run].provenance} - {"machine", "execution"}):
        a, b = ({runs_of[run].provenance.get(name, "") for run in runs} - {""} for runs_of in (first, second))
        if a != b:
            yield name, (", ".join(sorted(a)), ", ".join(sorted(b)))


def _apart(
    document: str, engine: str, moment: str, quantity: str, a: Any, b: Any, emulated: Mapping[tuple[str, str], Record]
) -> Apart:
    comparable = a.dtype == b.dtype and a.shape == b.shape
    names = [_emulation(document, moment, quantity, value, emulated) for value in (a, b)]
    return Apart(document, engine, moment, quantity, difference(a, b) if comparable else None, *names)


def _emulation(document: str, moment: str, quantity: str, value: Any, runs: Mapping[tuple[str, str], Record]) -> str:
    for engine in LANES:
        run = runs.get((document, engine))
        emulated = None if run is None else run.get(moment, {}).get(quantity)
        if emulated is not None and same_bits(value, emulated):
            return engine
    return ""
