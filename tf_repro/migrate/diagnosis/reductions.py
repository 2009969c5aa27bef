"""Reductions that differ: along another axis, or a mean where the other program has a sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tf_repro.migrate.bisection.trace import Node, Trace
from tf_repro.migrate.diagnosis.exchange import Exchange
from tf_repro.migrate.diagnosis.kinds import REDUCTIONS, SCALINGS


def is_along_another_axis(exchange: Exchange) -> bool:
    """Whether the same operations reduce along another axis."""
    if exchange.added != exchange.dropped:
        return False
    (legacy, port), edit = exchange.traces, exchange.edit
    return _reductions(legacy, edit.added) != _reductions(port, edit.dropped)


def is_mean_for_sum(exchange: Exchange) -> bool:
    """Whether a mean stands on one side where the other has a sum."""
    if not exchange.kinds <= {"Mean", "Sum"} | SCALINGS or "Mean" not in exchange.kinds:
        return False
    return any((exchange.added[kind] > 0) != (exchange.dropped[kind] > 0) for kind in ("Mean", "Sum"))


def is_another_reduction(exchange: Exchange) -> bool:
    """Whether a maximum stands for a mean, or the like."""
    return exchange.kinds <= REDUCTIONS and set(exchange.added) != set(exchange.dropped)


def _reductions(trace: Trace, nodes: Sequence[Node]) -> Counter[tuple[str, tuple[int, ...] | None]]:
    """How often each reduction occurs along which axes."""
    return Counter((node.type, _axes(trace, node)) for node in nodes if node.type in REDUCTIONS)


def _axes(trace: Trace, node: Node) -> tuple[int, ...] | None:
    values = [trace.value(ref) for ref in node.inputs]
    if len(values) != 2 or values[0] is None or values[1] is None:
        return None
    return tuple(sorted(int(axis) % values[0].ndim for axis in np.ravel(values[1])))
