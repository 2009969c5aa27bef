"""tf_repro.models.SoftmaxRegression against its derivation by hand and against scikit-learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tolerances import TOLERANCE
from tf_repro.models import SoftmaxRegression


def data(samples, features, classes, seed=3):
    """Features with a column of ones, and one-hot labels that overlap enough to have a finite optimum."""
    rng = np.random.RandomState(seed)
    x = np.hstack([rng.normal(size=(samples, features)), np.ones((samples, 1))])
    scores = x @ rng.normal(size=(features + 1, classes)) + rng.gumbel(size=(samples, classes))
    return x, np.eye(classes)[scores.argmax(-1)]


def descend(x, p, steps, step=0.1):
    """The document's derivation: W ← W - step·(q - p)ᵀ·x / samples from zeros, and the losses."""
    w, losses = np.zeros((p.shape[1], x.shape[1])), []
    for _ in range(steps):
        g = np.exp(x @ w.T)
        q = g / g.sum(-1, keepdims=True)
        losses.append(-(p * np.log(q)).sum(-1).mean())
        w = w - step * (q - p).T @ x / len(x)
    return w, losses


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_full_batch_training_from_zeros_follows_the_derivation(dtype):
    x, p = data(500, 50, 20)
    steps = 60
    model = SoftmaxRegression(20, dtype=dtype)
    batch = tf.data.Dataset.from_tensors((x.astype(dtype), p.astype(dtype)))  # Keras rounds arrays to float32
    losses = model.fit(batch, shuffle=False, epochs=steps, verbose=0).history["loss"]
    w, expected = descend(x, p, steps)
    tolerance = 10 * TOLERANCE[dtype]  # each step adds a rounding
    assert model.kernel.shape == (20, 51)
    assert model.kernel.dtype == dtype
    assert np.abs(model.kernel.numpy() - w).max() <= tolerance * np.abs(w).max()
    # Keras averages the loss in float32 whatever the model's dtype.
    np.testing.assert_allclose(losses, expected, rtol=10 * TOLERANCE["float32"])
    assert abs(losses[0] - np.log(20)) <= 10 * TOLERANCE["float32"]


def test_agrees_with_unregularized_logistic_regression_at_the_optimum():
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, p = data(300, 3, 3)
    reference = linear_model.LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=1000)
    reference.fit(x, p.argmax(-1))
    model = SoftmaxRegression(3, dtype="float64")
    model.compile(keras.optimizers.SGD(2.0), model.loss, steps_per_execution=500)
    model.fit(tf.data.Dataset.from_tensors((x, p)).repeat(3000), shuffle=False, verbose=0)
    probabilities = model.predict(x, verbose=0)
    assert np.abs(probabilities - reference.predict_proba(x)).max() <= 1e-6  # scikit-learn's stopping criterion


def test_evaluate_and_metrics():
    x, p = data(100, 3, 3)
    model = SoftmaxRegression(3)
    model.compile(model.optimizer, model.loss, metrics=["accuracy"])
    model.fit(x.astype("f"), p.astype("f"), epochs=10, verbose=0)
    result = model.evaluate(x, p, verbose=0, return_dict=True)
    assert result["loss"] < np.log(3)
    assert result["accuracy"] > 0.5


def test_a_given_batch_size_is_used():
    x, p = data(64, 3, 3)
    model = SoftmaxRegression(3)
    model.fit(x, p, batch_size=16, verbose=0)
    assert model.optimizer.iterations.numpy() == 4
    model.fit(x, p, verbose=0)
    assert model.optimizer.iterations.numpy() == 5


def test_save_and_load(tmp_path):
    x, p = data(64, 3, 3)
    model = SoftmaxRegression(3, step=0.25)
    model.fit(x, p, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert (loaded.classes, loaded.step) == (3, 0.25)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    loaded.fit(x, p, verbose=0)
    assert loaded.optimizer.iterations.numpy() == 3


@pytest.mark.parametrize("classes", [0, -1, 2.0, None])
def test_classes_must_be_a_positive_integer(classes):
    with pytest.raises(ValueError, match=r"classes must be a positive int. Received: classes="):
        SoftmaxRegression(classes)


def test_features_must_form_a_matrix():
    with pytest.raises(ValueError, match=r"features must have shape \(samples, features\). Received: shape="):
        SoftmaxRegression(2)(np.zeros((2, 3, 4)))


@pytest.mark.parametrize("step", [0, -0.1, "a", float("nan"), True])
def test_step_must_be_positive(step):
    with pytest.raises(ValueError, match=r"step must be a positive number. Received: step="):
        SoftmaxRegression(2, step)
