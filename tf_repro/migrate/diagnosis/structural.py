"""Candidates from bisection: TF1's own operations in place of the port's, where the two first part."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tf_repro.migrate import golden
from tf_repro.migrate.bisection import legacy as legacy_side
from tf_repro.migrate.bisection import port as port_side
from tf_repro.migrate.bisection import search
from tf_repro.migrate.bisection.edits import Edit, applied
from tf_repro.migrate.bisection.matching import CLOSE, Matches
from tf_repro.migrate.bisection.trace import Node, Place, Trace
from tf_repro.migrate.checker.outcome import Where
from tf_repro.migrate.diagnosis import training, update_order
from tf_repro.migrate.diagnosis.exchange import Exchange
from tf_repro.migrate.diagnosis.faults import Candidate
from tf_repro.migrate.diagnosis.naming import name_of
from tf_repro.migrate.diagnosis.reword import FUNCTIONS, line_after
from tf_repro.migrate.diagnosis.source import text_of
from tf_repro.programs.port import Port

ALIKE = 6
"""How many exchanges of a difference are looked through for one like another's."""
SHIFT = 0.1
"""By how much what begins as zeros or ones is moved: a scale of one stays positive."""
MOST = 30
"""How many exchanges of one difference are tried."""


class Replay:
    """A context in which the port, once attached, runs with exchanges."""

    def __init__(self, *exchanges: Any) -> None:
        self.exchanges = exchanges
        self.stack = contextlib.ExitStack()

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def attach(self, port: Port) -> None:
        """Run this port with the exchanges until the context ends."""
        self.stack.enter_context(applied(port, *self.exchanges))


def traces(climb: Any, step: bool, gradients: bool, start: dict[str, Any] | None = None) -> tuple[Trace, Trace]:
    """Both programs' traces, started from TF1's values, or those given, and fed the first step's feeds."""
    feeds = climb.traced_feeds()
    port = climb.build()
    climb.start(port)
    start = dict(climb.legacy["initial"]) | (start or {})
    port.assign({climb.mapping[name]: value for name, value in start.items() if name in climb.mapping})
    inputs, python = climb.inputs, climb.tf1_python
    if climb.bundle is not None:
        left = legacy_side.replayed(climb.legacy_path, golden.read(climb.bundle), climb.traced)
    else:
        left = legacy_side.record(climb.legacy_path, feeds, start, climb.seed, inputs, python, script=climb.script)
    return left, port_side.record(port, feeds, step, gradients)


def candidates(climb: Any, name: str) -> Iterator[Candidate]:
    """One candidate for each exchange that may mend the rung, the smallest first."""
    legacy, port = traces(climb, step=name != "forward", gradients=name == "gradients")
    found = search.differences(legacy, port, climb.mapping, CLOSE[0])
    kinds = {"forward": ("fetch",), "gradients": ("loss",)}.get(name, ("write",))
    chosen = [each for each in found if each.kind.startswith(kinds)]
    if name == "gradients" and not chosen and climb.bundle is None and (start := told_apart(climb)):
        apart = search.differences(*traces(climb, True, False, start), climb.mapping, CLOSE[0])
        chosen = [each for each in apart if each.kind.startswith(kinds)]
    if len(chosen) > 1 and kinds == ("write",):
        yield from together(climb, chosen)
    for difference in chosen[:2]:
        for edit in islice(difference.edits(), MOST):
            yield candidate(climb, Exchange(difference, edit, _lines(difference, edit)))
    if name == "forward":
        return
    matches = Matches(legacy, port, CLOSE[0], climb.mapping)
    stopped = training.stopped_gradients(climb, legacy, port, matches)
    if name == "gradients":  # TF1's gradients in place of the port's mend what only stops one of them, too
        yield from stopped
        yield from training.applied_gradients(climb, found, port)
    else:
        yield from training.updates(climb, legacy, port, matches)
        yield from update_order.candidates(climb, found)
        yield from stopped
    yield from training.trained_variables(climb)


def told_apart(climb: Any) -> dict[str, Any]:
    """Other values for the trained variables that begin as zeros or ones, which hide whether they are used at all."""
    random, trained = np.random.RandomState(0), set(climb.description["trainable"])
    return {
        name: value + (SHIFT * random.standard_normal(value.shape)).astype(value.dtype)
        for name, value in climb.legacy["initial"].items()
        if name in trained and value.dtype.kind == "f" and value.size and np.all(value == value.flat[0])
    }


def together(climb: Any, found: Sequence[search.Difference]) -> Iterator[Candidate]:
    """The smallest exchange of the first difference, and one of the same kind for each other."""
    for edit in islice(found[0].edits(), ALIKE):
        first = Exchange(found[0], edit, _lines(found[0], edit))
        others = [
            next((e for e in islice(each.edits(), ALIKE) if _kinds(e) == _kinds(edit)), None) for each in found[1:]
        ]
        if all(others):
            made = candidate(climb, first)
            replay = Replay(edit.exchange, *(other.exchange for other in others if other is not None))
            yield replace(made, context=lambda replay=replay: replay, alter=replay.attach)


def _kinds(edit: Edit) -> tuple[list[str], list[str]]:
    return [node.type for node in edit.added], [node.type for node in edit.dropped]


def candidate(climb: Any, exchange: Exchange) -> Candidate:
    """The candidate that makes an exchange."""
    edit = exchange.edit
    replay = Replay(edit.exchange)
    place: Any = exchange.traces[1].nodes[edit.port.node].place
    line = exchange.lines[1]
    legacy_node = _shown(edit.added) or exchange.traces[0].nodes[edit.legacy.node]
    return Candidate(
        name_of(exchange),
        _words(exchange, place),
        lambda: replay,
        alter=replay.attach,
        where=Where(
            path=place.file,
            line=place.line,
            column=place.column,
            end=place.end,
            before=line,
            after=line_after(exchange, place, line),
            legacy_path=str(climb.legacy_path),
            legacy_line=legacy_node.place.line if legacy_node.place else None,
            legacy_text=exchange.lines[0],
        ),
    )


def _words(exchange: Exchange, place: Place) -> str:
    added, dropped = _listed(exchange.added), _listed(exchange.dropped)
    at = f"on {Path(place.file).name}:{place.line}"
    if exchange.added == exchange.dropped and added:
        return f"with TF1's arguments of {added} {at}"
    if added and dropped:
        return f"with {added} for {dropped} {at}"
    return f"with {added} added {at}" if added else f"with {dropped or 'the operation'} left out {at}"


def _listed(kinds: Counter[str]) -> str:
    named = [FUNCTIONS.get(kind, kind) for kind in kinds]
    return " and ".join(name if kinds[kind] == 1 else f"{kinds[kind]} {name}"
                        for kind, name in zip(kinds, named, strict=True))  # fmt: skip


def _shown(nodes: tuple[Node, ...]) -> Node | None:
    return next((node for node in nodes if node.place is not None), None)


def _lines(difference: search.Difference, edit: Any) -> tuple[str, str]:
    texts = []
    for trace, node, ref in (
        (difference.matches.legacy, _shown(edit.added), edit.legacy),
        (difference.matches.port, None, edit.port),
    ):
        place = (node or trace.nodes[ref.node]).place
        texts.append("" if place is None else text_of(place.file, place.line))
    return texts[0], texts[1]
