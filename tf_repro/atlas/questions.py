"""Questions to the atlas: when did which bits move, by how much, and why."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_repro.atlas.attributions import ATTRIBUTED
from tf_repro.atlas.recordings import NOT_ASKED, Atlas, Column, values_of

NOT_ATTRIBUTED = "not attributed"
OTHER_DEFAULT = "other default"
OTHER_STREAM = "other random stream"
OTHER_ALGORITHM = "other algorithm"
ORDER = "order of summation"


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
        kind: the likely reason, :data:`NOT_ATTRIBUTED` where none was tested.
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


def changes(atlas: Atlas, probe: str | None = None, cpu: str | None = None) -> list[Change]:
    """Every change from a release to the next one, on one CPU; an output that two runs gave otherwise is left out.

    Args:
        atlas: the recordings.
        probe: only this one's; None for all.
        cpu: the CPU's name; None for that of the first column.
    """
    cpu = cpu or (atlas.columns[0].cpu if atlas.columns else "")
    return [
        change for key in atlas.series if probe in (None, key[0])
        for onednn in (False, True) for change in _changes_of(atlas, key, onednn, cpu)
    ]  # fmt: skip


def between(found: Iterable[Change], since: tuple[int, int], until: tuple[int, int]) -> list[Change]:
    """The changes after the minor release `since`, up to `until`."""
    return [change for change in found if since < _minor(change.after) <= until]


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


def printing(atlas: Atlas, output: str, printed: Iterable[str], probe: str = "document_softmax_backprop") -> list[str]:
    """The releases in which a program's output prints as given, NumPy's eight digits.

    Args:
        atlas: the recordings.
        output: such as ``"after w"``.
        printed: the numbers as they were printed.
        probe: the program's.
    """
    expected = [np.float32(text) for text in printed]
    series = atlas.series[(probe, "session", "float32", output)]
    return list(dict.fromkeys(
        column.version for column, cell in zip(atlas.columns, series.cells, strict=True)
        if cell != NOT_ASKED and "values" in series.versions[cell]
        and values_of(series.versions[cell]).tolist() == expected
    ))  # fmt: skip


def _changes_of(atlas: Atlas, key: tuple[str, str, str, str], onednn: bool, cpu: str) -> Iterator[Change]:
    series = atlas.series[key]
    cells = [
        (column, cell)
        for column, cell in sorted(zip(atlas.columns, series.cells, strict=True))
        if cell != NOT_ASKED and column.cpu == cpu and column.onednn in ("", "1" if onednn else "0")
    ]
    for (before, old), (after, new) in itertools.pairwise(cells):
        unstable = any("unstable" in series.versions[cell] for cell in (old, new))
        if old == new or unstable or (onednn and after.onednn == ""):
            continue
        yield _change(atlas, key, series.versions[old], series.versions[new], before, after, onednn)


def _change(
    atlas: Atlas, key: tuple[str, str, str, str], old: dict[str, Any], new: dict[str, Any],
    before: Column, after: Column, onednn: bool,
) -> Change:  # fmt: skip
    probe, style, dtype, output = key
    units = _units(old, new)
    kind = _kind(atlas, key, old, new, after)
    return Change(
        probe, style, dtype, output, before.version, after.version, onednn, units, _words(old), _words(new), kind
    )


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


def _kind(atlas: Atlas, key: tuple[str, str, str, str], old: dict[str, Any], new: dict[str, Any], after: Column) -> str:
    """The reason where it was tested or leaves no choice; a style or release without the probe gives no reason."""
    probe, _, dtype, _ = key
    about = atlas.probes[probe]
    for each in ATTRIBUTED:
        if (each.probe, each.dtype, each.release) == (probe, dtype, after.version):
            return each.kind
    if "fact" in old and "fact" in new:
        return OTHER_DEFAULT
    if "values" not in old or "values" not in new:
        return NOT_ATTRIBUTED
    if about["kind"] == "random" and _other_stream(old, new):
        return OTHER_STREAM
    if about["kind"] == "kernel" and not about["sums"]:
        return OTHER_ALGORITHM
    return NOT_ATTRIBUTED


def _other_stream(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether more than half of the draws differ by more than a thousandth: no rounding does that."""
    if old["shape"] != new["shape"]:
        return False
    a, b = (values_of(content).astype(np.float64) for content in (old, new))
    return bool(np.mean(np.abs(a - b) > 1e-3 * np.maximum(np.abs(a), np.abs(b))) > 0.5)


def _words(content: dict[str, Any]) -> str:
    return str(next((content[key] for key in ("fact", "absent", "failed", "digest") if key in content), ""))


def _minor(release: str) -> tuple[int, int]:
    major, minor = release.split(".")[:2]
    return int(major), int(minor)
