"""``keras.losses.get`` and ``compile(loss=…)``: every way to name a loss gives one that behaves as the loss written."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.nn.linear_truth import head as truth
from tests.tolerances import ONE_PASS
from tf_repro.losses import LossesAsOutput, SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy

LOGITS = np.random.RandomState(0).randn(4, 3).astype(np.float32)
LABELS = np.array([0, 2, 1, 2])
LOSSES = {
    "dense": (SoftmaxCrossEntropy, {"label_smoothing": 0.2, "reduction": "sum"}),
    "sparse": (SparseSoftmaxCrossEntropy, {"ignore_class": 2, "reduction": "none", "label_smoothing": 0.2}),
}
WAYS = {
    "itself": lambda loss: loss,
    "serialized": keras.losses.serialize,
    "as an object": keras.saving.serialize_keras_object,
    "by registered name": lambda loss: {
        "class_name": f"tf_repro>{type(loss).__name__}",
        "config": loss.get_config(),
    },
}


def expected(loss):
    dense = np.eye(3)[LABELS] * 0.8 + 0.2 / 3
    losses = truth(LOGITS, np.eye(3), dense)[0].astype(float)
    return losses.sum() if loss is SoftmaxCrossEntropy else np.where(LABELS == 2, 0, losses)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(("loss", "options"), LOSSES.values(), ids=LOSSES)
def test_get_gives_the_loss_that_was_written(loss, options, way):
    found = keras.losses.get(way(loss(**options)))
    labels = np.eye(3)[LABELS] if loss is SoftmaxCrossEntropy else LABELS
    assert type(found) is loss
    np.testing.assert_allclose(found(labels, LOGITS), expected(loss), rtol=ONE_PASS)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy, LossesAsOutput])
def test_get_makes_a_loss_of_the_class(loss):
    found = keras.losses.get(loss)
    assert type(found) is loss
    assert found.get_config() == loss().get_config()


def test_compile_takes_the_class_as_it_does_with_keras():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Identity()])
    model.compile(loss=SparseSoftmaxCrossEntropy)
    value = model.evaluate(LOGITS, LABELS, verbose=0)
    losses = truth(LOGITS, np.eye(3), np.eye(3)[LABELS])[0].astype(float)
    np.testing.assert_allclose(value, losses.mean(), rtol=ONE_PASS)
    assert tf.is_tensor(model.compute_loss(y=LABELS, y_pred=tf.constant(LOGITS)))
