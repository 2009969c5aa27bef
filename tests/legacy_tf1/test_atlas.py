"""The probes of the atlas: their inputs, and what becomes of one that a release lacks or that fails."""

import numpy as np
import pytest

from legacy_tf1.atlas import elementwise, kernels, others
from legacy_tf1.atlas.__main__ import lines_of, main, outputs_of, record_in_children, write
from legacy_tf1.atlas.harness import Absent, Kernel, find
from legacy_tf1.atlas.inputs import normal, uniform

PROBES = elementwise.probes() + kernels.probes() + others.probes()


def test_every_probe_has_a_name_of_its_own():
    assert len({probe.name for probe in PROBES}) == len(PROBES)


def test_float32_holds_the_draws_exactly():
    for drawn in (normal(1, 100), uniform(1, -8, 8, 100)):
        assert np.array_equal(drawn, np.float32(drawn))


@pytest.mark.parametrize("probe", [each for each in PROBES if isinstance(each, Kernel)], ids=lambda probe: probe.name)
def test_the_inputs_are_finite(probe):
    assert all(np.isfinite(value).all() for value in probe.inputs.values())


def test_what_the_release_lacks_is_absent_with_the_name():
    with pytest.raises(Absent, match=r"tf\.nope\.at_all: not in this release"):
        find(np, "nope.at_all")


def test_a_probe_that_fails_does_not_stop_the_recording():
    tf = pytest.importorskip("tensorflow")
    broken = Kernel("broken", "tf.nn.relu", lambda tf, x: 1 // 0, {"x": np.ones(3)})
    lacking = Kernel("lacking", "tf.nope", lambda tf, x: find(tf, "nope")(x), {"x": np.ones(3)})
    for style, api in (("session", tf.compat.v1), ("eager", tf), ("function", tf)):
        assert outputs_of(broken, style, api, "float32")["failed"].startswith("ZeroDivisionError")
        assert outputs_of(lacking, style, api, "float32") == {"absent": "tf.nope: not in this release"}


def test_the_three_styles_give_the_value_and_its_gradient():
    tf = pytest.importorskip("tensorflow")
    double = Kernel("double", "tf.add", lambda tf, x: x + x, {"x": np.ones(3)})
    answers = [
        outputs_of(double, style, api, "float64")["outputs"]
        for style, api in (("session", tf.compat.v1), ("eager", tf), ("function", tf))
    ]
    assert answers[0] == answers[1] == answers[2]
    assert set(answers[0]) == {"value", "gradient of x"}


def test_a_wrong_command_line_is_refused(capsys):
    assert main([]) == 2
    assert "usage: python -m legacy_tf1.atlas OUT.json" in capsys.readouterr().err


def test_a_run_that_kills_its_process_is_written_down_and_the_next_goes_on(tmp_path, monkeypatch):
    calls = []

    def dying(command, env):
        calls.append(command)
        with open(command[-1], "a", encoding="utf-8") as file:
            write(file, {"begun": ["p", "session float32"]} if len(calls) == 1 else {"provenance": {}})
        return -8 if len(calls) == 1 else 0

    monkeypatch.setattr("subprocess.call", dying)
    assert record_in_children(str(tmp_path / "lines"))
    answers = [line["answer"] for line in lines_of(str(tmp_path / "lines")) if "run" in line]
    assert answers == [{"failed": "the process was killed by signal 8"}]
