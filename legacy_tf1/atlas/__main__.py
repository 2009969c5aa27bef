"""Record every probe on the TensorFlow that is installed: ``python -m legacy_tf1.atlas OUT.json``.

A recording that is there already is completed: only the probes that it lacks are run. Names after the file choose
the probes.
"""

import io
import json
import os
import platform
import subprocess
import sys
from collections import OrderedDict

import numpy as np

from legacy_tf1.atlas import composed, elementwise, kernels, others
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
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "unset" if knows_onednn(tensorflow.__version__) else ""),
        "threads": 1,
        "program": "python -m legacy_tf1.atlas",
    }


def knows_onednn(release):
    """Whether the wheels read TF_ENABLE_ONEDNN_OPTS: they do since 2.5."""
    return tuple(int(part) for part in release.split(".")[:2]) >= (2, 5)


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
    except Exception as error:  # noqa: BLE001 - a release's own fault is a result, and must not stop the recording
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


def chosen(names):
    """The probes of these names; all where there are none."""
    return [probe for probe in probes() if not names or probe.name in names]


def probes():
    """All probes, in the order of their recording."""
    return elementwise.probes() + kernels.probes() + composed.probes() + others.probes()


def record(path, names=()):
    """Append each run of each probe to the file, as lines of JSON; those that are there are not done again."""
    import tensorflow

    if not tensorflow.__version__.startswith(("0.", "1.")):
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    lines, here = lines_of(path), provenance(tensorflow)
    check_place(lines, here)
    done = {tuple(line["run"]) for line in lines if "run" in line}
    with io.open(path, "a", encoding="utf-8") as file:
        write(file, {"provenance": here})
        for probe in chosen(names):
            for style, tf in faces(tensorflow).items():
                for dtype in probe.dtypes if style in probe.styles else ():
                    run = (probe.name, style + " " + dtype)
                    if run not in done:
                        write(file, {"begun": run})
                        write(file, {"run": run, "answer": outputs_of(probe, style, tf, dtype)})


def check_place(lines, here):
    """Refuse to complete a recording that was made somewhere else.

    Raises:
        ValueError: its TensorFlow, CPU or switch is not that of this process.
    """
    for line in lines:
        made = line.get("provenance", here)
        for key in ("tensorflow", "cpu", "onednn"):
            if made[key] != here[key]:
                message = "a recording must be completed where it was made. Received: {0} {1!r} for {2!r}"
                raise ValueError(message.format(key, here[key], made[key]))


def reopen(out, path):
    """Turn a finished recording into lines again, so that it can be completed."""
    with io.open(out, encoding="utf-8") as file:
        made = json.load(file)
    with io.open(path, "w", encoding="utf-8") as file:
        write(file, {"provenance": made["provenance"]})
        for name, probe in made["probes"].items():
            for run, answer in probe["series"].items():
                write(file, {"run": [name, run], "answer": answer})


def record_in_children(path, names=()):
    """Record in processes of their own: a run that kills its process is written down as such, and the next goes on.

    Returns:
        Whether all was recorded.
    """
    environment = dict(os.environ, TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
    while True:
        code = subprocess.call([sys.executable, "-m", "legacy_tf1.atlas", "--lines", path, *names], env=environment)
        if code == 0:
            return True
        last = (lines_of(path) or [{}])[-1]
        if "begun" not in last:
            return False
        with io.open(path, "a", encoding="utf-8") as file:
            reason = "killed by signal {}".format(-code) if code < 0 else "ended with code {}".format(code)
            write(
                file,
                {
                    "run": last["begun"],
                    "answer": {"failed": "the process was " + reason if code < 0 else "the process " + reason},
                },
            )


def lines_of(path):
    """What was recorded up to now."""
    if not os.path.exists(path):
        return []
    with io.open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write(file, line):
    """Append a line, at once."""
    file.write(json.dumps(line, sort_keys=True) + "\n")
    file.flush()


def gathered(lines, names=()):
    """The recording as one dictionary."""
    answers = OrderedDict(
        (each.name, {"kind": each.kind, "sums": each.sums, "symbols": each.symbols, "series": {}})
        for each in chosen(names)
    )
    for line in lines:
        if "run" in line:
            name, run = line["run"]
            answers[name]["series"][run] = line["answer"]
    return {"provenance": next(line["provenance"] for line in lines if "provenance" in line), "probes": answers}


def main(arguments):
    """Write the recording; 0, 1 where TensorFlow does not start, or 2 where the command line is wrong."""
    if arguments[:1] == ["--lines"]:
        record(arguments[1], arguments[2:])
        return 0
    unknown = set(arguments[1:]) - {probe.name for probe in probes()}
    if not arguments or os.path.isdir(arguments[0]) or unknown:
        print("usage: python -m legacy_tf1.atlas OUT.json [PROBE...]", file=sys.stderr)
        return 2
    out, path, names = arguments[0], arguments[0] + ".lines", arguments[1:]
    if os.path.exists(out) and not os.path.exists(path):
        reopen(out, path)
    if not record_in_children(path, names):
        return 1
    with io.open(out + ".tmp", "w", encoding="utf-8") as file:
        file.write(json.dumps(gathered(lines_of(path), names), sort_keys=True))
    os.rename(out + ".tmp", out)
    os.remove(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
