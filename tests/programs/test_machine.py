import os
import subprocess
import sys

import pytest

from tf_repro.programs.machine import machine, summary


def test_tensorflow_still_tells_whether_onednn_is_on():
    """A private function; where it is gone, the machine's description falls back on the switch alone."""
    from tensorflow.python.util import _pywrap_util_port

    assert isinstance(_pywrap_util_port.IsMklEnabled(), bool)


@pytest.mark.slow
@pytest.mark.parametrize(("switch", "state"), [("0", "off"), ("1", "on")])
def test_onednns_state_is_told_with_who_asked_for_it(switch, state):
    script = "from tf_repro.programs.machine import machine; print(machine()['onednn'])"
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": switch, "TF_CPP_MIN_LOG_LEVEL": "3"}
    printed = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == f"{state} (TF_ENABLE_ONEDNN_OPTS={switch})"


def test_xlas_instruction_set_is_the_one_asked_for(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_foo=1 --xla_cpu_max_isa=AVX2")
    assert machine()["xla_isa"] == "AVX2 (XLA_FLAGS)"
    assert "XLA up to AVX2 (XLA_FLAGS)" in summary(machine())
