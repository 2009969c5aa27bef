"""The atlas as data: one column for each release, CPU and state of oneDNN, one series for each output of a probe."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from tf_repro.core.errors import InputError
from tf_repro.core.files import write_atomically

Array = np.ndarray[Any, Any]

UNSET = "unset"
"""The state of oneDNN that a release chooses by itself, where it knows ``TF_ENABLE_ONEDNN_OPTS`` and is not told."""

NOT_ASKED = -1
"""The cell of a style that the release does not have."""


@dataclass(frozen=True, order=True)
class Column:
    """What a recording was made on.

    Attributes:
        release: TensorFlow's version, as numbers.
        onednn: ``TF_ENABLE_ONEDNN_OPTS``: ``"1"``, ``"0"`` or :data:`UNSET`; empty where the release does not know it.
        cpu: the CPU's name.
        python: Python's version.
        numpy: NumPy's version.
    """

    release: tuple[int, ...]
    onednn: str
    cpu: str
    python: str
    numpy: str

    @property
    def version(self) -> str:
        """The release as text."""
        return ".".join(map(str, self.release))

    @property
    def place(self) -> tuple[tuple[int, ...], str, str]:
        """What makes it a column of its own."""
        return self.release, self.onednn, self.cpu


@dataclass
class Series:
    """One output of a probe on every column.

    Attributes:
        versions: the distinct contents: ``{"digest", "dtype", "shape", "stride", "values"}``, ``{"fact"}``,
            ``{"absent"}`` or ``{"failed"}``; ``"within"`` says whether the values are those of the probe's formula
            but for rounding, ``"unstable"`` that two runs gave other bits.
        cells: per column, the index of its content, or :data:`NOT_ASKED`.
    """

    versions: list[dict[str, Any]] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)


@dataclass
class Atlas:
    """All recordings.

    Attributes:
        columns: what they were made on, in the order of the cells.
        failed: releases that could not be installed or recorded, with the reason.
        probes: per probe its kind, whether it sums, and the symbols that it exercises.
        series: by (probe, style, dtype, output).
    """

    columns: list[Column] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    probes: dict[str, dict[str, Any]] = field(default_factory=dict)
    series: dict[tuple[str, str, str, str], Series] = field(default_factory=dict)


def merge(atlas: Atlas, recording: Mapping[str, Any]) -> None:
    """Add a recording as a column; one of the same release, CPU and switch takes the place of the old.

    Args:
        atlas: what it is added to.
        recording: what ``python -m legacy_tf1.atlas`` wrote.

    Raises:
        InputError: it is no such recording.
    """
    column = _column(recording)
    atlas.failed.pop(column.version, None)
    places = [each.place for each in atlas.columns]
    index = places.index(column.place) if column.place in places else len(places)
    if index == len(places):
        atlas.columns.append(column)
        for series in atlas.series.values():
            series.cells.append(NOT_ASKED)
    else:
        atlas.columns[index] = column
        for series in atlas.series.values():
            series.cells[index] = NOT_ASKED
    for name, probe in recording["probes"].items():
        atlas.probes[name] = {key: probe[key] for key in ("kind", "sums", "symbols")}
        for run, answer in probe["series"].items():
            for output, content in _contents(answer).items():
                key = (name, *run.split(" "), output)
                series = atlas.series.setdefault(key, Series([], [NOT_ASKED] * len(atlas.columns)))
                recorded = [_as_recorded(version) for version in series.versions]
                if content not in recorded:
                    series.versions.append(content)
                    recorded.append(content)
                series.cells[index] = recorded.index(content)


def values_of(content: Mapping[str, Any]) -> Array:
    """The recorded values, at most 64 of them, evenly spread over the output."""
    return np.frombuffer(base64.b64decode(content["values"]), np.dtype(content["dtype"]).newbyteorder("<")).astype(
        content["dtype"]
    )


def load(path: Path | None = None) -> Atlas:
    """The atlas of a file; without one, that of the package."""
    text = (path or files("tf_repro.atlas") / "data" / "atlas.json").read_text(encoding="utf-8")
    content = json.loads(text)
    columns = [Column(**{**each, "release": tuple(each["release"])}) for each in content["columns"]]
    series = {
        tuple(key.split("|")): Series(value["versions"], value["cells"]) for key, value in content["series"].items()
    }
    return Atlas(columns, content["failed"], content["probes"], series)


def save(atlas: Atlas, path: Path) -> None:
    """Write the atlas: columns in order of release, one line for each series."""
    order = sorted(range(len(atlas.columns)), key=lambda index: atlas.columns[index])
    lines = []
    for key in sorted(atlas.series):
        series = atlas.series[key]
        cells = [series.cells[index] for index in order]
        used = list(dict.fromkeys(cell for cell in cells if cell != NOT_ASKED))
        content = {
            "cells": [used.index(cell) if cell != NOT_ASKED else cell for cell in cells],
            "versions": [series.versions[cell] for cell in used],
        }
        if used:
            lines.append(f"{json.dumps('|'.join(key))}: {json.dumps(content, sort_keys=True)}")
    head = {
        "columns": [vars(atlas.columns[index]) for index in order],
        "failed": atlas.failed,
        "probes": atlas.probes,
    }
    parts = [f"{json.dumps(key)}: {json.dumps(value, sort_keys=True)}" for key, value in head.items()]
    write_atomically(path, "{" + ",\n".join([*parts, '"series": {\n' + ",\n".join(lines) + "\n}"]) + "}\n")


def _as_recorded(content: Mapping[str, Any]) -> dict[str, Any]:
    """A content without what was noted of it afterwards."""
    return {key: value for key, value in content.items() if key != "within"}


def _column(recording: Mapping[str, Any]) -> Column:
    try:
        given = recording["provenance"]
        release = tuple(int(part) for part in given["tensorflow"].split(".")[:3])
        return Column(release, given["onednn"], given["cpu"], given["python"], given["numpy"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"a recording must be what python -m legacy_tf1.atlas wrote. Received: {error!r} in its provenance"
        ) from None


def _contents(answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """{output: content} of one run of a probe; a run that gave nothing is the output "" with the reason."""
    if "outputs" in answer:
        return dict(answer["outputs"])
    if "facts" in answer:
        return {name: {"fact": value} for name, value in answer["facts"].items()}
    return {"": {key: _reason(text) for key, text in answer.items()}}


def _reason(text: str) -> str:
    """The sentence of an error, without the traceback that AutoGraph puts before it and without the machine's paths."""
    sentence = re.split(r"\bAbsent: |\n\n +", text.strip())[-1]
    return re.sub(r"(/[\w.+-]+)+/", "", " ".join(sentence.split()))
