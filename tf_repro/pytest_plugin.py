"""The pytest plugin: ``check_port`` holds a port against its TF1 original inside your own tests.

Loading it imports neither TensorFlow nor the checker; the fixture does, when a test asks for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--tf1-python``."""
    group = parser.getgroup("tf_repro", "TensorFlow 1 to 2 migration")
    group.addoption(
        "--tf1-python",
        metavar="PYTHON",
        help="Python with TensorFlow 1.x that check_port runs TF1 programs on (default: compat.v1)",
    )


@pytest.fixture
def check_port(request: pytest.FixtureRequest) -> Any:
    """Check a port as :func:`tf_repro.migrate.check` does and fail the test with the ladder where they part.

    Paths are relative to the test's file. Takes every argument of :func:`tf_repro.migrate.check`; ``tf1_python`` is the
    option ``--tf1-python`` unless given.

    Returns:
        A function of the two files, the first of them a program or a golden bundle, that returns the
        :class:`tf_repro.migrate.CheckReport`.
    """

    def check(legacy: Any, port: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        from tf_repro import migrate
        from tf_repro.core.errors import InputError
        from tf_repro.migrate import golden

        folder = Path(request.path).parent
        if not golden.is_bundle(folder / legacy):  # which was recorded on an interpreter of its own
            options.setdefault("tf1_python", request.config.getoption("--tf1-python"))
        try:
            report = migrate.check(folder / legacy, folder / port, **options)
        except InputError as error:
            failure = str(error)
        else:
            if report.passed:
                return report
            failure = "\n".join([report.verdict, *map(str, report.rungs)])
        pytest.fail(failure)

    return check
