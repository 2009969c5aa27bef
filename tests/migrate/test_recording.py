"""A recorded program is held against its port as the program itself is, and is not run again."""

import re
from pathlib import Path

import pytest

from tests.migrate.checker.programs import LEGACY, PORT, changed, written
from tf_repro import migrate
from tf_repro.migrate import golden, recording
from tf_repro.migrate.checker import original

WRONG_MEAN = changed(PORT, ("tf.reduce_mean", "tf.reduce_sum"))
ROUNDED = changed(PORT, ("(g, 0.5)", "(g, 0.5000001)"))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The program's bundle; the program itself is gone."""
    folder = tmp_path_factory.mktemp("recorded")
    legacy, _ = written(folder)
    migrate.record(legacy, steps=3).write(folder / "original.golden")
    legacy.unlink()
    return folder / "original.golden"


@pytest.fixture
def replay(bundle, monkeypatch):
    """Check a port against the bundle, where a run of the TF1 program is an error."""

    def refuse(*_, **__):
        raise AssertionError("the TF1 program must not be run by a replay")

    def check(port, **options):
        with monkeypatch.context() as patch:
            patch.setattr(original, "executed", refuse)
            return migrate.check(bundle, port, **options)

    return check


@pytest.mark.parametrize(
    "port",
    [
        pytest.param(PORT, id="equal", marks=pytest.mark.slow),
        pytest.param(WRONG_MEAN, id="mean for sum", marks=pytest.mark.slow),
        pytest.param(ROUNDED, id="equal up to rounding", marks=pytest.mark.slow),
    ],
)
def test_replay_reports_as_the_program_does(replay, bundle, tmp_path, port):
    files = written(tmp_path, port=port)
    replayed = replay(files[1])
    executed = migrate.check(*files, steps=3)
    assert str(replayed) == str(executed)
    assert replayed.to_json().replace(f"{bundle}/", f"{tmp_path}/") == executed.to_json()


def test_replay_finds_the_line_of_the_original_in_the_bundle(replay, bundle, tmp_path):
    """By bisection over the graph that was recorded."""
    _, port = written(tmp_path, port=WRONG_MEAN)
    (cause,) = replay(port).failed.causes
    assert cause.name == "mean for sum"
    assert cause.where.legacy_path == str(bundle / "legacy.py")
    assert "tf.reduce_mean" in cause.where.legacy_text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 4}, "steps must be what the golden bundle was recorded with. Received: 4 for original.golden, rec"),
        ({"seed": 1}, "seed must be what the golden bundle was recorded with. Received: 1"),
        ({"inputs": {"rate": 1}}, "inputs must be what the golden bundle was recorded with"),
        ({"feeds": {"x": [1.0]}}, "feeds must be what the golden bundle was recorded with"),
        ({"feeds": Path("part.npz")}, "recorded with. Received: part.npz for original.golden"),
        ({"tf1_python": "python3.7"}, "tf1_python must be what the golden bundle was recorded with"),
    ],
)
def test_options_that_would_need_another_run_are_refused(replay, tmp_path, options, message):
    _, port = written(tmp_path)
    with pytest.raises(ValueError, match=re.escape(message)):
        replay(port, **options)


def test_recorded_options_may_be_repeated(replay, tmp_path):
    _, port = written(tmp_path)
    assert replay(port, steps=3, seed=0).passed


def test_bundle_holds_what_a_check_asks(bundle):
    held = golden.read(bundle)
    assert (held.steps, held.seed, held.program, held.source) == (3, 0, "legacy.py", LEGACY)
    assert {"initial", "before", "gradients", "step 3", "slots", "after", "feeds"} <= set(held.record)
    assert held.noise["before"]["loss"] > 0
    assert {root[0] for root in held.graphs["before"].roots} >= {"fetch", "loss", "gradient"}
    assert {"tensorflow", "cpu", "lanes", "python", "tf_repro"} <= set(held.provenance)


def test_recording_refuses_a_bundle_and_a_missing_file(bundle, tmp_path):
    with pytest.raises(ValueError, match="which is a golden bundle already"):
        recording.record(bundle)
    with pytest.raises(ValueError, match="must be a Python file"):
        migrate.record(tmp_path / "absent.py")


@pytest.mark.genuine_tf1
def test_recorded_on_genuine_tf1(tf1_python, tmp_path):
    legacy, port = written(tmp_path)
    migrate.record(legacy, steps=3, tf1_python=tf1_python).write(tmp_path / "original.golden")
    report = migrate.check(tmp_path / "original.golden", port)
    assert report.passed, str(report)
    assert report.runtime.startswith("TensorFlow 1.")
    _, wrong = written(tmp_path, port=WRONG_MEAN)
    report = migrate.check(tmp_path / "original.golden", wrong)
    assert [cause.name for cause in report.failed.causes] == ["mean for sum"], str(report)
