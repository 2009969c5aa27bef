"""``python -m benchmarks``: time, memory and error of the components beside those of their peers."""

import argparse
import datetime
import importlib.metadata
import importlib.util
import json
import os
import sys
from pathlib import Path

from benchmarks.accuracy import measure_accuracy
from benchmarks.cases import OPERATIONS, QUICK_SIZES, SIZES
from benchmarks.run import STATES, measure, measure_in_state
from benchmarks.table import markdown

_EPILOG = """
Every row is one operation, forward and backward, at one size. The implementations of a row run in turn in
one process (round after round, so that what else the machine does falls on all of them), and the median of
the rounds counts. Memory is the growth of the resident set at its highest, each implementation in a fresh
process (with --quick, in this one). The error is max |error| / max |value| by row, the worst row, of the
losses or probabilities and of the gradients, against float64. "ratio" is over the first implementation of the
row, TensorFlow's own. Each row is measured with oneDNN on and again with oneDNN off, each in a process of its own
(with --quick, once, as it is in this one). PyTorch and JAX join in where they can be imported.

"accuracy" is another table: the error of softmax's gradient where logits lie apart and the upstream gradient
has an offset, against long double.

Results go to RESULTS.json and RESULTS.md in the directory of --out.
"""


def main(arguments=None):
    """Run the benchmarks that the command line asks for; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__.split(": ", 1)[1],
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="two small sizes and few rounds: does it run?")
    parser.add_argument("--op", action="append", choices=OPERATIONS, help="only this operation (repeatable)")
    parser.add_argument("--rounds", type=int, help="rounds to time (default: as many as fit in --seconds, 3 to 50)")
    parser.add_argument("--seconds", type=float, default=10.0, help="time to spend on each row (default: 10)")
    parser.add_argument("--onednn", choices=STATES, help="only in this state (default: in both)")
    parser.add_argument("--large", action="store_true", help="also 16384 × 512 × 65536, which takes minutes and 5 GB")
    parser.add_argument("--out", type=Path, default=Path(), help="directory of the results (default: this one)")
    options = parser.parse_args(arguments)
    if options.rounds is not None and options.rounds < 1:
        parser.error("argument --rounds: must be at least 1")
    if not options.out.is_dir():
        parser.error(f"argument --out: no such directory: {options.out}")

    operations = options.op or list(OPERATIONS)
    sizes = QUICK_SIZES if options.quick else SIZES
    rows = [
        (operation, size)
        for operation in operations
        for size in sizes[operation] + ([(16384, 512, 65536)] if options.large and operation == "linear" else [])
    ]
    for peer, title in {"torch": "PyTorch", "jax": "JAX"}.items():
        if not importlib.util.find_spec(peer):
            print(f"{title} is not installed here, and is left out: pip install {peer}", file=sys.stderr)
    results = {"provenance": _provenance(), "rows": []}
    states = [options.onednn] if options.onednn else list(STATES)
    for number, (operation, size) in enumerate(rows, 1):
        name = " × ".join(map(str, size))
        print(f"[{number}/{len(rows)}] {operation} {name}", file=sys.stderr, flush=True)
        if operation == "accuracy":
            results["rows"].append(measure_accuracy(*size))
        elif options.quick:
            results["rows"].append(measure(operation, size, 0.0, options.rounds or 2, fresh=False))
        else:
            results["rows"] += [
                measure_in_state(state, operation, size, options.seconds, options.rounds) for state in states
            ]
        # Saved after every row, so that an interrupted run keeps what it has.
        (options.out / "RESULTS.json").write_text(json.dumps(results, indent=1) + "\n")
        (options.out / "RESULTS.md").write_text(markdown(results))
    print(markdown(results))
    return 0


def _provenance():
    libraries = ["numpy", "tensorflow", "keras", *(name for name in ("torch", "jax") if importlib.util.find_spec(name))]
    return {
        "date": datetime.date.today().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        **{name: importlib.metadata.version(name) for name in libraries},
    }


def _processor():
    with open("/proc/cpuinfo") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")


if __name__ == "__main__":
    sys.exit(main())
