import os
import time

import pytest

from tf_repro.core.errors import InputError
from tf_repro.suite.two_processes import WORTH_A_PROCESS, in_two_processes


def process_of(run, progress=None):
    name, seconds = run
    time.sleep(seconds)
    return name, os.getpid()


def refuse(run, progress=None):
    if run[0] == "bad":
        raise InputError("a run must be good. Received: bad")
    return process_of(run)


def length(run):
    return WORTH_A_PROCESS * run[1]


def test_short_runs_stay_in_this_process():
    done = in_two_processes(process_of, [("a", 0), ("b", 0.5)], length)
    assert done == {("a", 0): ("a", os.getpid()), ("b", 0.5): ("b", os.getpid())}


def test_a_second_process_shares_the_others_in_their_order():
    runs = [("a", 0.1), ("long", 3), ("b", 0.1), ("c", 0.1)]
    done = in_two_processes(process_of, runs, length)
    assert list(done) == runs
    processes = dict(done.values())
    assert processes["long"] == os.getpid()
    assert os.getpid() not in {processes[name] for name in "abc"}


def test_a_failure_in_the_second_process_is_raised_here():
    with pytest.raises(InputError, match="a run must be good"):
        in_two_processes(refuse, [("long", 2), ("bad", 0)], length)


def test_an_interrupt_ends_the_second_process_at_once():
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        in_two_processes(_interrupt_here, [("slow", 60), ("long", 61)], length)
    assert time.monotonic() - started < 10, "the helper was waited for"


def _interrupt_here(run, progress=None):
    if run[0] == "long":
        raise KeyboardInterrupt
    return process_of(run)
