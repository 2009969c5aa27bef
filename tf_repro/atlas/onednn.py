"""In which release oneDNN is on by itself: a few probes were recorded with its switch left unset too."""

from __future__ import annotations

from typing import NamedTuple

from tf_repro.atlas.recordings import NOT_ASKED, UNSET, Atlas, Column


class TurnedOn(NamedTuple):
    """Where the default changed, as it was measured.

    Attributes:
        last: the last release that leaves oneDNN off by itself, with it off.
        off: the first that turns it on, with it off.
        on: that one, with it on.
    """

    last: Column
    off: Column
    on: Column

    @property
    def columns(self) -> tuple[Column, Column, Column]:
        """The three columns."""
        return self.last, self.off, self.on

    @property
    def because(self) -> str:
        """How it was measured, and what undoes it."""
        return (
            f"with TF_ENABLE_ONEDNN_OPTS unset, {self.last.version} gave the bits of =0 and {self.on.version} those of "
            "=1 on the CPU of the recordings; =0 undoes it"
        )


def by_itself(atlas: Atlas, cpu: str) -> dict[str, str]:
    """What each release does with oneDNN where ``TF_ENABLE_ONEDNN_OPTS`` is not set.

    Args:
        atlas: the recordings.
        cpu: the CPU's name.

    Returns:
        By release, oldest first: ``"1"`` or ``"0"``, the state whose bits all outputs have; ``"neither"`` where some
        have those of neither, or some have those of one state and some those of the other. A release is left out that
        was not recorded so, or whose two states agree on all that was.
    """
    columns = {(each.release, each.onednn): place for place, each in enumerate(atlas.columns) if each.cpu == cpu}
    found = {}
    for release in sorted({release for release, state in columns if state == UNSET}):
        here, places = columns[release, UNSET], {state: columns.get((release, state)) for state in ("1", "0")}
        agreed = [state for state, at in places.items() if at is not None and _agree(atlas, here, at)]
        if len(agreed) < 2 and None not in places.values():
            found[".".join(map(str, release))] = agreed[0] if agreed else "neither"
    return found


def turned_on(atlas: Atlas, cpu: str) -> TurnedOn | None:
    """The release that turned oneDNN on by itself; None where none was seen to.

    Args:
        atlas: the recordings.
        cpu: the CPU's name.
    """
    states = by_itself(atlas, cpu)
    columns = {(each.version, each.onednn): each for each in atlas.columns if each.cpu == cpu}
    for last, first in zip(states, list(states)[1:], strict=False):
        if (states[last], states[first]) == ("0", "1"):
            return TurnedOn(columns[last, "0"], columns[first, "0"], columns[first, "1"])
    return None


def _agree(atlas: Atlas, left: int, right: int) -> bool:
    """Whether two columns have the same bits in all that both were asked for."""
    pairs = [(series.cells[left], series.cells[right]) for series in atlas.series.values()]
    return all(a == b for a, b in pairs if NOT_ASKED not in (a, b))
