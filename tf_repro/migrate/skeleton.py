"""The start of a port: what a golden bundle and the scanner know of the TF1 program, as TF2 code with TODOs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_repro.core.errors import InputError
from tf_repro.migrate import names
from tf_repro.migrate.golden import FIRST, SUFFIX, Bundle
from tf_repro.migrate.scanner import Hit

OPTIMIZERS = ("Adadelta", "Adagrad", "Adam", "Ftrl", "GradientDescent", "Momentum", "RMSProp")
"""The ``tf.train`` optimizers that :mod:`tf_repro.optimizers` has under the same name."""

WIDTH = 120
"""Longer lines of comment are cut."""


def files(bundle: Bundle, hits: Iterable[Hit], folder: Path) -> dict[Path, str | bytes]:
    """The content of each file that ``tf-repro init`` writes.

    Args:
        bundle: the recorded program.
        hits: what the scanner found in it.
        folder: where the files go.

    Raises:
        InputError: one of them exists.
    """
    golden, port, test = require_new(bundle.program, folder)
    harness = f'def test_port(check_port):\n    check_port("{golden.name}", "{port.name}")\n'
    return {port: skeleton(bundle, hits, golden.name, port.name), test: harness, golden: bundle.to_bytes()}


def require_new(program: str, folder: Path) -> list[Path]:
    """The bundle's, the port's and the test's file for a program of that name, none of which may exist.

    Raises:
        InputError: one does.
    """
    stem = Path(program).stem
    paths = [folder / name for name in (f"{stem}{SUFFIX}", f"{stem}_port.py", f"test_{stem}_port.py")]
    for path in paths:
        if path.exists():
            raise InputError(f"init must not overwrite a file. Received: {path}; remove it, or give another --output")
    return paths


def skeleton(bundle: Bundle, hits: Iterable[Hit], golden: str, port: str) -> str:
    """The port: its variables, optimizer, ``forward`` and ``step``, with a TODO where the program's own words belong.

    Args:
        bundle: the recorded program.
        hits: what the scanner found in it.
        golden: the name of the bundle's file.
        port: the name of the port's file.
    """
    trains = "slots" in bundle.record
    lines = [
        f'"""Port of {bundle.program} to TensorFlow 2. Each TODO is yours; then: tf-repro check {golden} {port}"""',
        "",
        "import tensorflow as tf",
        *(["", "from tf_repro import optimizers"] if trains else []),
        "",
        "",
        "def build():",
        *_variables(bundle.record["initial"]),
        *(_optimizer(bundle) if trains else []),
        "",
        *_forward(bundle, hits),
        *(["", *_step(bundle)] if trains else []),
        "",
    ]
    given = ["variables", "forward", *(["step", "optimizer"] if trains else [])]
    lines.append("    return {" + ", ".join(f'"{name}": {name}' for name in given) + "}")
    return "\n".join(lines) + "\n"


def _variables(initial: Mapping[str, Any]) -> list[str]:
    """Each variable at zero: a check copies the program's own values into them."""
    kept = {name: value for name, value in initial.items() if not names.is_counter(value)}
    rows = [f'        "{name}": tf.Variable(tf.zeros({list(v.shape)}, tf.{v.dtype})),' for name, v in kept.items()]
    todo = "    # TODO initial values of your own; a check copies those of the original"
    return [todo, "    variables = {", *rows, "    }"]


def _optimizer(bundle: Bundle) -> list[str]:
    """The optimizer of the same bits, with the hyperparameters that the program's had."""
    described = bundle.description["optimizers"]
    if len(described) != 1 or described[0]["kind"] not in OPTIMIZERS:
        kinds = ", ".join(each["kind"] for each in described) or "an update by hand"
        return [f"    optimizer = None  # TODO the original trains with {kinds}"]
    rates = [float(rate) for rate in bundle.record.get("learning rate", {}).values()]
    arguments = [_short(rates[0]) if rates else "0.1"]
    arguments += [f"{name}={value!r}" for name, value in described[0]["hyperparameters"].items()]
    lines = [f"    optimizer = optimizers.{described[0]['kind']}({', '.join(arguments)})"]
    if not rates:
        lines.insert(0, "    # TODO the learning rate, which could not be read off the graph")
    elif len(set(rates)) > 1:
        shown = ", ".join(map(_short, dict.fromkeys(rates)))
        lines.insert(0, _cut(f"    # TODO a schedule: the learning rate was {shown}"))
    return lines


def _short(rate: float) -> str:
    """The shortest decimal that is the same float32."""
    return str(np.float32(rate))


def _forward(bundle: Bundle, hits: Iterable[Hit]) -> list[str]:
    """``forward``, which says what it is fed and must return, and raises until it is written."""
    record = bundle.record
    fed = [f'        # feeds["{name}"]: {_form(values[0])}' for name, values in record["feeds"].items()]
    returned = ", ".join(f'"{name}": {name}' for name in record["before"] if name.isidentifier())
    fetched = [f"        # {name}: {_form(value)}" for name, value in record["before"].items()]
    told = {hit.symbol: hit for hit in reversed(list(hits)) if hit.numbers != "none" and not hit.code.startswith("TF1")}
    found = sorted(told.values(), key=lambda hit: hit.line)
    words = [
        _cut(f"        # {bundle.program}:{hit.line}: {hit.symbol}: {hit.native.partition(';')[0]}") for hit in found
    ]
    missing = f"TODO: forward() must return {', '.join(record['before'])} as {bundle.program} computes it"
    return [
        "    def forward(feeds):",
        *fed,
        *([f"        # what {bundle.program} uses, and what to write for it:", *words] if words else []),
        "        # to return:",
        *fetched,
        f"        raise NotImplementedError({missing!r})",
        f"        # return {{{returned}}}",
    ]


def _advice(hit: Hit) -> str:
    """What to write, up to the first aside."""
    return hit.native.partition(";")[0]


def _step(bundle: Bundle) -> list[str]:
    """``step``: a tape over what the program minimises, and the optimizer over what it trains."""
    loss = _loss(bundle)
    trained = ", ".join(f'"{name}"' for name in bundle.description["trainable"])
    lines = ["    def step(feeds):"]
    if loss is None:
        return [*lines, "        raise NotImplementedError('TODO: step() must train once as the original does')"]
    return [
        *lines,
        "        with tf.GradientTape() as tape:",
        f'            loss = forward(feeds)["{loss}"]',
        f"        trained = [variables[name] for name in [{trained}]]",
        "        optimizer.apply(tape.gradient(loss, trained), trained)",
    ]


def _loss(bundle: Bundle) -> str | None:
    """The fetch that is minimised, where the graph tells."""
    if FIRST not in bundle.graphs or not bundle.description["optimizers"]:
        return None
    roots = bundle.graphs[FIRST].roots
    minimised = {tensor for kind, _, tensor in roots if kind == "loss"}
    return next((name for kind, name, tensor in roots if kind == "fetch" and tensor in minimised), None)


def _form(value: Any) -> str:
    return f"{value.dtype}{list(value.shape)}"


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
