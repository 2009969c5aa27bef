import numpy as np
import pytest

from tests.tolerances import assert_within_rounding
from tf_repro.core.errors import InputError
from tf_repro.ports import reverse_mode
from tf_repro.programs import tf2
from tf_repro.programs.tf2 import ENGINES
from tf_repro.suite.derivations import reverse_mode as derivation


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("cost", reverse_mode.COSTS)
def test_other_inputs_follow_the_derivation(engine, cost):
    inputs = {"x": [0.5, -1.5], "w": [1.25, 2.0], "learning_rate": 0.1, "steps": 3, "cost": cost}
    run, truth = reverse_mode.run(**inputs, engine=engine), derivation.run(**inputs)
    for moment in ("before", "after"):
        for name, value in run[moment].items():
            assert_within_rounding(value, truth[moment][name], terms=32)


@pytest.mark.parametrize("engine", ENGINES)
def test_sweep_at_another_point(engine):
    run = tf2.run(reverse_mode.build_sweep, {"point": (-2, 5)}, engine=engine)
    sweep, truth = run["before"], derivation.sweep((-2.0, 5.0))
    assert np.array_equal(sweep["value"], truth["value"])
    assert np.array_equal(sweep["partial"], truth["partial"])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"w": [1, 2, 3]}, r"x and w must have shape \(2,\). Received: \(2,\) and \(3,\)"),
        ({"cost": "hinge"}, "cost must be one of product, product_with_first, cosine. Received: 'hinge'"),
        ({"x": [0, float("nan")]}, "x must be finite"),
        ({"engine": "cuda"}, "engine must be one of"),
    ],
)
def test_bad_inputs(inputs, message):
    with pytest.raises(InputError, match=message):
        reverse_mode.run(**inputs)
