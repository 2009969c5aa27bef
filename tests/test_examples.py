"""The examples of one file each run, and show what they say."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.tolerances import TWELVE_STEPS

FOLDER = Path(__file__).parents[1] / "examples"

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras and NumPy 2


def example(name):
    spec = importlib.util.spec_from_file_location(f"examples_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_a_taught_student_is_better_than_one_of_few_labels():
    accuracies = example("distillation").distil()
    assert accuracies["student of both"] > accuracies["student of labels"]


@pytest.mark.slow
def test_the_students_are_trained():
    accuracies = example("distillation").distil(examples=400, epochs=3)
    assert set(accuracies) == {"teacher", "student of labels", "student of both"}
    assert all(0.25 < value <= 1 for value in accuracies.values())


@pytest.mark.slow
def test_preferences_are_learnt():
    found = example("preference").train(pairs=128, steps=30)
    np.testing.assert_allclose(found["first loss"], np.log(2), rtol=TWELVE_STEPS)  # the policy is the reference
    assert found["last loss"] < 0.5 * found["first loss"]
    assert found["new pairs ranked rightly"] > 0.9


def test_the_log_probability_of_a_text_is_that_of_its_logits():
    module = example("preference")
    model, (texts, _) = module.LanguageModel(), module.texts(4, 0)
    found = model.log_probabilities(texts)
    logs = tf.nn.log_softmax(tf.matmul(model(texts[:, :-1]), model.embedding.embeddings, transpose_b=True))
    each = tf.gather(logs, texts[:, 1:], batch_dims=2)
    expected = tf.reduce_sum(tf.where(texts[:, 1:] == module.PADDING, 0.0, each), -1)
    np.testing.assert_allclose(found, expected, rtol=TWELVE_STEPS)
