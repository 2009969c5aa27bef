"""The plugin as a migrator uses it, in a project of their own."""

import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import tf_repro.migrate.checker.ladder  # noqa: F401 (a run inside pytester forgets modules that it was the first to load)
from tests.migrate.checker.programs import PORT, changed, written
from tf_repro import migrate

pytest_plugins = ["pytester"]

TEST = """
def test_port(check_port):
    check_port("legacy.py", "port.py", steps=2)
"""


INSTALLED = any(point.name == "tf_repro" for point in entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "tf_repro.pytest_plugin")


def run(pytester, *arguments):
    return pytester.runpytest(*PLUGIN, "-p", "no:cacheprovider", *arguments)


def test_correct_port_passes(pytester):
    written(pytester.path)
    pytester.makepyfile(TEST)
    run(pytester).assert_outcomes(passed=1)


def test_failure_shows_the_ladder_and_the_cause(pytester):
    written(pytester.path, port=changed(PORT, ("tf.reduce_mean", "tf.reduce_sum")))
    pytester.makepyfile(TEST)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '>*check_port("legacy.py", "port.py", steps=2)',
            "E * the port and the TF1 program on * part at the rung 'forward'",
            "E * passed      variables: 4 variables: w1, b1, w2, b2",
            "E * failed      forward*",
            "E *   loss: scalar TF1 program *, port *: * ULP of the largest element, relative error 7",
            "E *   cause: mean for sum: with tf.reduce_mean for tf.reduce_sum on port.py:19, the rung passes",
            "E * not reached gradients",
        ]
    )
    assert "pytest_plugin.py" not in result.stdout.str()


def test_bad_input_is_one_line(pytester):
    written(pytester.path, legacy="import tensorflow as tf\n")
    pytester.makepyfile(TEST)
    result = run(pytester, "-rN")
    result.assert_outcomes(failed=1)
    message = (
        "a program must define build(), or be a script that runs a tf.Session. Received: legacy.py, of which nothing "
        "can be compared"
    )
    result.stdout.fnmatch_lines(['>*check_port("legacy.py", "port.py", steps=2)', f"E*{message}"])
    assert result.stdout.str().count(message) == 1
    assert "another exception" not in result.stdout.str()


def test_option_names_the_interpreter(pytester):
    written(pytester.path)
    pytester.makepyfile(TEST)
    result = run(pytester, "--tf1-python", "/no/such/python")
    result.stdout.fnmatch_lines(["*must be an executable Python interpreter. Received: /no/such/python"])


@pytest.mark.slow
def test_golden_bundle_stands_for_the_program(pytester):
    """The interpreter that is given is for programs; a bundle has been recorded."""
    legacy, _ = written(pytester.path)
    migrate.record(legacy, steps=2).write(pytester.path / "original.golden")
    legacy.unlink()
    pytester.makepyfile(TEST.replace("legacy.py", "original.golden"))
    run(pytester, "--tf1-python", "/no/such/python").assert_outcomes(passed=1)


def test_loading_the_plugin_imports_no_tensorflow(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    pytester.makeconftest(
        "import sys\n"
        "def pytest_sessionfinish():\n"
        "    print('loaded:', sorted({'tensorflow', 'keras', 'numpy', 'rich'} & set(sys.modules)))\n"
    )
    result = pytester.runpytest_subprocess(*PLUGIN, "-s")
    result.stdout.fnmatch_lines(["loaded: [[]]"])


@pytest.mark.genuine_tf1
def test_on_a_genuine_interpreter(pytester, tf1_python):
    written(pytester.path)
    pytester.makepyfile(TEST.replace("steps=2", "steps=2, max_ulp=4096"))
    run(pytester, "--tf1-python", tf1_python).assert_outcomes(passed=1)
    assert sys.executable != tf1_python
