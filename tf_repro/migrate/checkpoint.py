"""Restore what a TensorFlow 1 checkpoint holds, weights and optimizer slots, into a TensorFlow 2 program."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.migrate import names
from tf_repro.programs.port import keeps_tf1_slots, named, places_in, tf1_slots

_POWER = re.compile(r"(?:^|/)(beta[12]_power)(?:_\d+)?$")
_TF1_NAMES = {"RMSprop": "RMSProp"} | {
    name: name for name in ("Adadelta", "Adagrad", "Adam", "ExponentialMovingAverage", "Ftrl", "Momentum", "RMSProp")
}
_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_SUFFIX = re.compile(r"\.(?:index|meta|data-\d{5}-of-\d{5})$")


@dataclass(frozen=True)
class Disagreement:
    """Two counterparts that differ in shape or dtype."""

    tf1: str
    port: str
    tf1_form: str
    port_form: str

    def __str__(self) -> str:
        return f"{self.tf1} is {self.tf1_form}, {self.port} is {self.port_form}"


@dataclass(frozen=True)
class RestoreReport:
    """What a checkpoint and a port have in common.

    Attributes:
        matched: TF1 name to the port's; slots are ``"variable/slot"``.
        missing: what the port has and the checkpoint does not.
        unused: what the checkpoint has and the port does not: weights.
        ignored: what the checkpoint has and was not asked for: slots, counters, and what ``name_map`` leaves out.
        disagreements: counterparts that differ in shape or dtype.
        ambiguous: matches of which another was as likely; ``name_map`` settles them.
        restored: whether the port was changed.
    """

    matched: Mapping[str, str]
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    ambiguous: tuple[str, ...] = ()
    restored: bool = False

    @property
    def complete(self) -> bool:
        """Whether all of the port and every weight of the checkpoint found its one counterpart."""
        return not (self.missing or self.unused or self.disagreements or self.ambiguous)

    def __str__(self) -> Any:
        lines = [f"{'restored' if self.restored else 'nothing changed'}: {len(self.matched)} matched"]
        lines += [f"  {tf1} → {port}" for tf1, port in self.matched.items()]
        for label in ("missing", "unused", "ambiguous", "disagreements", "ignored"):
            if getattr(self, label):
                lines.append(f"{label}: {', '.join(map(str, getattr(self, label)))}")
        return "\n".join(lines)


@dataclass
class _Entry:
    """What a checkpoint's reader tells about a tensor without reading it."""

    shape: tuple[int, ...]
    dtype: np.dtype
    ndim: int = field(init=False)

    def __post_init__(self) -> None:
        self.ndim = len(self.shape)

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


def load_tf1_checkpoint(
    path: Path, port_variables: Any, name_map: Any = None, optimizer: Any = None, allow_incomplete: Any = False
) -> Any:
    """Restore a checkpoint; see :func:`tf_repro.migrate.load_tf1_checkpoint`."""
    variables = _by_name(port_variables)
    optimizers = _optimizers(optimizer, variables)
    reader, entries = _open(path)
    given = dict(name_map or {})
    weights, slots = _split(entries, given)
    port = {name: _entry(variable) for name, variable in variables.items()}
    counters = [name for name, entry in weights.items() if names.is_counter(entry) and name not in given]
    ignored = [name for name in weights if given.get(name, "") is None] + counters
    candidates = {name: weights[name] for name in _naturally(weights) if name not in counters}
    found = names.infer(candidates, port, given)
    settled = given.keys() | {a for a, b in names.numbered(candidates, port).items() if found.get(a) == b}
    ambiguous = [a for a, b in found.items() if a not in settled and _has_rival(a, b, candidates, port)]

    targets = dict(variables)
    pairs = list(found.items())
    for prefix, (each, own) in optimizers.items():
        slot_targets, slot_pairs = _optimizer_pairs(each, own, found, slots)
        targets |= slot_targets
        pairs += slot_pairs
        targets[f"{prefix}iterations"] = each.iterations
        pairs += [("global_step", f"{prefix}iterations")] if "global_step" in counters else []
    power_targets, power_pairs = _powers(optimizers, slots)
    targets, pairs = targets | power_targets, pairs + power_pairs
    uncounted = {f"{prefix}iterations" for prefix, (each, _) in optimizers.items() if not _counts_steps(each)}
    disagreements = _disagreements(pairs, entries, targets)
    wrong = {each.tf1 for each in disagreements}
    reached, taken = {b for _, b in pairs}, {a for a, _ in pairs}
    sources = {b: a for a, b in pairs if a not in wrong}
    report = {
        "matched": _inverted(sources),
        "missing": tuple(name for name in targets if name not in reached | uncounted),
        "unused": tuple(name for name in candidates if name not in taken and given.get(name, "") is not None),
        "ignored": tuple(dict.fromkeys(name for name in (*ignored, *slots) if name not in taken)),
        "disagreements": tuple(disagreements),
        "ambiguous": tuple(ambiguous),
    }
    result = RestoreReport(**report)
    if not (result.complete or allow_incomplete):
        return result
    values = {b: _read(reader, a, path) for b, a in sources.items()}  # all of them before the first is assigned
    for name, value in values.items():
        targets[name].assign(value)
    return RestoreReport(**report, restored=True)


def _disagreements(pairs: Any, entries: Any, targets: Any) -> list[Disagreement]:
    both = [(tf1, port, entries[tf1], _entry(targets[port])) for tf1, port in pairs]
    return [Disagreement(tf1, port, str(a), str(b)) for tf1, port, a, b in both if not _agree(a, b, port)]


def _open(path: Path) -> Any:
    """A checkpoint's reader, and the tensors in it."""
    prefix = _SUFFIX.sub("", os.fspath(path))
    try:
        reader = tf.train.load_checkpoint(prefix)
        dtypes = reader.get_variable_to_dtype_map()
        entries = {
            name: _Entry(tuple(shape), np.dtype(dtypes[name].as_numpy_dtype))
            for name, shape in sorted(reader.get_variable_to_shape_map().items())
        }
    except (tf.errors.OpError, ValueError, IndexError, RuntimeError, UnicodeDecodeError) as error:
        raise _not_a_checkpoint(path, error) from None
    if _OBJECT_GRAPH in entries:
        raise InputError(
            f"the checkpoint must be one of tf.train.Saver, by name. Received: {path}, "
            "one of TensorFlow 2's objects; restore it with tf.train.Checkpoint"
        )
    return reader, entries


def _read(reader: Any, name: str, path: Path) -> Any:
    try:
        return reader.get_tensor(name)
    except (tf.errors.OpError, ValueError, IndexError, RuntimeError) as error:
        raise _not_a_checkpoint(path, error, f", {name}") from None


def _not_a_checkpoint(path: Path, error: Any, where: Any = "") -> Any:
    said = " ".join(str(error).split())
    return InputError(
        "a TF1 checkpoint must be whole: the prefix of its .index and .data files. "
        f"Received: {path}{where}: {said:.160}"
    )


def _split(entries: Any, given: Any) -> Any:
    """Weights, and the slots of optimizers: ``variable/Name``, as large as ``variable``, and the powers of β."""
    slots = {}
    for name, entry in entries.items():
        owner, _, _ = name.rpartition("/")
        if name in given:
            continue
        if _POWER.search(name) or (owner in entries and entries[owner].shape == entry.shape):
            slots[name] = entry
    return {name: entry for name, entry in entries.items() if name not in slots}, slots


def _by_name(port_variables: Any) -> Any:
    """The variables by name; those of a sub-model begin with its key."""
    if not isinstance(port_variables, dict):
        return named(port_variables)
    parts = {
        key: named(part) for key, part in port_variables.items() if not isinstance(part, (tf.Variable, keras.Variable))
    }
    whole = named({key: part for key, part in port_variables.items() if key not in parts})
    return whole | {f"{key}/{name}": v for key, part in parts.items() for name, v in part.items()}


def _optimizers(optimizer: Any, variables: Any) -> Any:
    """(optimizer, its variables by name) by what the names of its own variables begin with."""
    if optimizer is None:
        return {}
    given = {f"{key}/": each for key, each in optimizer.items()} if isinstance(optimizer, dict) else {"": optimizer}
    owned = {prefix: {name: v for name, v in variables.items() if name.startswith(prefix)} for prefix in given}
    for prefix, each in given.items():
        if not keeps_tf1_slots(each):
            raise InputError(
                "optimizer must be one of tf_repro.optimizers, or one of Keras' whose slots hold what TF1's do: Adam, "
                "RMSprop, Adagrad, Adadelta, Ftrl, SGD without momentum (with it, Keras folds the learning rate and "
                f"the sign into the slot). Received: {type(each).__name__}"
            )
        if not owned[prefix]:
            raise InputError(
                "a dict of optimizers must have the keys of the sub-models that they train. Received: "
                f"{prefix[:-1]!r}, of which there is no variable"
            )
    return {prefix: (each, owned[prefix]) for prefix, each in given.items()}


def _optimizer_pairs(optimizer: Any, variables: Any, found: Any, slots: Mapping[str, Any]) -> Any:
    """The optimizer's slots by name, and which of TF1's is which of them."""
    trained = {name: v for name, v in variables.items() if getattr(v, "trainable", True)}
    optimizer.build(list(trained.values()))
    kinds = tf1_slots(optimizer)
    known = places_in(optimizer, trained)
    targets = {f"{name}/{kind}": kept[place] for name, place in known.items() for kind, kept in kinds.items() if kept}
    pairs = []
    for tf1, port in found.items():
        if port in known:
            owned = _slots_of(tf1, slots, _TF1_NAMES.get(type(optimizer).__name__), len(kinds))
            pairs += [(slot, f"{port}/{kind}") for slot, kind in zip(owned, kinds, strict=False) if kinds[kind]]
    return targets, pairs


def _powers(optimizers: Any, slots: Mapping[str, Any]) -> Any:
    """The powers of β by name, and which of TF1's is which of them.

    TF1 counted them up as optimizers were applied, ``beta1_power``, ``beta1_power_1``; theirs is the order in which
    the optimizers are given, unless the scope is a sub-model's key. None is matched where there are more or fewer.
    """
    keeping = {prefix: each.powers for prefix, (each, _) in optimizers.items() if getattr(each, "powers", None)}
    targets, pairs = {}, []
    for place, (prefix, powers) in enumerate(keeping.items()):
        for name, power in powers.items():
            targets[f"{prefix}{name}_power"] = power
            there = [slot for slot in _naturally(slots) if (m := _POWER.search(slot)) and m[1] == f"{name}_power"]
            scoped = [slot for slot in there if prefix and slot.startswith(prefix)]
            chosen = scoped if len(scoped) == 1 else there[place : place + 1] if len(there) == len(keeping) else []
            pairs += [(slot, f"{prefix}{name}_power") for slot in chosen]
    return targets, pairs


def _inverted(sources: Any) -> Any:
    """TF1 name to the port's names."""
    matched: dict[str, str] = {}
    for port, tf1 in sources.items():
        matched[tf1] = f"{matched[tf1]}, {port}" if tf1 in matched else port
    return matched


def _slots_of(variable: Any, slots: Mapping[str, Any], kind: Any, count: Any) -> Any:
    """A variable's slots, in order: ``Adam``, ``Adam_1``; or as many under a name given to the optimizer.

    None where there are more or fewer, as of another form of the optimizer: they could not be told apart.
    """
    groups: dict[Any, Any] = {}
    for name in _naturally(slots):
        owner, _, last = name.rpartition("/")
        if owner == variable:
            groups.setdefault(re.sub(r"_\d+$", "", last), []).append(name)
    if kind in groups:
        return groups[kind] if len(groups[kind]) == count else []
    renamed = [group for name, group in groups.items() if name not in _TF1_NAMES and len(group) == count]
    return renamed[0] if len(renamed) == 1 else []


def _counts_steps(optimizer: Any) -> Any:
    """Whether the optimizer's rule itself depends on the count of steps, as Keras' Adam, and not only its schedule."""
    return isinstance(optimizer, keras.optimizers.Adam)


def _naturally(entries: Any) -> Any:
    """Names in the order in which TF1 counted them up: ``dense``, ``dense_2``, ``dense_10``."""
    return sorted(entries, key=lambda name: [(part, 0) if i % 2 == 0 else ("", int(part))
                                             for i, part in enumerate(re.split(r"(\d+)", name))])  # fmt: skip


def _has_rival(tf1: Any, port: Any, candidates: Any, ports: Any) -> Any:
    """Whether the names alone, among variables of one form, would allow another counterpart."""
    if tf1 == port:
        return False
    likeness = names.likeness(tf1, port)

    def rivals(mine: Any, entries: Any, counterpart: Any) -> Any:
        return any(
            other != mine
            and names.alike(entries[other], entries[mine])
            and names.likeness(other, counterpart) >= likeness
            for other in entries
        )

    return rivals(port, ports, tf1) and rivals(tf1, candidates, port)


def _entry(variable: Any) -> Any:
    value = variable.value if isinstance(variable, keras.Variable) else variable
    return _Entry(tuple(value.shape), np.dtype(value.dtype.as_numpy_dtype))


def _agree(tf1: Any, port: Any, name: str) -> Any:
    """One shape and one dtype; the counter of steps, which Keras keeps as int32 or int64, may differ in dtype."""
    return tf1.shape == port.shape and (tf1.dtype == port.dtype or name.endswith("iterations"))
