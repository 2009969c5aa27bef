import numpy as np
import pytest

from tests.tolerances import assert_within_rounding
from tf_repro.core import data
from tf_repro.core.errors import InputError
from tf_repro.ports import softmax_regression
from tf_repro.ports.softmax_regression import SoftmaxRegression
from tf_repro.programs import tf2
from tf_repro.programs.tf2 import ENGINES
from tf_repro.suite.derivations import softmax_regression as derivation


@pytest.mark.parametrize("engine", ENGINES)
def test_5000_steps_follow_the_numpy_trajectory(engine, record):
    run, truth = record("softmax_regression", engine), record("softmax_regression", "derivation")
    assert run["trajectory"]["loss"].shape == (5000,)
    assert_within_rounding(run["trajectory"]["loss"], truth["trajectory"]["loss"], terms=64)
    assert_within_rounding(run["after"]["w"], truth["after"]["w"], terms=5000)


def test_the_loss_starts_at_minus_ln_20(record):
    assert_within_rounding(record("softmax_regression", "derivation")["before"]["loss"], -np.log(20), terms=2)


@pytest.mark.parametrize("engine", ENGINES)
def test_training_resumes_to_the_identical_trajectory(engine, tmp_path):
    samples = data.random_samples(samples=30, features=4, classes=3)
    whole, first, second = (SoftmaxRegression(*samples, engine) for _ in range(3))
    losses, resumed = [], []
    whole.train(lambda count, loss: losses.append((count, loss)), repeat=30)
    first.train(lambda count, loss: resumed.append((count, loss)), repeat=7)
    first.save(tmp_path / "weights.npz")
    second.load(tmp_path / "weights.npz")
    second.train(lambda count, loss: resumed.append((count, loss)), repeat=23)
    assert losses == resumed
    assert np.array_equal(whole.weights, second.weights)


def test_loss_needs_memory_for_samples_times_classes():
    """A samples × samples matrix would take 20 000² × 8 bytes = 3.2 GB."""
    import resource

    samples = data.random_samples(samples=20_000, features=4, classes=3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    SoftmaxRegression(*samples).train(repeat=1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB


@pytest.mark.parametrize("engine", ENGINES)
def test_experiments_with_other_inputs(engine):
    two = tf2.run(softmax_regression.build_two_classes, {"probabilities": [[0.25, 0.75]]}, engine=engine)["before"]
    assert_within_rounding(two["loss"], np.log(0.25), terms=4)
    given = {"logits": [[0.0, np.log(3.0)]], "labels": [1]}
    label = tf2.run(softmax_regression.build_label_probability, given, engine=engine)["before"]
    assert_within_rounding(label["q"], 0.75, terms=4)


def test_derivation_experiments_with_other_inputs():
    assert_within_rounding(derivation.two_classes([[0.25, 0.75]])["loss"], np.log(0.25), terms=4)
    assert_within_rounding(derivation.label_probability([[0.0, np.log(3.0)]], [1])["q"], 0.75, terms=4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SoftmaxRegression([[1.0]], [[1, 0], [0, 1]]), "features and labels must have as many rows"),
        (lambda: SoftmaxRegression([[np.nan]], [[1]]), "features must be finite"),
        (lambda: SoftmaxRegression([[1.0]], [[1]], "cuda"), "engine must be one of"),
        (lambda: softmax_regression.run(features=[[1.0]]), "features and labels must be given together"),
        (lambda: softmax_regression.run(repeat=0), "repeat must be a whole number of at least 1"),
        (
            lambda: softmax_regression.build_label_probability(logits=[[1.0]]),
            "logits and labels must be given together",
        ),
        (
            lambda: softmax_regression.build_label_probability(logits=[[1.0]], labels=[1]),
            r"labels must be 1 classes in \[0, 1\)",
        ),
    ],
)
def test_bad_inputs(call, message):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 truncated"])
def test_weights_that_are_none_are_named(tmp_path, content):
    path = tmp_path / "weights.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="weights must be in a file that save"):
        SoftmaxRegression([[1.0]], [[1, 0]]).load(path)


def test_weights_of_another_shape_are_named(tmp_path):
    SoftmaxRegression([[1.0]], [[1, 0]]).save(tmp_path / "weights.npz")
    with pytest.raises(InputError, match=r"weights must have shape \(3, 1\). Received: \(2, 1\)"):
        SoftmaxRegression([[1.0]], [[1, 0, 0]]).load(tmp_path / "weights.npz")
