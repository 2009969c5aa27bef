"""What a rung says of a distance is in a unit that means something."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from tf_repro.core.record import Record
from tf_repro.migrate.checker.climb import Climb
from tf_repro.migrate.checker.judge import judge
from tf_repro.migrate.checker.outcome import Cause

EXPECTED = np.float32([1.0, 2.0**-40])
"""The second element is what cancelled: 2⁻²⁴ more is 2²² or so of its own ULP, and half of one of the first's."""
RECEIVED = EXPECTED + np.float32([0.0, 2.0**-24])
CLIMB = Climb(
    legacy=Record({"before": {"y": EXPECTED}}, {}),
    description={},
    legacy_path=Path("legacy.py"),
    path=Path("port.py"),
    names=(),
    mapping={},
    steps=1,
    max_ulp=None,
    scaled=False,
    strict=False,
    seed=0,
    inputs={},
    time_limit=1.0,
    noise={"before": {"y": np.full(2, 2.0**-24)}},
)


def test_rounding_is_counted_in_ulp_of_the_largest_element():
    rung = judge(CLIMB, "forward", {"before": {"y": RECEIVED}})
    assert rung.detail == "1 tensor, equal up to rounding, at most 1 ULP of its tensor's largest element apart"
    assert rung.ulp == 1


def test_a_tolerance_is_counted_in_its_own_unit():
    within = replace(CLIMB, max_ulp=2**30)
    own = judge(within, "forward", {"before": {"y": RECEIVED}})
    assert own.ulp > 2**20
    assert own.detail.endswith(f"at most {own.ulp} ULP apart")
    scaled = judge(replace(within, scaled=True), "forward", {"before": {"y": RECEIVED}})
    assert scaled.detail.endswith("at most 1 ULP of its tensor's largest element apart")


def test_a_cause_that_leaves_rounding_says_the_unit():
    assert Cause("rounding", "moved", 3, False).outcome == "only rounding is left (3 ULP of the largest element)"
