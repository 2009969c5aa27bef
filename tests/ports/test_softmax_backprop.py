from functools import partial

import numpy as np
import pytest

from tests.tolerances import assert_within_rounding
from tf_repro import nn
from tf_repro.core.errors import InputError
from tf_repro.ports import softmax_backprop
from tf_repro.programs.tf2 import ENGINES
from tf_repro.suite.derivations import softmax_backprop as derivation

PRINTED = {
    "loss": [8.916067, 15.904554, 24.835724, 35.293324, 37.2296],
    "cost": 24.435854,
    "logits": [-0.16000001, -0.32000008, 0.0, 1.2800003, 3.9999998],
    "w": [-0.16000001, -0.16000004, 0.0, 0.32000008, 0.79999995],
}


@pytest.mark.parametrize("engine", ENGINES)
def test_tf1_numerics_give_the_documents_floats(engine):
    after = softmax_backprop.run(softmax=partial(nn.softmax, numerics="tf1"), engine=engine)["after"]
    for name, printed in PRINTED.items():
        assert np.array_equal(after[name], np.float32(printed)), name


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [1, 2, 9])
def test_other_inputs_follow_the_derivation(engine, size):
    random = np.random.RandomState(size)
    inputs = {"x": random.rand(size), "y_true": random.rand(size), "learning_rate": 0.5, "steps": 3}
    run, truth = softmax_backprop.run(**inputs, engine=engine), derivation.run(**inputs)
    for moment in ("before", "after"):
        for name, value in run[moment].items():
            assert_within_rounding(value, truth[moment][name], terms=32)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"engine": "cuda"}, "engine must be one of eager, function, xla. Received: 'cuda'"),
        ({"x": []}, "x must not be empty"),
        ({"x": [1, 2]}, r"x and y_true must have one shape. Received: \(2,\) and \(5,\)"),
        ({"x": [[1] * 5]}, "x must have 1 dimension"),
        ({"y_true": [1, 2, 3, 4, float("nan")]}, r"y_true must be finite. Received: nan at index \[4\]"),
        ({"learning_rate": float("inf")}, "learning_rate must be finite"),
        ({"steps": 0}, "steps must be a whole number of at least 1. Received: 0"),
    ],
)
def test_bad_inputs(inputs, message):
    with pytest.raises(InputError, match=message):
        softmax_backprop.run(**inputs)
