import os
import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import legacy_tf1

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# A shell starts what runs in the background with Ctrl-C ignored, and the commands under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def record():
    """`suite.record`, each document and engine run once a session."""
    from tf_repro.suite import run as suite

    return cache(suite.record)


def pytest_addoption(pluginmanager):
    """Use the package's own plugin, where it is not installed and so not found by its entry point."""
    if not pluginmanager.has_plugin("tf_repro"):
        pluginmanager.import_plugin("tf_repro.pytest_plugin")


_first_states = {}


def pytest_runtest_setup(item):
    """Give each test the same draws from its module's generator, in whatever order the tests run."""
    generator = getattr(getattr(item, "module", None), "RNG", None)
    if generator is not None:
        state = generator.bit_generator.state
        generator.bit_generator.state = _first_states.setdefault(id(generator), state)


def pytest_collection_modifyitems(items):
    """Keep together, in one process, the tests that share what takes long to make."""
    for item in items:
        for shared in ("record", "tf1_python"):
            if shared in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group(shared))


PYTHON_OF = {"1.15.5": "3.7", "1.4.1": "3.6"}


def pytest_generate_tests(metafunc):
    """Run a test of genuine TensorFlow 1.x on the interpreter that is given, else on each release that is built."""
    if "tf1_python" in metafunc.fixturenames:
        given = metafunc.config.getoption("--tf1-python")
        metafunc.parametrize("tf1_python", [given] if given else list(PYTHON_OF), indirect=True, scope="session")


@pytest.fixture(scope="session")
def tf1_python(request, tmp_path_factory):
    """A genuine TensorFlow 1.x interpreter: the one given, else one built from its release's pins."""
    release = request.param
    if release not in PYTHON_OF:
        return release
    found = find_python(PYTHON_OF[release])
    if found is None:
        pytest.skip(
            f"genuine TensorFlow {release} needs Python {PYTHON_OF[release]}, and none was found; "
            "give one with --tf1-python"
        )
    environment = tmp_path_factory.mktemp("tf1")
    subprocess.run([found, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    pins = Path(legacy_tf1.__file__).parent / "requirements" / f"tf-{release}.txt"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", pins], check=True, stdout=sys.stderr)
    return str(python)


def find_python(version):
    """An interpreter of the version, from PATH or pyenv, or None."""
    pyenv = shutil.which("pyenv")
    if pyenv is not None:
        listed = subprocess.run([pyenv, "versions", "--bare"], capture_output=True, text=True, check=True).stdout
        installed = [name for name in listed.split() if name.startswith(f"{version}.")]
        if installed:
            prefix = subprocess.run([pyenv, "prefix", installed[-1]], capture_output=True, text=True, check=True)
            return f"{prefix.stdout.strip()}/bin/python"
    return shutil.which(f"python{version}")
