"""The losses against Keras' own where those are right, and against the definition where they are not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.nn.tolerances import ONE_PASS, TOLERANCE, UNIT_ROUNDOFF
from tests.nn.truth import cross_entropy, one_hot
from tf_repro.losses import SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy

REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None]


def problem(shape=(4, 3, 5), seed=0):
    rng = np.random.RandomState(seed)
    return (
        rng.randint(shape[-1], size=shape[:-1]),
        rng.randn(*shape).astype(np.float32),
        rng.rand(*shape[:-1]),
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_weights_masks_and_reductions_are_those_of_keras(reduction, weighted, masked):
    labels, logits, weight = problem()
    logits = tf.constant(logits)
    if masked:
        logits._keras_mask = tf.constant(weight > 0.3)
    sample_weight = weight if weighted else None
    for ours, theirs, target in (
        (SoftmaxCrossEntropy, keras.losses.CategoricalCrossentropy, one_hot(labels, 5)),
        (SparseSoftmaxCrossEntropy, keras.losses.SparseCategoricalCrossentropy, labels),
        (SparseSoftmaxCrossEntropy, keras.losses.SparseCategoricalCrossentropy, labels.astype(np.float32)),
    ):
        for options in ({}, {"ignore_class": 2}) if ours is SparseSoftmaxCrossEntropy else ({}, {"axis": -1}):
            expected = theirs(from_logits=True, reduction=reduction, **options)(target, logits, sample_weight)
            mine = ours(from_logits=True, reduction=reduction, **options)(target, logits, sample_weight)
            np.testing.assert_allclose(mine, expected, rtol=TOLERANCE["float32"], atol=TOLERANCE["float32"])


def test_trailing_axis_of_the_labels_is_dropped_as_keras_drops_it():
    labels, logits, weight = problem((6, 5))
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels[:, None], logits, weight)
    mine = SparseSoftmaxCrossEntropy()(labels[:, None], logits, weight)
    np.testing.assert_allclose(mine, expected, rtol=TOLERANCE["float32"])
    ignoring = SparseSoftmaxCrossEntropy(ignore_class=1)
    np.testing.assert_allclose(
        ignoring(labels[:, None], logits, weight[:, None]), ignoring(labels, logits, weight), rtol=TOLERANCE["float32"]
    )


def test_label_smoothing_off_the_last_axis_where_keras_is_wrong():
    labels = tf.transpose(tf.one_hot([0, 1], 3))
    options = {"axis": 0, "label_smoothing": 0.3, "reduction": "none"}
    np.testing.assert_allclose(SoftmaxCrossEntropy(**options)(labels, tf.zeros((3, 2))), np.log([3, 3]), rtol=ONE_PASS)
    np.testing.assert_allclose(
        SparseSoftmaxCrossEntropy(**options)([0, 1], tf.zeros((3, 2))), np.log([3, 3]), rtol=ONE_PASS
    )
    stock = keras.losses.CategoricalCrossentropy(from_logits=True, **options)(labels, tf.zeros((3, 2)))
    assert abs(stock[0] - np.log(3)) > 0.1, "Keras has been mended"


def test_bfloat16_keeps_label_257_apart_from_256():
    logits = np.zeros((1, 300), np.float32)
    logits[0, 256] = 4
    loss = SparseSoftmaxCrossEntropy(dtype="bfloat16")
    assert loss([257], logits).dtype == tf.bfloat16
    expected = cross_entropy(one_hot([257], 300), logits)[0][0]
    np.testing.assert_allclose(float(loss([257], logits)), float(expected), rtol=UNIT_ROUNDOFF["bfloat16"])
    stock = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="bfloat16")
    assert float(stock(np.array([257]), logits)) == float(stock(np.array([256]), logits)), "Keras has been mended"


def test_labels_above_two_to_the_24_are_not_rounded():
    loss = SparseSoftmaxCrossEntropy(ignore_class=2**24 + 1, reduction="sum")
    assert float(loss(np.array([2**24 + 1]), np.zeros((1, 3)))) == 0
    assert np.isnan(loss(np.array([2**24]), np.zeros((1, 3))))


def test_everything_ignored_is_zero():
    assert float(SparseSoftmaxCrossEntropy(ignore_class=-1)([-1, -1], np.zeros((2, 3)))) == 0


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy])
def test_configuration_survives_serialization(loss):
    made = loss(label_smoothing=0.1, axis=1, reduction="sum", name="mine")
    again = keras.losses.deserialize(keras.losses.serialize(made))
    assert type(again) is loss
    assert again.get_config() == made.get_config()
    assert loss.from_config({"from_logits": True, "axis": -1}).axis == -1


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras and NumPy 2
@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(label_smoothing=0.1), SparseSoftmaxCrossEntropy(ignore_class=0)])
def test_fit_evaluate_save_and_load(tmp_path, loss, jit_compile):
    labels, _, weight = problem((32, 5))
    features = np.random.RandomState(1).randn(32, 4).astype(np.float32)
    target = one_hot(labels, 5) if isinstance(loss, SoftmaxCrossEntropy) else labels
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5)])
    model.compile(keras.optimizers.SGD(0.5), loss, jit_compile=jit_compile)
    history = model.fit(features, target, sample_weight=weight, epochs=3, verbose=0, batch_size=16).history["loss"]
    assert history[-1] < history[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.loss) is type(loss)
    np.testing.assert_allclose(
        loaded.evaluate(features, target, verbose=0),
        model.evaluate(features, target, verbose=0),
        rtol=TOLERANCE["float32"],
    )


def test_float16_logits_of_a_mixed_precision_model_are_summed_in_float32():
    labels, logits, _ = problem((3, 70000))
    low = tf.constant(logits, tf.float16)
    expected = cross_entropy(one_hot(labels, 70000), low.numpy())[0].astype(float).mean()
    np.testing.assert_allclose(SparseSoftmaxCrossEntropy()(labels, low), expected, rtol=ONE_PASS)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy])
def test_probabilities_are_refused(loss):
    with pytest.raises(ValueError, match="takes logits, not probabilities"):
        loss(from_logits=False)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy])
@pytest.mark.parametrize("value", [2, -0.1, "a", None])
def test_label_smoothing_is_checked_when_the_loss_is_made(loss, value):
    with pytest.raises(ValueError, match=r"label_smoothing must be in \[0, 1\]\. Received: label_smoothing="):
        loss(label_smoothing=value)
