"""The probes of the atlas: their inputs, and what becomes of one that a release lacks or that fails."""

import json

import numpy as np
import pytest

from legacy_tf1.atlas.__main__ import check_place, lines_of, main, outputs_of, probes, record_in_children, write
from legacy_tf1.atlas.harness import Absent, Kernel, encode, find
from legacy_tf1.atlas.inputs import normal, uniform

PROBES = probes()


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
    for arguments in ([], ["out.json", "no_such_probe"]):
        assert main(arguments) == 2
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


def test_a_recording_is_completed_with_the_probes_that_it_lacks(tmp_path, monkeypatch):
    answer = {"outputs": {"value": encode(np.float32([1]))}}
    given = {"tensorflow": "1.4.1", "cpu": "one", "onednn": ""}
    out = tmp_path / "out.json"
    out.write_text(json.dumps({"provenance": given, "probes": {"exp": {"series": {"session float32": answer}}}}))

    def child(command, env):
        lines = lines_of(command[-1])
        assert [line["run"] for line in lines if "run" in line] == [["exp", "session float32"]]
        with open(command[-1], "a", encoding="utf-8") as file:
            write(file, {"run": ["log", "session float32"], "answer": answer})
        return 0

    monkeypatch.setattr("subprocess.call", child)
    assert main([str(out)]) == 0
    made = json.loads(out.read_text())["probes"]
    assert made["exp"]["series"] == made["log"]["series"] == {"session float32": answer}


def test_a_recording_of_another_release_or_cpu_is_not_completed_here():
    lines = [{"provenance": {"tensorflow": "1.4.1", "cpu": "one", "onednn": ""}}]
    check_place(lines, {"tensorflow": "1.4.1", "cpu": "one", "onednn": ""})
    for key, value in (("tensorflow", "1.5.1"), ("cpu", "two"), ("onednn", "1")):
        with pytest.raises(ValueError, match=key):
            check_place(lines, {**lines[0]["provenance"], key: value})


def test_the_atlas_holds_each_probe_as_it_is():
    from tf_repro.atlas import load

    known = load().probes
    for probe in PROBES:
        about = {"kind": probe.kind, "sums": probe.sums, "symbols": list(probe.symbols)}
        assert known[probe.name] == about, probe.name
