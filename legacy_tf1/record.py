"""Record what the Session programs print: ``python -m legacy_tf1.record OUT.json`` on any TensorFlow."""

from __future__ import print_function

import argparse
import importlib
import io
import json
import os
import platform
import sys
from collections import OrderedDict

import numpy as np

from legacy_tf1 import run
from legacy_tf1.documents import DOCUMENTS, named
from legacy_tf1.version_1 import tf_version, version_1

PROGRAMS = ("softmax_backprop", "softmax_cross_entropy", "reverse_mode")
OTHERS = ("optimizers", "softmax_rows")


def processor():
    """The CPU's name, as the operating system tells it."""
    try:
        with io.open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (IOError, StopIteration):
        return platform.processor() or platform.machine()


def encode(value):
    """An array as texts: dtype, shape and values, the floating-point ones as hexadecimal."""
    array = np.asarray(value)
    values = [value.hex() if isinstance(value, float) else str(int(value)) for value in array.ravel().tolist()]
    shape = " ".join(str(length) for length in array.shape)
    return {"dtype": str(array.dtype), "shape": shape, "values": " ".join(values)}


def document(name):
    """What the programs of a document compute: {moment: {quantity: array}}."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
    moments = OrderedDict()
    for label, program, inputs, steps in DOCUMENTS[name]:
        with version_1() as tf:
            computed, _ = run.run(
                path, tf, steps=max(steps, 1), inputs=inputs, program=program, moments=("before", "after")
            )
        moments.update(named(label, computed))
    return moments


def record(programs=PROGRAMS):
    """Run the programs and return the recording as a JSON-ready dictionary."""
    import tensorflow

    provenance = {
        "tensorflow": tf_version(tensorflow),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cpu": processor(),
        "program": "python -m legacy_tf1.record",
    }
    records = {}
    for program in programs:
        if program in DOCUMENTS:
            moments = document(program)
        else:
            moments = importlib.import_module("legacy_tf1." + program).recorded()
        records[program] = {
            moment: {name: encode(value) for name, value in quantities.items()}
            for moment, quantities in moments.items()
        }
    return {"provenance": provenance, "records": records}


def main(arguments=None):
    """Write the recording to the file that the command line names; 0, or 2 where it cannot be written."""
    parser = argparse.ArgumentParser(prog="python -m legacy_tf1.record", description=__doc__)
    parser.add_argument("out", metavar="OUT.json", help="where the recording goes")
    parser.add_argument(
        "--program",
        action="append",
        choices=PROGRAMS + OTHERS,
        help="record this one only; may be repeated",
    )
    chosen = parser.parse_args(arguments)
    out = chosen.out
    folder = os.path.dirname(os.path.abspath(out))
    if not os.path.isdir(folder) or os.path.isdir(out):
        print("OUT.json must be a file in an existing folder. Received: " + out, file=sys.stderr)
        return 2
    text = json.dumps(record(chosen.program or PROGRAMS), indent=1, sort_keys=True) + "\n"
    temporary = out + ".tmp"
    try:
        with io.open(temporary, "w", encoding="utf-8") as file:
            file.write(text if isinstance(text, type("")) else text.decode("utf-8"))
        os.rename(temporary, out)
    except (IOError, OSError) as error:
        print("OUT.json must be writable. Received: {} ({})".format(out, error), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
