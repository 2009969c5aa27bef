"""One machine's Records in a file, and two such files side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

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
        InputError: the file cannot be read, or is no such file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise KeyError(content["format"])
        return {
            (run["document"], run["engine"]): Record.from_json(json.dumps(run["record"]), path.name)
            for run in content["runs"]
        }
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        received = f"{path} ({type(error).__name__}: {error})"
        raise InputError(f"records must be a file that `tf-repro run --record` wrote. Received: {received}") from None


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
        unmatched: documents and engines that one side alone has.
    """

    settings: Mapping[str, tuple[str, str]]
    differences: list[Apart]
    equal: int
    unmatched: list[str]


def compare(first: Runs, second: Runs) -> Comparison:
    """Hold every quantity of one machine against the other's.

    Example:
        >>> runs = {("d", "eager"): Record({"after": {"w": np.float32([1, 2])}}, {"onednn": "on"})}
        >>> other = {("d", "eager"): Record({"after": {"w": np.float32([1, 2.0000002])}}, {"onednn": "off"})}
        >>> apart = compare(runs, other)
        >>> apart.settings, apart.differences[0].difference.ulp
        ({'onednn': ('on', 'off')}, 1)
    """
    shared = [run for run in first if run in second]
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
        unmatched=[f"{document} on {engine}" for document, engine in first.keys() ^ second.keys()],
    )


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
        if (document, engine) in runs and same_bits(value, runs[document, engine][moment].get(quantity, np.array(0))):
            return engine
    return ""
