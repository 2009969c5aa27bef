"""Updates beside the optimizer's, as of averaged weights, that see the weights before its step or after it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from tf_repro.migrate.bisection.search import Difference
from tf_repro.migrate.diagnosis.faults import Candidate
from tf_repro.migrate.diagnosis.training import candidate
from tf_repro.programs.port import Port, patched, running_eagerly


def candidates(climb: Any, differences: Sequence[Difference]) -> Iterator[Candidate]:
    """The updates that differ, once after the optimizer's step and once before it."""
    trained = climb.legacy.get("gradients", {})
    names = [climb.mapping[each.name] for each in differences
             if each.kind.startswith("write") and each.name in climb.mapping and each.name not in trained]  # fmt: skip
    if not names or climb.build().optimizer is None:
        return
    for words in ("after", "before"):
        yield candidate(
            "updates out of order",
            f"with {', '.join(names)} updated {words} the optimizer's step",
            lambda port, words=words: _in_order(port, names, is_last=words == "after"),
        )


@contextlib.contextmanager
def _in_order(port: Port, names: Sequence[str], is_last: bool) -> Iterator[None]:
    """While it lasts, a step updates these variables from the weights after the optimizer's step, or before it."""
    original: Any = port.step_function

    def kept() -> dict[str, Any]:
        values = port.values()
        return {name: values[name] for name in names}

    def updated(feeds: Any) -> dict[str, Any]:
        with patched(port.optimizer, "apply", lambda *_, **__: None):
            original(feeds)
        return kept()

    def step(feeds: Any) -> Any:
        before = kept()
        early = None if is_last else updated(feeds)
        port.assign(before)
        returned = original(feeds)
        port.assign(before)
        port.assign(updated(feeds) if early is None else early)
        return returned

    with running_eagerly(), patched(port, "step_function", step):
        yield
