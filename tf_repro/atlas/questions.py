"""Questions to the atlas: when did which bits move, by how much, and why."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_repro.atlas.kinds import ONEDNN, Key, Step, reason
from tf_repro.atlas.onednn import turned_on
from tf_repro.atlas.recordings import NOT_ASKED, Array, Atlas, Column, Series, values_of

Release = tuple[int, ...]

VERSION_2: Release = (2,)
"""From here on, a Session's public names are those of ``tf.compat.v1``."""


KEEPING = ("keep_dims", "keepdims")
"""While an argument of reductions had two names, None stood for the False of both."""


@dataclass(frozen=True)
class Change:
    """An output of a probe that is not what it was in the release before.

    Attributes:
        probe: its name.
        style: ``"session"``, ``"eager"`` or ``"function"``.
        dtype: the precision, or ``"fact"``.
        output: which output.
        before: the last release with the old content.
        after: the first with the new.
        onednn: whether the two were recorded with oneDNN on, where the release knows it.
        units: the largest movement among the recorded values, in units of eps times the largest of them; None for a
            fact, and where dtype or shape changed.
        old: the default before, of a fact.
        new: the default after.
        kind: why, by the rules of :mod:`tf_repro.atlas.kinds`.
        because: on what grounds.
    """

    probe: str
    style: str
    dtype: str
    output: str
    before: str
    after: str
    onednn: bool
    units: float | None
    old: str
    new: str
    kind: str
    because: str = ""


def changes(atlas: Atlas, probe: str | None = None, cpu: str | None = None) -> list[Change]:
    """Every change from a release to the next one, on one CPU; an output that two runs gave otherwise is left out.

    Args:
        atlas: the recordings.
        probe: only this one's; None for all.
        cpu: the CPU's name; None for that of the first column.
    """
    cpu = cpu or (atlas.columns[0].cpu if atlas.columns else "")
    steps = list(_tracks(atlas, cpu))
    moved: dict[tuple[str, str, bool], dict[str, set[Release]]] = {}
    for (name, style, dtype, _), onednn, _, after, *_ in steps:
        moved.setdefault((style, dtype, onednn), {}).setdefault(name, set()).add(after.release)
    found = []
    for key, onednn, before, after, old, new in steps:
        name, style, dtype, _ = key
        if probe in (None, name):
            units = _units(old, new)
            others = [*moved[style, dtype, onednn].items(), *moved.get((style, "fact", onednn), {}).items()]
            meanwhile = frozenset(
                other for other, releases in others if any(before.release < each <= after.release for each in releases)
            )
            why = reason(Step(key, atlas.probes[name], old, new, after.version, units, meanwhile))
            found.append(Change(
                *key, before.version, after.version, onednn, units, _words(old), _words(new), why.kind, why.because
            ))  # fmt: skip
    return [*found, *(change for change in _switched(atlas, cpu) if probe in (None, change.probe))]


def told_of(change: Change, symbol: str) -> str:
    """The name whose default changed: a Session's is that of ``tf.compat.v1`` since version 2.

    Args:
        change: another default.
        symbol: the name that version 1 has for it, such as ``"tf.keras.layers.GRU"``.
    """
    later = change.style == "session" and minor(change.after) >= VERSION_2
    return "tf.compat.v1." + symbol.removeprefix("tf.") if later else symbol


def between(found: Iterable[Change], since: tuple[int, int], until: tuple[int, int]) -> list[Change]:
    """The changes after the minor release `since`, up to `until`."""
    return [change for change in found if since < minor(change.after) <= until]


def concerning(found: Iterable[Change], atlas: Atlas, symbols: Iterable[str]) -> list[Change]:
    """The changes of probes that exercise one of the symbols.

    Args:
        found: changes.
        atlas: where their probes are described.
        symbols: public names such as ``"tf.nn.softmax"``.
    """
    wanted = set(symbols)
    return [change for change in found if wanted & set(atlas.probes[change.probe]["symbols"])]


def failures(atlas: Atlas, probe: str) -> dict[str, list[str]]:
    """Why a probe gave nothing, and where: ``{"failed: …" or "absent: …": ["2.5.3 oneDNN session float32"]}``."""
    found: dict[str, list[str]] = {}
    for (name, style, dtype, output), series in atlas.series.items():
        if name == probe and output == "":
            for column, cell in sorted(zip(atlas.columns, series.cells, strict=True)):
                if cell != NOT_ASKED:
                    ((how, why),) = series.versions[cell].items()
                    onednn = " oneDNN" if column.onednn == "1" else ""
                    found.setdefault(f"{how}: {why}", []).append(f"{column.version}{onednn} {style} {dtype}")
    return found


def wrong(atlas: Atlas) -> dict[str, list[str]]:
    """Find where oneDNN gives what is no rounding of the formula, and the same release without it does not.

    Args:
        atlas: the recordings.

    Returns:
        By probe, the runs: ``"2.5.3 eager float32 value"``.
    """
    found: dict[str, list[str]] = {}
    columns = sorted(atlas.columns)
    for (probe, style, dtype, output), series in atlas.series.items():
        if all(content.get("within", True) for content in series.versions):
            continue
        cells = {
            (column.release, column.onednn): series.versions[cell]
            for column, cell in zip(atlas.columns, series.cells, strict=True)
            if cell != NOT_ASKED
        }
        for column in columns:
            on, off = (cells.get((column.release, state), {}).get("within") for state in ("1", "0"))
            if column.onednn == "1" and on is False and off is True:
                found.setdefault(probe, []).append(f"{column.version} {style} {dtype} {output}")
    return found


def printing(atlas: Atlas, probe: str, output: str, prints: Callable[[Array], bool]) -> dict[Column, bool]:
    """Tell of each column whether a program's output prints as a document does.

    Args:
        atlas: the recordings.
        probe: the program's.
        output: such as ``"after w"``.
        prints: whether the values, in their order, print so.

    Returns:
        By column, those that were asked; empty where the output is not recorded whole.
    """
    series = atlas.series.get((probe, "session", "float32", output), Series())
    return {
        column: prints(values_of(series.versions[cell]))
        for column, cell in sorted(zip(atlas.columns, series.cells, strict=False))
        if cell != NOT_ASKED and series.versions[cell].get("stride") == 1
    }


def _tracks(atlas: Atlas, cpu: str) -> Iterator[tuple[Key, bool, Column, Column, dict[str, Any], dict[str, Any]]]:
    """Each pair of neighbours that differ: (key, oneDNN, columns and contents before and after)."""
    order = sorted((column, index) for index, column in enumerate(atlas.columns) if column.cpu == cpu)
    tracks = {state: [each for each in order if each[0].onednn in ("", "01"[state])] for state in (False, True)}
    for key, series in atlas.series.items():
        first = _of_version_1(atlas, key)
        for onednn in (False, True) if len(series.versions) + len(first.versions) > 1 else ():
            track = [
                (column, content)
                for column, index in tracks[onednn]
                if (content := _content(series, index) or _content(first, index)) is not None
            ]
            for (before, old), (after, new) in itertools.pairwise(track):
                unstable = "unstable" in old or "unstable" in new
                told = (onednn and after.onednn == "") or (first.versions and after.release < VERSION_2)
                if old is not new and not unstable and not told and not _same(key, old, new):
                    yield key, onednn, before, after, old, new


def _of_version_1(atlas: Atlas, key: Key) -> Series:
    """What goes before a fact of version 2: the fact of the same public name in version 1, which has no eager style."""
    name, style, dtype, output = key
    empty = Series([], [NOT_ASKED] * len(atlas.columns))
    if (style, dtype) != ("eager", "fact") or output == "":
        return empty
    session = atlas.series.get((name, "session", dtype, output), empty)
    cells = [
        cell if column.release < VERSION_2 else NOT_ASKED
        for column, cell in zip(atlas.columns, session.cells, strict=True)
    ]
    return Series(session.versions, cells)


def _content(series: Series, index: int) -> dict[str, Any] | None:
    cell = series.cells[index]
    return None if cell == NOT_ASKED else series.versions[cell]


def _same(key: Key, old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether two facts say the same: 0 and 0.0, or a layer's dtype, which each Keras has in a form of its own."""
    if "fact" not in old or "fact" not in new:
        return False
    facts = {old["fact"], new["fact"]}
    if key[3] == "dtype" or len(facts) == 1 or (key[3] in KEEPING and facts == {"None", "False"}):
        return True
    try:
        return float(old["fact"]) == float(new["fact"])
    except ValueError:
        return False


def _switched(atlas: Atlas, cpu: str) -> Iterator[Change]:
    """What oneDNN moves by being on: its first release by default against the last without."""
    switch = turned_on(atlas, cpu)
    if switch is None:
        return
    last, off, on = (atlas.columns.index(each) for each in switch.columns)
    before, after = atlas.columns[last].version, atlas.columns[on].version
    for key, series in atlas.series.items():
        cells = [series.cells[place] for place in (last, off, on)]
        if NOT_ASKED in cells or cells[1] == cells[2]:
            continue
        old, new = series.versions[cells[0]], series.versions[cells[2]]
        if "values" in old and "values" in new and not ("unstable" in old or "unstable" in new):
            units = _units(old, new)
            yield Change(*key, before, after, True, units, _words(old), _words(new), ONEDNN, switch.because)


def _units(old: dict[str, Any], new: dict[str, Any]) -> float | None:
    """The largest movement over eps times the largest finite magnitude."""
    if "values" not in old or "values" not in new or old["shape"] != new["shape"] or old["dtype"] != new["dtype"]:
        return None
    a, b = values_of(old), values_of(new)
    if a.dtype.kind != "f":
        return None
    with np.errstate(invalid="ignore"):
        moved = np.abs(a.astype(np.float64) - b.astype(np.float64))
    scale = max(float(np.max(np.abs(a[np.isfinite(a)]), initial=0)), float(np.finfo(a.dtype).tiny))
    return float(np.max(moved[np.isfinite(moved)], initial=0)) / (scale * float(np.finfo(a.dtype).eps))


def _words(content: dict[str, Any]) -> str:
    return str(next((content[key] for key in ("fact", "absent", "failed", "digest") if key in content), ""))


def minor(release: str) -> tuple[int, int]:
    """The minor release, as numbers."""
    major, minor = release.split(".")[:2]
    return int(major), int(minor)
