"""``compile`` and ``fit`` with every option that reaches a loss: our components train as those of Keras do."""

import numpy as np
import pytest

from tests.keras.families import FAMILIES, compiled, problem
from tests.tolerances import TWELVE_STEPS

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras and NumPy 2

CLASS_WEIGHT = {0: 5.0, 1: 0.1, 2: 1.0, 3: 2.0, 4: 0.0}

# How the model is compiled, and how it is fitted.
WAYS = {
    "class_weight": ({}, {"class_weight": CLASS_WEIGHT}),
    "sample_weight": ({}, {"sample_weight": problem()[2]}),
    "run_eagerly": ({"run_eagerly": True}, {}),
    "steps_per_execution": ({"steps_per_execution": 2}, {}),
    "jit_compile": ({"jit_compile": True}, {}),
    "jit_compile, class_weight": ({"jit_compile": True}, {"class_weight": CLASS_WEIGHT}),
}
BY_DEFAULT = [("softmax layer", "class_weight"), ("dense", "class_weight")]


def fitted(family, ours, way):
    compile_options, fit_options = WAYS[way]
    if not ours:  # the reference is the plain way to train
        compile_options = {}
    model, x, y = compiled(family, ours, **compile_options)
    history = model.fit(x, y, epochs=4, batch_size=8, shuffle=False, verbose=0, **fit_options).history["loss"]
    return model.get_weights(), history


@pytest.mark.parametrize(
    ("family", "way"),
    [
        pytest.param(family, way, marks=[] if (family, way) in BY_DEFAULT else pytest.mark.slow)
        for family in FAMILIES
        for way in WAYS
    ],
)
def test_trains_as_keras_does(family, way):
    weights, history = fitted(family, True, way)
    expected, losses = fitted(family, False, way)
    np.testing.assert_allclose(history, losses, rtol=TWELVE_STEPS)
    for ours, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=TWELVE_STEPS)


@pytest.mark.slow
def test_class_weights_change_what_is_trained():
    """So that a fit that forgets them cannot pass above."""
    model, x, y = compiled("sparse", False)
    plain = model.fit(x, y, shuffle=False, verbose=0).history["loss"]
    assert abs(plain[0] - fitted("sparse", False, "class_weight")[1][0]) > 1000 * TWELVE_STEPS
