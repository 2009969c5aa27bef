"""One question to the atlas: which release changed an operation's digits, or a default.

The answers are short enough to stand in someone else's sentence; the checker's causes and the page of a program use
them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from tf_repro.atlas.kinds import OTHER_DEFAULT, OTHER_FAILURE, OTHER_STREAM
from tf_repro.atlas.questions import Change, between, changes, concerning, minor, told_of
from tf_repro.atlas.recordings import Atlas, load


class Answer(NamedTuple):
    """A release in which a probe of an operation moved.

    Attributes:
        symbol: the operation that was asked for; of a default that ``tf.compat.v1`` alone changed, its name there.
        probe: the probe that shows it.
        before: the last release with the old bits.
        release: the first with the new ones.
        units: the largest movement in rounding units; None for a default.
        kind: why; see :mod:`tf_repro.atlas.kinds`.
        because: on what grounds.
        argument: of a default, which; else empty.
        old: the default before.
        new: the default since.
    """

    symbol: str
    probe: str
    before: str
    release: str
    units: float | None
    kind: str
    because: str
    argument: str = ""
    old: str = ""
    new: str = ""

    @property
    def sentence(self) -> str:
        """What happened, in words.

        Example:
            >>> lookup("tf.nn.leaky_relu", "1.12", "1.13")[0].sentence
            'tf.nn.leaky_relu: other algorithm since 1.13 (leaky_relu moved by 2e+07 rounding units)'
        """
        since = ".".join(self.release.split(".")[:2])
        if self.kind == OTHER_DEFAULT:
            return f"{self.symbol}: {self.argument} is {self.new} since {since}, and was {self.old}"
        size = "" if self.units is None else f" by {self.units:.1g} rounding units"
        size = "" if self.kind == OTHER_STREAM else size
        return f"{self.symbol}: {self.kind} since {since} ({self.probe} moved{size})"


def lookup(symbol: str, since: str, until: str, atlas: Atlas | None = None) -> list[Answer]:
    """What changed of an operation after a release, up to another: the latest and largest first.

    Args:
        symbol: a public name such as ``"tf.nn.softmax"``.
        since: the release that is left, such as ``"1.15.5"``.
        until: the release that is gone to.
        atlas: the recordings; those of the package where none are given.

    Returns:
        One answer for each probe and release, and one for each default.
    """
    recordings = atlas or _packaged()
    found = changes(recordings) if atlas else _changes()
    steps = between(concerning(found, recordings, [symbol]), minor(since), minor(until))
    gathered: dict[tuple[str, str, str, str, str], list[Change]] = {}
    for step in steps:
        if step.kind != OTHER_FAILURE:
            default = step.kind == OTHER_DEFAULT
            name, argument = (told_of(step, symbol), step.output) if default else (symbol, "")
            gathered.setdefault((step.probe, step.after, step.kind, name, argument), []).append(step)
    answers = []
    for (probe, after, kind, name, argument), group in gathered.items():
        most = max(group, key=lambda step: step.units or 0.0)
        words = (most.old, most.new) if argument else ("", "")
        answers.append(Answer(name, probe, most.before, after, most.units, kind, most.because, argument, *words))
    return sorted(answers, key=lambda each: (minor(each.release), each.units or 0.0), reverse=True)


def sentences(symbols: Iterable[str], since: str, until: str) -> list[str]:
    """What moved the digits of a program's operations, one sentence each: the release that moved them furthest.

    Args:
        symbols: the public names that the program uses.
        since: the release that is left.
        until: the release that is gone to.

    Example:
        >>> sentences(["tf.nn.l2_loss"], "1.15.5", "2.4.4")
        ['tf.nn.l2_loss: order of summation since 2.3 (l2_loss moved by 3 rounding units)']
    """
    found = []
    for symbol in dict.fromkeys(symbols):
        digits = [each for each in lookup(symbol, since, until) if each.kind != OTHER_DEFAULT]
        if digits:
            found.append(max(digits, key=lambda each: each.units or 0.0).sentence)
    return found


def default_of(symbol: str, argument: str, atlas: Atlas | None = None) -> list[Answer]:
    """The releases that changed a default, the latest first.

    Args:
        symbol: a public name such as ``"tf.keras.layers.BatchNormalization"``.
        argument: which of its arguments.
        atlas: the recordings; those of the package where none are given.
    """
    first, last = "0.12", "99.0"
    return [each for each in lookup(symbol, first, last, atlas) if each.argument == argument]


@cache
def _packaged() -> Atlas:
    return load()


@cache
def _changes() -> list[Change]:
    return changes(_packaged())
