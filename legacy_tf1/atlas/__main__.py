"""Record every probe on the TensorFlow that is installed: ``python -m legacy_tf1.atlas OUT.json``."""

import io
import json
import os
import platform
import sys
from collections import OrderedDict

import numpy as np

from legacy_tf1.atlas import elementwise, kernels, others
from legacy_tf1.atlas.harness import Absent, encode, seed
from legacy_tf1.record import processor


def provenance(tensorflow):
    """What the bits may hang on."""
    return {
        "tensorflow": tensorflow.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cpu": processor(),
        "machine": platform.machine(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", ""),
        "threads": 1,
        "program": "python -m legacy_tf1.atlas",
    }


def faces(tensorflow):
    """{style: api}: the Session's is version 1's; eager and function exist from 2.0 on."""
    if tensorflow.__version__.startswith(("0.", "1.")):
        return OrderedDict(session=tensorflow)
    return OrderedDict(session=tensorflow.compat.v1, eager=tensorflow, function=tensorflow)


def outputs_of(probe, style, tf, dtype):
    """{output: recorded value} of a probe, or {"absent": why} or {"failed": why}."""
    try:
        if style == "session":
            with tf.Graph().as_default():
                tf.set_random_seed(1)
                first, again = probe.session(tf, dtype)
        else:
            seed(tf)
            first, again = getattr(probe, style)(tf, dtype)
    except Absent as error:
        return {"absent": str(error)}
    except Exception as error:  # a release's own fault is a result, and must not stop the recording
        text = " ".join(str(error).split())[:160]
        return {"failed": type(error).__name__ + ": " + text}
    if probe.kind == "default":
        return {"facts": dict(first)}
    recorded = {}
    for name, value in first.items():
        recorded[name] = encode(value)
        if name in again and encode(again[name])["digest"] != recorded[name]["digest"]:
            recorded[name]["unstable"] = True
    return {"outputs": recorded}


def record(tensorflow):
    """The recording as a JSON-ready dictionary."""
    answers = OrderedDict()
    for probe in elementwise.probes() + kernels.probes() + others.probes():
        series = {}
        for style, tf in faces(tensorflow).items():
            if style in probe.styles:
                for dtype in probe.dtypes:
                    series[style + " " + dtype] = outputs_of(probe, style, tf, dtype)
        answers[probe.name] = {"kind": probe.kind, "sums": probe.sums, "symbols": probe.symbols, "series": series}
    return {"provenance": provenance(tensorflow), "probes": answers}


def main(arguments):
    """Write the recording; 0, or 2 where the command line is wrong."""
    if len(arguments) != 1 or os.path.isdir(arguments[0]):
        print("usage: python -m legacy_tf1.atlas OUT.json", file=sys.stderr)
        return 2
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    import tensorflow

    if not tensorflow.__version__.startswith(("0.", "1.")):
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    text = json.dumps(record(tensorflow), sort_keys=True)
    with io.open(arguments[0] + ".tmp", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(arguments[0] + ".tmp", arguments[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
