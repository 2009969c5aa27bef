"""Which TF1 variable is which port variable: by given or equal name, then by shape, use, likeness and order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tf_repro.core.errors import InputError

_SYNONYMS = {
    "weights": "kernel",
    "weight": "kernel",
    "w": "kernel",
    "biases": "bias",
    "b": "bias",
    "scale": "gamma",
    "offset": "beta",
    "mean": "moving_mean",
    "variance": "moving_variance",
}


def infer(legacy: Any, port: Any, given: Any) -> Any:
    """The port variable of each TF1 variable.

    Args:
        legacy: TF1's variables by name, arrays.
        port: the port's variables by name, arrays.
        given: TF1 name to port name for some of them; None leaves a TF1 variable out.

    Returns:
        TF1 name to port name, without the TF1 variables that have no counterpart.

    Raises:
        InputError: ``given`` names a variable that does not exist, or one of the port twice.

    Example:
        >>> import numpy as np
        >>> infer({"w": np.zeros(2), "b": np.zeros(1)}, {"dense/kernel": np.zeros(2), "dense/bias": np.zeros(1)}, {})
        {'w': 'dense/kernel', 'b': 'dense/bias'}
    """
    _validate(legacy, port, given)
    found = {a: b for a, b in given.items() if b is not None}
    open_legacy = [name for name in legacy if name not in given]
    open_port = [name for name in port if name not in found.values()]

    def settle(pairs: Any) -> None:
        for a, b in pairs:
            if a in open_legacy and b in open_port:
                found[a] = b
                open_legacy.remove(a)
                open_port.remove(b)

    settle([(a, b) for a in open_legacy for b in open_port if a == b])
    settle(_numbered_alike(legacy, port, open_legacy, open_port))
    settle([(a, b) for a in open_legacy for b in open_port if _words(a) == _words(b) and alike(legacy[a], port[b])])
    settle(numbered({a: legacy[a] for a in open_legacy}, {b: port[b] for b in open_port}).items())
    settle(_by_likeness(legacy, port, open_legacy, open_port, alike))
    settle([(a, b) for a in open_legacy for b in open_port if _words(a) == _words(b)])
    settle(_by_likeness(legacy, port, open_legacy, open_port, lambda a, b: a.shape == b.shape))
    settle(_by_likeness(legacy, port, open_legacy, open_port, lambda a, b: sorted(a.shape) == sorted(b.shape)))
    return {name: found[name] for name in legacy if name in found}


def _numbered_alike(legacy: Any, port: Any, open_legacy: Any, open_port: Any) -> Any:
    """Pairs whose names say the same, numbers included, where that settles each variable of a shape."""
    pairs = {a: b for a in open_legacy for b in open_port if alike(legacy[a], port[b]) and _says_the_same(a, b)}
    settled = []
    for a in pairs:
        group = [other for other in open_legacy if alike(legacy[other], legacy[a])]
        if all(other in pairs for other in group) and len({pairs[other] for other in group}) == len(group):
            settled.append((a, pairs[a]))
    return settled  # where numbers fit in part only, one program begins to count at another


def doubtful(mapping: Any, values: Any, given: Any = ()) -> Any:
    """The groups of variables of one shape that their names do not tell apart: some exchange is as likely by name."""
    groups: dict[Any, list[Any]] = {}
    for name in mapping:
        if name not in given:
            groups.setdefault((values[name].shape, values[name].dtype), []).append(name)
    return [
        group for group in groups.values()
        if not all(_says_the_same(name, mapping[name]) for name in group) and any(
            _shared(a, mapping[a]) + _shared(b, mapping[b]) <= _shared(a, mapping[b]) + _shared(b, mapping[a])
            for n, a in enumerate(group) for b in group[n + 1 :]
        )
    ]  # fmt: skip


def by_use(mapping: Any, groups: Any, legacy_uses: Any, port_uses: Any) -> Any:
    """The mapping with those groups paired in the order in which each program uses its variables.

    Args:
        mapping: TF1 name to port name.
        groups: TF1 names; see :func:`doubtful`.
        legacy_uses: TF1 names, the first used first.
        port_uses: the port's.

    Example:
        >>> by_use({"a": "x", "b": "y"}, [["a", "b"]], ["b", "a"], ["x", "y"])
        {'a': 'y', 'b': 'x'}
    """
    found = dict(mapping)
    for group in groups:
        others = [mapping[name] for name in group]
        if set(group) <= set(legacy_uses) and set(others) <= set(port_uses):
            found.update(zip(sorted(group, key=legacy_uses.index), sorted(others, key=port_uses.index), strict=True))
    return found


def is_counter(array: Any) -> Any:
    """Whether a TF1 variable is a whole-number scalar such as the global step, which a port need not keep."""
    return array.ndim == 0 and array.dtype.kind in "iu"


def _validate(legacy: Any, port: Any, given: Any) -> None:
    for side, names, known in (
        ("TF1", given, legacy),
        ("port", [name for name in given.values() if name is not None], port),
    ):
        for name in names:
            if name not in known:
                raise InputError(
                    f"name_map must name the {side} program's variables ({', '.join(known)}). Received: {name!r}"
                )
    used = [name for name in given.values() if name is not None]
    for name in used:
        if used.count(name) > 1:
            raise InputError(f"name_map must name each port variable once. Received: {name!r} twice")


def _by_likeness(legacy: Any, port: Any, open_legacy: Any, open_port: Any, fit: Any) -> Any:
    """Fitting pairs, the most alike names first, and in the programs' order where they are equally alike."""
    pairs = [(a, b) for a in open_legacy for b in open_port if fit(legacy[a], port[b])]
    return sorted(pairs, key=lambda pair: likeness(*pair), reverse=True)


def likeness(a: Any, b: Any) -> Any:
    """How alike two names are: whether one is the other's end, then how many words they share."""
    return f"/{a}".endswith(f"/{b}") or f"/{b}".endswith(f"/{a}"), len(_words(a) & _words(b))


def alike(a: Any, b: Any) -> Any:
    """Whether two arrays have one shape and one dtype."""
    return a.shape == b.shape and a.dtype == b.dtype


def _words(name: str) -> Any:
    return frozenset(filter(None, map(_word, re.split(r"[/.:]", name.lower()))))


def _word(text: str) -> Any:
    """A part of a name without its number, in the word that both programs have for it."""
    word = re.sub(r"\d+$", "", text).strip("_")
    return _SYNONYMS.get(word, word)


def numbered(legacy: Any, port: Any) -> Any:
    """Pairs that numbers in the names decide, such as the cells of a stack: ``cell_0``, ``cell_1``.

    Of the variables of one form and one last word, each has a number of its own, and both programs have the same
    numbers. (``dense_1`` and ``dense_2`` say nothing of ``dense`` and ``dense_1``.)

    Args:
        legacy: TF1's variables by name, arrays.
        port: the port's variables by name, arrays.

    Example:
        >>> import numpy as np
        >>> cells = {f"rnn/cell_{n}/lstm_cell/kernel": np.zeros([4, 8]) for n in range(2)}
        >>> numbered(cells, {f"stack/{n}/kernel": np.zeros([4, 8]) for n in (1, 0)})
        {'rnn/cell_0/lstm_cell/kernel': 'stack/0/kernel', 'rnn/cell_1/lstm_cell/kernel': 'stack/1/kernel'}
    """
    families, pairs = _families(port), {}
    for family, members in _families(legacy).items():
        others = families.get(family, {})
        unique = all(len(names) == 1 for names in (*members.values(), *others.values()))
        if len(members) > 1 and unique and sorted(members) == sorted(others):
            pairs.update({members[number][0]: others[number][0] for number in members})
    return pairs


def _families(arrays: Any) -> Any:
    """The names of one form and one last word, by the last number in them; a name without has 0, as TF1 counts."""
    families: dict[Any, Any] = {}
    for name, array in arrays.items():
        numbers = re.findall(r"(\d+)(?=[/.:]|$)", name)
        form = tuple(array.shape), str(array.dtype), _word(re.split(r"[/.:]", name.lower())[-1])
        families.setdefault(form, {}).setdefault(int(numbers[-1]) if numbers else 0, []).append(name)
    return families


def _shared(a: Any, b: Any) -> Any:
    return len(_words(a) & _words(b))


def _says_the_same(a: Any, b: Any) -> bool:
    """Whether two names are equal but for the field's synonyms: ``fc_1/weights`` and ``fc_1/kernel``."""
    parts = [[_SYNONYMS.get(word, word) for word in re.split(r"[/.:]", name.lower())] for name in (a, b)]
    return parts[0] == parts[1]


def swapped(mapping: Any, values: Any) -> Iterator[Any]:
    """Every mapping in which two port variables of one shape have changed places."""
    names = list(mapping)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            if values[a].shape == values[b].shape and values[a].dtype == values[b].dtype:
                yield a, b, mapping | {a: mapping[b], b: mapping[a]}
