import numpy as np
import pytest

from tests.tolerances import assert_within_rounding
from tf_repro.core import data
from tf_repro.core.errors import InputError
from tf_repro.ports import softmax_jacobian
from tf_repro.programs.tf2 import ENGINES
from tf_repro.suite.derivations import softmax_jacobian as derivation
from tf_repro.suite.statements.softmax_jacobian import differences

FEATURES = np.random.RandomState(0).rand(6, 4)
LABELS = np.eye(3)[[0, 1, 2, 2, 1, 0]]
WEIGHTS = derivation.initial_weights(4, hidden=5, classes=3)
INPUTS = {"features": FEATURES, "labels": LABELS, "weights": WEIGHTS, "steps": 4}


@pytest.mark.parametrize("engine", ENGINES)
def test_tape_hand_and_derivation_agree_on_every_gradient(engine):
    run, truth = softmax_jacobian.run(**INPUTS, engine=engine), derivation.run(**INPUTS)
    for moment in ("before", "after"):
        for name in ("delta3", "delta2", "dW1", "db1", "dW2", "db2"):
            scale = max(float(np.abs(truth[moment][key]).max()) for key in (name, "delta3"))
            for computed in (run[moment][name], run[moment][f"hand_{name}"]):
                assert_within_rounding(computed, truth[moment][name], terms=32, scale=scale)


def test_a_planted_fault_in_the_hand_written_pass_is_found(monkeypatch):
    right = softmax_jacobian.hand_written_gradients

    def wrong(*arguments):
        gradients = right(*arguments)
        return gradients | {"dW1": -gradients["dW1"], "db2": 2.001 * gradients["db2"]}

    monkeypatch.setattr(softmax_jacobian, "hand_written_gradients", wrong)
    before = differences(softmax_jacobian.run(**INPUTS)["before"])
    assert before["dW1_difference"] > 1
    assert before["db2_difference"] > 0.4
    assert before["dW2_difference"] < 1e-5


def test_the_network_learns_real_digits():
    after = softmax_jacobian.run(engine="function")["after"]
    assert after["accuracy"] > 0.9


def test_digits_are_scaled_and_split():
    digits = data.load_digits()
    assert (digits.features.min(), digits.features.max()) == (0, 1)
    assert len(digits.features) + len(digits.test_features) == 1797
    assert np.array_equal(digits.labels.sum(axis=1), np.ones(1500))


def test_mnist_that_cannot_be_had_is_one_line(monkeypatch):
    import keras

    def offline():
        raise OSError("no route to host")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", offline)
    with pytest.raises(InputError, match=r"data 'mnist' must be downloadable .* Received: OSError: no route to host"):
        data.load_digits("mnist")


def test_mnist_that_is_at_hand_is_used(monkeypatch):
    import keras

    images, numbers = np.full((20, 28, 28), 255, "uint8"), np.arange(20) % 10
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: ((images, numbers), (images[:5], numbers[:5])))
    monkeypatch.setattr(data, "MNIST_SAMPLES", 15)
    data.load_digits.cache_clear()
    digits = data.load_digits("mnist")
    data.load_digits.cache_clear()
    assert (digits.features.shape, digits.test_features.shape) == ((15, 784), (5, 784))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({**INPUTS, "weights": {}}, r"weights must be a dict of W1, b1, W2, b2. Received: \[\]"),
        ({**INPUTS, "weights": [1]}, "weights must be a dict of W1, b1, W2, b2. Received: list"),
        ({**INPUTS, "features": FEATURES[:, :3]}, r"W1 must have shape \(3, 5\). Received: \(4, 5\)"),
        ({**INPUTS, "labels": LABELS[:5]}, "features and labels must have as many rows. Received: 6 and 5"),
        ({"features": FEATURES}, "features and labels must be given together"),
        ({"data": "cifar"}, "data must be one of digits, mnist. Received: 'cifar'"),
    ],
)
def test_bad_inputs(inputs, message):
    with pytest.raises(InputError, match=message):
        softmax_jacobian.run(**inputs)
