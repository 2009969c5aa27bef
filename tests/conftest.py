import os
from functools import cache

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session")
def record():
    """`suite.record`, each document and engine run once a session."""
    from tf_repro import suite

    return cache(suite.record)


def pytest_addoption(pluginmanager):
    """Use the package's own plugin, where it is not installed and so not found by its entry point."""
    if not pluginmanager.has_plugin("tf_repro"):
        pluginmanager.import_plugin("tf_repro.pytest_plugin")


@pytest.fixture
def tf1_python(request):
    """The genuine TensorFlow 1.x interpreter that the tests were given."""
    python = request.config.getoption("--tf1-python")
    if python is None:
        pytest.skip("needs a Python with TensorFlow 1.x; give one with --tf1-python")
    return python
