import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tf_repro.core.errors import InputError
from tf_repro.suite.two_processes import WORTH_A_PROCESS, in_two_processes

IMPORTED = ["colorsys"]


def process_of(run, progress=None):
    name, seconds = run
    if progress is not None:
        progress(name)
    time.sleep(seconds)
    return os.getpid(), os.getpgid(0), IMPORTED[0] in sys.modules


def refuse(run, progress=None):
    if run[0] == "bad":
        raise InputError("a run must be good. Received: bad")
    return process_of(run)


def end(run, progress=None):
    os._exit(9) if run[0] == "bad" else process_of(run)


def is_own(run):
    return run[0].startswith("own")


def length(run):
    return WORTH_A_PROCESS * run[1]


def test_short_runs_stay_in_this_process():
    done = in_two_processes(process_of, [("a", 0), ("b", 0.5), ("c", 0)], is_own, length)
    assert [process for process, *_ in done.values()] == [os.getpid()] * 3


def test_two_processes_of_one_import_share_what_is_not_done_here():
    runs, reports = [("own", 0), ("a", 0.1), ("long", 3), ("b", 0.1)], []
    done = in_two_processes(process_of, runs, is_own, length, reports.append, IMPORTED)
    assert list(done) == runs, "their order"
    processes = {name: process for (name, _), (process, *_) in done.items()}
    assert processes["own"] == os.getpid()
    assert processes["a"] == processes["b"]
    assert len(set(processes.values())) == 3
    assert {"own", "long"} <= set(reports)
    if sys.platform == "linux":
        assert [imported for *_, imported in done.values()][1:] == [True] * 3
        assert done["a", 0.1][1] == done["long", 3][1] == processes["long"], "one group, which one signal ends"


def test_a_failure_in_another_process_is_raised_here():
    with pytest.raises(InputError, match="a run must be good"):
        in_two_processes(refuse, [("long", 2), ("bad", 0)], is_own, length)


@pytest.mark.parametrize("runs", [[("long", 2), ("bad", 0)], [("bad", 2), ("short", 0)]])
def test_a_process_that_is_ended_is_an_error(runs):
    with pytest.raises(InputError, match="Received: one that was ended"):
        in_two_processes(end, runs, is_own, length)


def test_an_interrupt_ends_the_other_processes_at_once(tmp_path):
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        in_two_processes(_interrupt_here, [("own", tmp_path), ("slow", tmp_path), ("long", tmp_path)], is_own, _long)
    assert time.monotonic() - started < 30, "they were waited for"
    for name in ("slow", "long"):
        assert not _runs(int(Path(tmp_path, name).read_text())), name


def _interrupt_here(run, progress=None):
    name, folder = run
    if name == "own":
        while not all(Path(folder, other).exists() for other in ("slow", "long")):
            time.sleep(0.05)
        raise KeyboardInterrupt
    part = Path(folder, f"{name}.part")
    part.write_text(str(os.getpid()))
    part.rename(part.with_suffix(""))
    time.sleep(60)


def _long(run):
    return WORTH_A_PROCESS + len(run[0])


def _runs(process):
    """Whether a process is there, and not merely waiting to be reaped."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return state.stdout.strip()[:1] not in ("", "Z")
