"""Each planted fault is named by its true cause, and no correct port is given a cause but rounding."""

import pytest

from tests.migrate.diagnosis.planted import CORRECT, FAULTS
from tf_repro import migrate

ROUNDING = {"max_ulp": 64, "scaled": True}
"""Units in the last place of the largest element: two orders of summation, not a fault, on either kind of kernels."""
IN_EVERY_RUN = {"flatten order", "reset after"}


def checked(folder, planted):
    """The report on two programs."""
    files = folder / "legacy.py", folder / "port.py"
    for file, text in zip(files, planted.programs(), strict=True):
        file.write_text(text, encoding="utf-8")
    return migrate.check(*files, steps=4, **ROUNDING)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[pytest.mark.slow] * (name not in IN_EVERY_RUN),
        )
        for name in FAULTS
    ],
)
def test_fault_is_named(tmp_path, name):
    report = checked(tmp_path, FAULTS[name])
    assert report.failed.causes, str(report)
    assert report.failed.causes[0].name in FAULTS[name].cause, str(report)
    where = report.failed.causes[0].where
    if FAULTS[name].line and where is not None:
        assert FAULTS[name].line in where.before


@pytest.mark.slow
@pytest.mark.parametrize("name", CORRECT)
def test_correct_port_passes(tmp_path, name):
    assert checked(tmp_path, CORRECT[name]).passed
