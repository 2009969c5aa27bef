"""Both programs with their random draws aligned: every draw has one seed, so that a shape's draws are the same."""

from __future__ import annotations

from typing import Any

from tf_repro.migrate.draws import deterministic_draws
from tf_repro.programs import processes

SEED = 1


def call(function: str, *arguments: Any, **options: Any) -> Any:
    """Call a function that runs a program, with every draw of the program made from one seed.

    The two programs draw in other orders (a graph when it is built, initializers first), so draws are not numbered.

    Args:
        function: ``"package.module:name"``.
        arguments: what it takes.
        options: its keyword arguments.
    """
    with deterministic_draws(SEED, mode="constant"):
        return processes.resolved(function)(*arguments, **options)
