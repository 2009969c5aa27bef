"""The document's program on emulated kernels against genuine recordings."""

import numpy as np
import pytest

from tf_repro.core.errors import InputError
from tf_repro.suite.derivations import softmax_backprop as derivation
from tf_repro.suite.kernels import LANES, softmax_backprop
from tf_repro.suite.recordings import RECORDINGS, load_recording

LANES_OF = {"1.4.1": 4, "1.5.1": 8, "1.15.5": 8}


def genuine(release):
    return load_recording(RECORDINGS / f"tf-{release}.json")["softmax_backprop"]


@pytest.mark.parametrize("release", LANES_OF)
def test_every_quantity_has_the_bits_of_genuine_tensorflow(release):
    assert softmax_backprop.run(lanes=LANES_OF[release]) == genuine(release)


@pytest.mark.parametrize("release", LANES_OF)
def test_the_other_number_of_lanes_has_not(release):
    (other,) = set(LANES) - {LANES_OF[release]}
    assert softmax_backprop.run(lanes=other) != genuine(release)


@pytest.mark.parametrize("lanes", LANES)
def test_more_steps_follow_the_derivation(lanes):
    inputs = {"x": [0.5, 1, 0.25], "y_true": [1, 0, 0.5], "learning_rate": 0.5, "steps": 3}
    run, truth = softmax_backprop.run(**inputs, lanes=lanes), derivation.run(**inputs)
    for name, value in run["after"].items():
        # A different direction or a missing step moves the first digits.
        np.testing.assert_array_equal(value.round(5) + 0.0, truth["after"][name].round(5).astype(np.float32) + 0.0)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": []}, "x must not be empty"),
        ({"x": [1, 2]}, r"x and y_true must have one shape. Received: \(2,\) and \(5,\)"),
        ({"y_true": [1, 2, 3, 4, float("nan")]}, r"y_true must be finite. Received: nan at index \[4\]"),
        ({"steps": 0}, "steps must be a whole number of at least 1. Received: 0"),
        ({"lanes": 2}, "lanes must be 4 or 8. Received: 2"),
    ],
)
def test_bad_inputs(inputs, message):
    with pytest.raises(InputError, match=message):
        softmax_backprop.run(**inputs)
