"""What fit would lose or misread of a head is refused in one line, and what it can use is left alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tolerances import TWELVE_STEPS
from tf_repro.layers import LinearCrossEntropy
from tf_repro.losses import LossesAsOutput

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras and NumPy 2

RANDOM = np.random.RandomState(0)
FEATURES, LABELS, WEIGHTS = RANDOM.randn(20, 4).astype(np.float32), RANDOM.randint(6, size=20), RANDOM.rand(20)
LOST = r"sample_weight and class_weight of fit do not reach a loss that a layer adds to the model: give .* Received: "
MISLED = r"metrics of compile would take the head's losses for predictions: use those of the head .* Received: metrics="


def trainer(model=keras.Model, loss=None, metrics=None, **options):
    features, labels = keras.Input((4,)), keras.Input((), dtype="int32")
    made = model([features, labels], LinearCrossEntropy(6, name="head", **options)(features, labels))
    made.compile("sgd", loss, metrics=metrics)
    return made


@pytest.mark.parametrize("method", ["fit", "evaluate"])
@pytest.mark.parametrize("y", [None, LABELS])
def test_sample_weight_that_goes_nowhere(method, y):
    with pytest.raises(ValueError, match=LOST):
        getattr(trainer(), method)([FEATURES, LABELS], y, sample_weight=WEIGHTS, verbose=0)


def test_class_weight_that_goes_nowhere():
    with pytest.raises(ValueError, match=LOST):
        trainer().fit([FEATURES, LABELS], LABELS, class_weight=dict.fromkeys(range(6), 2.0), verbose=0)


def test_weights_in_a_dataset():
    data = tf.data.Dataset.from_tensor_slices(((FEATURES, LABELS), LABELS, WEIGHTS)).batch(10)
    with pytest.raises(ValueError, match=LOST):
        trainer(reduction="sum").fit(data, shuffle=False, verbose=0)


def test_weights_that_a_model_of_ones_own_uses():
    class Weighted(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return tf.reduce_mean(sample_weight) * tf.add_n(self.losses)

    assert trainer(Weighted).fit([FEATURES, LABELS], LABELS, sample_weight=WEIGHTS, verbose=0).history["loss"]


@pytest.mark.parametrize("metrics", [["accuracy"], [keras.metrics.SparseCategoricalAccuracy()], {"head": ["accuracy"]}])
@pytest.mark.parametrize(("reduction", "loss"), [("mean", None), ("none", LossesAsOutput())])
def test_metrics_of_predictions_given_losses(metrics, reduction, loss):
    model = trainer(loss=loss, metrics=metrics, reduction=reduction)
    with pytest.raises(ValueError, match=MISLED):
        model.fit([FEATURES, LABELS], LABELS, verbose=0)


def test_a_metric_of_losses_works():
    """One's own, of the losses that the model puts out."""

    class Perplexity(keras.metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            return super().update_state(y_pred, sample_weight)

        def result(self):
            return tf.exp(super().result())

    model = trainer(loss=LossesAsOutput(), metrics=[Perplexity(name="perplexity")], reduction="none")
    history = model.fit([FEATURES, LABELS], LABELS, verbose=0, batch_size=20).history
    np.testing.assert_allclose(history["perplexity"], np.exp(history["loss"]), rtol=TWELVE_STEPS)


def test_another_output_may_have_weights_and_metrics():
    features, labels = keras.Input((4,)), keras.Input((), dtype="int32")
    model = keras.Model([features, labels], [LinearCrossEntropy(6)(features, labels), keras.layers.Dense(1)(features)])
    model.compile("sgd", [None, "mse"], metrics=[None, ["mae"]])
    targets = [LABELS, np.ones((20, 1))]
    history = model.fit([FEATURES, LABELS], targets, sample_weight=WEIGHTS, verbose=0).history
    assert history["loss"]


def test_a_loss_counted_twice_is_refused():
    with pytest.raises(
        ValueError, match=r"one for each example: give the head reduction='none', .*Received: y_pred of"
    ):
        trainer(loss=LossesAsOutput()).fit([FEATURES, LABELS], LABELS, verbose=0)


@pytest.mark.parametrize("shape", [(3,), (20, 3)])
def test_weights_that_do_not_broadcast_are_refused_in_our_line(shape):
    with pytest.raises(ValueError, match=r"sample_weight must broadcast to the losses\. Received: sample_weight of"):
        LossesAsOutput()(LABELS, tf.ones(20), np.ones(shape))


def test_ragged_features_in_the_layer():
    lengths = [5, 0, 15]
    features, labels, weights = (tf.RaggedTensor.from_row_lengths(v, lengths) for v in (FEATURES, LABELS, WEIGHTS))
    head = LinearCrossEntropy(6, ignore_class=2)
    np.testing.assert_array_equal(head(features, labels, weights), head(FEATURES, LABELS, WEIGHTS))
    one_by_one = LinearCrossEntropy(6, reduction="none")
    found = one_by_one(features, labels)
    np.testing.assert_array_equal(found.row_lengths(), lengths)
    np.testing.assert_array_equal(found.flat_values, one_by_one(FEATURES, LABELS))
