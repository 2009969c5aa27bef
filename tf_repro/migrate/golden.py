"""Golden bundles: what a TF1 program computed, in one file that is replayed without TensorFlow 1.

A bundle is a ZIP archive of ``manifest.json``, the program's source, and the arrays as raw bytes. Nothing in it is
pickled or executed, equal arrays are kept once, and equal recordings are equal files. Imports no TensorFlow.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tf_repro.core.errors import InputError
from tf_repro.core.files import write_atomically
from tf_repro.core.record import Record

FORMAT, VERSION = "tf_repro golden bundle", 1
SUFFIX = ".golden"
FIRST, OTHERWISE = "before", "before, otherwise fed"
MANIFEST, SOURCE = "manifest.json", "program.py"

Moments = Mapping[str, Mapping[str, np.ndarray[Any, Any]]]

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP archive can hold: with the true one, equal recordings would be other files."""

_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, IndexError, TypeError, ValueError, AttributeError,
    NotImplementedError, RuntimeError, OverflowError, MemoryError, RecursionError,
)  # fmt: skip
"""What zipfile, zlib, json and NumPy raise for bytes that are not what they should be."""


@dataclass(frozen=True)
class Graph:
    """The program's graph, and the value of each of its tensors in one run.

    Attributes:
        nodes: what each operation is; see ``legacy_tf1.graph.record``.
        roots: ``[kind, name, tensor]`` of each fetch, loss, gradient and update.
        values: arrays by tensor name.
    """

    nodes: list[dict[str, Any]]
    roots: list[list[str]]
    values: Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Bundle:
    """What a TF1 program computed, and all that a check of a port needs of it.

    Attributes:
        record: every moment of the run, its feeds among them.
        description: of the program; see ``legacy_tf1.run.run``.
        program: the name of the program's file.
        source: its text.
        steps: how many training steps were run.
        seed: of the graph, and of the feeds that were drawn.
        inputs: keyword arguments of ``build()``.
        script: what was taken of a program without ``build()``; see ``legacy_tf1.program_script.content``.
        noise: how far rounding moves each tensor, by moment and name; empty where it could not be measured.
        unsteady: the names of what the program does not compute twice alike.
        graphs: its graph by the moment that it was run in, ``"before"`` and, where feeds are drawn,
            ``"before, otherwise fed"``; none where it was not recorded.
        provenance: what it was recorded on, by name.
    """

    record: Record
    description: Mapping[str, Any]
    program: str
    source: str
    steps: int
    seed: int
    inputs: Mapping[str, Any] = field(default_factory=dict)
    script: Mapping[str, Any] = field(default_factory=dict)
    noise: Moments = field(default_factory=dict)
    unsteady: tuple[str, ...] = ()
    graphs: Mapping[str, Graph] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)

    def write(self, path: Path | str) -> None:
        """Write the bundle, whole or not at all.

        Raises:
            InputError: the file cannot be written.
        """
        write_atomically(Path(path), self.to_bytes())

    def to_bytes(self) -> bytes:
        """The bundle as a file's content."""
        arrays = _Arrays()
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "program": self.program,
            "sha256": hashlib.sha256(self.source.encode()).hexdigest(),
            "steps": self.steps,
            "seed": self.seed,
            "inputs": dict(self.inputs),
            "script": dict(self.script),
            "provenance": dict(self.provenance),
            "run": self.record.provenance,
            "description": dict(self.description),
            "unsteady": list(self.unsteady),
            "record": arrays.index(self.record),
            "noise": arrays.index(_in_single_precision(self.noise)),
            "graphs": {
                moment: {"nodes": graph.nodes, "roots": graph.roots, "values": arrays.index({"": graph.values})[""]}
                for moment, graph in self.graphs.items()
            },
            "arrays": arrays.forms,
        }
        text = json.dumps(manifest, ensure_ascii=False, allow_nan=False, default=lambda v: np.asarray(v).tolist())
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name, member in ((MANIFEST, text.encode()), (SOURCE, self.source.encode()), *arrays.members):
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, member)
        return content.getvalue()


class _Arrays:
    """Arrays to be written, equal ones once."""

    def __init__(self) -> None:
        self.forms: list[list[Any]] = []
        self.members: list[tuple[str, bytes]] = []
        self._places: dict[tuple[str, tuple[int, ...], bytes], int] = {}

    def index(self, moments: Moments) -> dict[str, dict[str, int]]:
        """The arrays' places by moment and name."""
        return {
            moment: {name: self._place(value) for name, value in quantities.items()}
            for moment, quantities in moments.items()
        }

    def _place(self, value: Any) -> int:
        array = np.asarray(value)
        if array.dtype.hasobject:
            raise InputError(f"a bundle must hold numbers. Received: an array of dtype {array.dtype}")
        content = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        key = (array.dtype.name, array.shape, hashlib.sha256(content).digest())
        if key not in self._places:
            self._places[key] = len(self.forms)
            self.forms.append([array.dtype.name, list(array.shape)])
            self.members.append((f"arrays/{self._places[key]}", content))
        return self._places[key]


def _in_single_precision(noise: Moments) -> dict[str, dict[str, Any]]:
    """A measure of rounding is a threshold: seven digits of it are enough, in half the space."""
    with np.errstate(over="ignore"):
        return {m: {n: np.asarray(v, np.float32) for n, v in quantities.items()} for m, quantities in noise.items()}


def is_bundle(path: Path | str) -> bool:
    """Whether a file is meant to be a bundle: by its first bytes, or by its name.

    Example:
        >>> is_bundle("original.golden"), is_bundle("legacy.py")
        (True, False)
    """
    path = Path(path)
    if path.suffix == SUFFIX:
        return True
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK"
    except OSError:
        return False


def read(path: Path | str) -> Bundle:
    """Read a bundle, all of it.

    Raises:
        InputError: the file is missing, damaged, or of another format or version.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"a golden bundle must be a readable file. Received: {path} ({error.strerror})") from None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            _require_version(manifest, path)
            return _bundle(archive, manifest)
    except InputError:
        raise
    except _UNREADABLE as error:
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(
            f"a golden bundle must be whole, as tf-repro record wrote it. Received: {path}: {said}; record it anew"
        ) from None


def _require_version(manifest: Any, path: Path) -> None:
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputError(f"a golden bundle must be written by tf-repro record. Received: {path}, an archive of others")
    version = manifest.get("version")
    if version != VERSION:
        raise InputError(
            f"a golden bundle must be of version {VERSION}. Received: {path} of version {version!r}; record it anew, "
            "or use the tf_repro that wrote it"
        )


def _bundle(archive: zipfile.ZipFile, manifest: dict[str, Any]) -> Bundle:
    arrays = [_array(archive, number, *form) for number, form in enumerate(manifest["arrays"])]
    source = archive.read(SOURCE).decode()
    if hashlib.sha256(source.encode()).hexdigest() != manifest["sha256"]:
        raise ValueError("the program's text is not the one that was recorded")

    def moments(index: dict[str, dict[str, int]]) -> dict[str, dict[str, Any]]:
        return {moment: {name: arrays[place] for name, place in found.items()} for moment, found in index.items()}

    return Bundle(
        record=Record(moments(manifest["record"]), manifest["run"]),
        description=manifest["description"],
        program=Path(manifest["program"]).name,
        source=source,
        steps=int(manifest["steps"]),
        seed=int(manifest["seed"]),
        inputs=manifest["inputs"],
        script=manifest["script"],
        noise=moments(manifest["noise"]),
        unsteady=tuple(manifest["unsteady"]),
        graphs={
            moment: Graph(graph["nodes"], graph["roots"], moments({"": graph["values"]})[""])
            for moment, graph in manifest["graphs"].items()
        },
        provenance=manifest["provenance"],
    )


def _array(archive: zipfile.ZipFile, number: int, dtype: str, shape: list[int]) -> np.ndarray[Any, Any]:
    flat = np.frombuffer(archive.read(f"arrays/{number}"), np.dtype(dtype).newbyteorder("<"))
    return flat.astype(np.dtype(dtype)).reshape(shape)


@contextlib.contextmanager
def unpacked(bundle: Bundle) -> Iterator[Path]:
    """While it lasts, the program's source is a file of its own name, for what shows its lines."""
    with tempfile.TemporaryDirectory(prefix="tf_repro-") as folder:
        path = Path(folder, bundle.program)
        path.write_text(bundle.source, encoding="utf-8")
        yield path
