"""The TF1 side of a climb: run now, or replayed from a golden bundle. Imports no TensorFlow."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tf_repro.core.errors import InputError
from tf_repro.core.inputs import as_count
from tf_repro.core.record import Record
from tf_repro.migrate import golden
from tf_repro.migrate.checker import isolated

STEPS, SEED = 10, 0


@dataclass(frozen=True)
class Original:
    """What a TF1 program computed, and how.

    Attributes:
        record: every moment of it.
        description: of the program; see :func:`legacy_tf1.run.run`.
        path: the program's file.
        steps: how many training steps were run.
        seed: of the graph.
        inputs: keyword arguments of ``build()``.
        script: what was taken of a script; see :func:`legacy_tf1.program_script.content`.
        bundle: the golden bundle's file, or None where the program was run now.
    """

    record: Record
    description: Mapping[str, Any]
    path: Path
    steps: int
    seed: int
    inputs: dict[str, Any]
    script: dict[str, Any]
    bundle: Path | None = None


@contextlib.contextmanager
def original(path: Path, **options: Any) -> Iterator[Original]:
    """The TF1 side of a check, of a program or of a golden bundle; while it lasts, ``path`` is a file to show.

    Args:
        path: the program, or the bundle.
        options: as of :func:`tf_repro.migrate.check`: ``steps``, ``seed``, ``feeds``, ``inputs``, ``tf1_python``,
            ``time_limit``, ``train``, ``fetches`` and ``call``.

    Raises:
        InputError: the program breaks a rule, the bundle is damaged, or an option contradicts it.
    """
    if not golden.is_bundle(path):
        yield executed(path, **options)
        return
    bundle = golden.read(path)
    _require_the_recorded(path, bundle, **options)
    with golden.unpacked(bundle) as source:
        same = bundle.steps, bundle.seed, dict(bundle.inputs), dict(bundle.script)
        yield Original(bundle.record, bundle.description, source, *same, path)


def executed(
    path: Path,
    *,
    steps: int | None,
    seed: int | None,
    feeds: Any,
    inputs: Mapping[str, Any] | None,
    tf1_python: Path | str | None,
    time_limit: float,
    train: str | None = None,
    fetches: Sequence[str] | None = None,
    call: str | None = None,
) -> Original:
    """Run a TF1 program now, in a process of its own."""
    steps = STEPS if steps is None else as_count("steps", steps)
    asked = {"train": train, "fetches": list(fetches or []), "function": call, "steps": steps}
    given: dict[str, Any] = {
        "steps": steps,
        "seed": SEED if seed is None else seed,
        "inputs": dict(inputs or {}),
        "script": {name: value for name, value in asked.items() if value},
    }
    record, description = isolated.legacy(
        path, feeds=read_feeds(feeds), tf1_python=tf1_python, time_limit=time_limit, **given
    )
    return Original(record, description, path, **given)


def _require_the_recorded(path: Path, bundle: golden.Bundle, **options: Any) -> None:
    """A replay has the recording's steps, seed, feeds and inputs: others would need TensorFlow 1 again."""
    recorded = {"steps": bundle.steps, "seed": bundle.seed, "inputs": dict(bundle.inputs)}
    for name in ("steps", "seed", "inputs", "feeds", "tf1_python", "train", "fetches", "call"):
        asked = options[name]
        if asked is None or asked in ({}, []) or (name in recorded and asked == recorded[name]):
            continue
        was = f", recorded with {recorded[name]!r}" if name in recorded else ""
        shown = str(asked) if isinstance(asked, Path) else repr(asked)
        raise InputError(
            f"{name} must be what the golden bundle was recorded with. Received: {shown:.80} for {path.name}{was}; "
            "leave it out, or give it to tf-repro record"
        )


def read_feeds(feeds: Any) -> Mapping[str, Any] | None:
    """Feeds by placeholder, from a dict or an ``.npz`` file."""
    if feeds is None or isinstance(feeds, dict):
        return feeds
    try:
        with np.load(io.BytesIO(Path(feeds).read_bytes()), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # noqa: BLE001 - what NumPy raises for a file that is no archive
        raise InputError(f"feeds must be an .npz file of arrays. Received: {feeds} ({type(error).__name__})") from None
