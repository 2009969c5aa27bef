import os
from functools import cache

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session")
def record():
    """`suite.record`, each document and engine run once a session."""
    from tf_repro import suite

    return cache(suite.record)
