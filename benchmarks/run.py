"""Measures one case: times in turn in one process, peak memory of each implementation in a fresh one."""

import gc
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np

from benchmarks.cases import build, implementations, inputs, truth

STATES = {"on": "1", "off": "0"}


def measure_in_state(onednn, operation, size, seconds, rounds=None):
    """`measure` in a process of its own, in which oneDNN is ``"on"`` or ``"off"``; the row says which."""
    printed = _fresh_process(["measure", operation, size, seconds, rounds], {"TF_ENABLE_ONEDNN_OPTS": STATES[onednn]})
    return {"onednn": onednn, **json.loads(printed.splitlines()[-1])}


def measure(operation, size, seconds, rounds=None, fresh=True):
    """``{"operation", "size", "rounds", "implementations": {name: {"seconds", "peak_bytes", "error"}}}``."""
    arrays = inputs(operation, size)
    expected = truth(operation, arrays)
    calls = {name: build(operation, name, arrays) for name in implementations(operation)}
    entries, once = {}, 0.0
    for name, call in calls.items():
        results = [np.asarray(result) for result in call()]
        entries[name] = {"error": [_row_error(a, b) for a, b in zip(results, expected, strict=True)]}
        start = time.perf_counter()
        call()
        once += time.perf_counter() - start
    del expected, results
    rounds = rounds or int(min(50, max(3, seconds / once)))
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    for name, entry in entries.items():
        entry["seconds"] = statistics.median(times[name])
        entry["peak_bytes"] = 0 if fresh else peak_growth(calls[name])
    calls.clear()
    gc.collect()
    for name, entry in entries.items():
        if fresh:
            entry["peak_bytes"] = _peak_in_fresh_process(operation, size, name)
    return {"operation": operation, "size": list(size), "rounds": rounds, "implementations": entries}


def peak_growth(call):
    """Most bytes that the resident set of this process grew by during ``call``, as Linux notes its high-water mark."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # from here on
    base = _resident("VmRSS")
    results = call()
    highest = _resident("VmHWM")
    del results
    return highest - base


def _peak_in_fresh_process(operation, size, name):
    return int(_fresh_process(["peak", operation, size, name]).split()[-1])


def _fresh_process(task, variables=None):
    """What a task of `_main` prints in a process of its own, with these variables in its environment."""
    command = [sys.executable, "-m", "benchmarks.run", json.dumps(task)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **(variables or {})}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{task} failed in its own process:\n{done.stderr[-2000:]}")
    return done.stdout


def _row_error(value, expected):
    value, expected = value.reshape(expected.shape).astype(np.float64), expected
    scale = np.maximum(np.abs(expected).max(-1), np.finfo(np.float32).tiny)
    return float((np.abs(value - expected).max(-1) / scale).max())


def _resident(field):
    with open("/proc/self/status") as file:
        (kilobytes,) = (line.split()[1] for line in file if line.startswith(field + ":"))
    return int(kilobytes) * 1024


def _main():
    task, operation, size, *rest = json.loads(sys.argv[1])
    if task == "measure":
        print(json.dumps(measure(operation, size, *rest)))
        return
    (name,) = rest
    # Threads and kernels start at a tiny size, so that only the buffers of the real one are counted.
    build(operation, name, inputs(operation, [8, *size[1:-1], 16]))()
    call = build(operation, name, inputs(operation, size))
    gc.collect()
    print(peak_growth(call))


if __name__ == "__main__":
    _main()
