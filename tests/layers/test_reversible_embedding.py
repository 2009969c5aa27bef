"""A toy model with tied, soft-capped embeddings: what changes when one layer does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tolerances import ONE_PASS, TWELVE_STEPS
from tf_repro.layers import ReversibleEmbedding

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras and NumPy 2

VOCABULARY, WIDTH, LENGTH = 13, 6, 5


def text(seed=0):
    tokens = np.random.RandomState(seed).randint(VOCABULARY, size=(8, LENGTH + 1))
    return tokens[:, :-1], tokens[:, 1:]


def body(embedding, tokens):
    return keras.layers.Dense(WIDTH, activation="tanh", name="body")(embedding(tokens))


def models(tie_weights=True, **options):
    """A trainer and a predictor, and the same with Keras' layer and loss."""
    keras.utils.set_random_seed(0)
    tokens, labels = keras.Input((LENGTH,), dtype="int32"), keras.Input((LENGTH,), dtype="int32")
    shared = {"tie_weights": tie_weights, "logit_soft_cap": 2.0, "name": "embedding"}
    ours = ReversibleEmbedding(VOCABULARY, WIDTH, **shared, **options)
    features = body(ours, tokens)
    trainer = keras.Model([tokens, labels], ours(features, labels))
    predictor = keras.Model(tokens, ours(features, reverse=True))
    stock = keras.layers.ReversibleEmbedding(VOCABULARY, WIDTH, **shared)
    plain = keras.Model(tokens, stock(body(stock, tokens), reverse=True))
    plain.set_weights(predictor.get_weights())
    return trainer, predictor, plain


@pytest.mark.parametrize("tie_weights", [True, False])
def test_trains_as_the_stock_layer_and_loss_do(tie_weights):
    trainer, predictor, plain = models(tie_weights, metrics=["accuracy"])
    x, y = text()
    trainer.compile(keras.optimizers.SGD(0.5))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    plain.compile(keras.optimizers.SGD(0.5), loss, metrics=["accuracy"])
    options = {"epochs": 3, "batch_size": 4, "shuffle": False, "verbose": 0}
    mine, theirs = trainer.fit([x, y], **options).history, plain.fit(x, y, **options).history
    np.testing.assert_allclose(mine["loss"], theirs["loss"], rtol=TWELVE_STEPS)
    np.testing.assert_allclose(mine["accuracy"], theirs["accuracy"], rtol=TWELVE_STEPS)
    for a, b in zip(predictor.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=TWELVE_STEPS)
    np.testing.assert_allclose(predictor.predict(x, verbose=0), plain.predict(x, verbose=0), atol=TWELVE_STEPS)


def test_saves_loads_and_goes_on(tmp_path):
    trainer, predictor, _ = models(ignore_class=0, z_loss=0.1, label_smoothing=0.1)
    x, y = text()
    trainer.compile("sgd")
    trainer.fit([x, y], verbose=0)
    expected = trainer.evaluate([x, y], verbose=0)
    trainer.save(tmp_path / "trainer.keras")
    loaded = keras.saving.load_model(tmp_path / "trainer.keras")
    np.testing.assert_allclose(loaded.evaluate([x, y], verbose=0), expected, rtol=ONE_PASS)
    assert len(loaded.trainable_weights) == 3, "the two uses of the embedding share its matrix"
    predictor.save(tmp_path / "predictor.keras")
    again = keras.saving.load_model(tmp_path / "predictor.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), predictor.predict(x, verbose=0))


def test_mixed_precision_keeps_the_gradient_of_the_matrix_in_float32():
    layer = ReversibleEmbedding(VOCABULARY, WIDTH, dtype="mixed_bfloat16")
    x, y = text()
    with tf.GradientTape() as tape:
        features = layer(x)
        loss = layer(features, y)
    gradient = tape.gradient(loss, layer.trainable_variables[0].value)
    assert (features.dtype, loss.dtype) == (tf.bfloat16, tf.float32)
    assert tf.convert_to_tensor(gradient).dtype == tf.float32


def test_padding_that_the_embedding_masks_does_not_count():
    layer = ReversibleEmbedding(VOCABULARY, WIDTH, mask_zero=True)
    x, y = text()
    x[:, 3:] = 0
    expected = layer(layer(x)[x != 0], y[x != 0])
    np.testing.assert_allclose(layer(layer(x), y), expected, rtol=TWELVE_STEPS)


def test_options_are_checked():
    with pytest.raises(ValueError, match=r"logit_soft_cap must be above 0, or None\. Received: logit_soft_cap=0"):
        ReversibleEmbedding(3, 2, logit_soft_cap=0)
    with pytest.raises(ValueError, match=r"tie_weights must be True or False\. Received: tie_weights=None"):
        ReversibleEmbedding(3, 2, tie_weights=None)
