"""The Keras layer: training through fit, prediction without labels, saving, masks and mixed precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tolerances import ONE_PASS, TOLERANCE, TWELVE_STEPS
from tf_repro import nn
from tf_repro.layers.linear_cross_entropy import LinearCrossEntropy
from tf_repro.losses import LossesAsOutput

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras and NumPy 2


def problem(seed=0):
    rng = np.random.RandomState(seed)
    return rng.randn(20, 4).astype(np.float32), rng.randint(6, size=20)


def models(**options):
    keras.utils.set_random_seed(0)
    features, labels = keras.Input((4,)), keras.Input((), dtype="int32")
    hidden = keras.layers.Dense(5, activation="tanh", name="hidden")(features)
    head = LinearCrossEntropy(6, chunk_size=7, name="head", **options)
    return keras.Model([features, labels], head(hidden, labels)), keras.Model(features, head(hidden))


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_fit_trains_as_dense_and_keras_loss_do(jit_compile):
    features, labels = problem()
    trainer, predictor = models()
    trainer.compile(keras.optimizers.SGD(0.5), jit_compile=jit_compile)
    plain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(6)])
    plain.set_weights(predictor.get_weights())
    plain.compile(keras.optimizers.SGD(0.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    options = {"epochs": 4, "batch_size": 8, "shuffle": False, "verbose": 0}
    mine = trainer.fit([features, labels], **options).history["loss"]
    theirs = plain.fit(features, labels, **options).history["loss"]
    assert mine[-1] < mine[0]
    assert theirs[-1] < theirs[0]
    for a, b in zip(predictor.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=TWELVE_STEPS)
    np.testing.assert_allclose(
        trainer.evaluate([features, labels], batch_size=20, verbose=0),
        plain.evaluate(features, labels, batch_size=20, verbose=0),
        rtol=TWELVE_STEPS,
    )


def test_logits_without_labels_are_those_of_dense():
    features, _ = problem()
    predictor = models()[1]
    hidden, head = predictor.get_layer("hidden"), predictor.get_layer("head")
    expected = hidden(features).numpy() @ head.kernel.numpy() + head.bias.numpy()
    np.testing.assert_allclose(predictor.predict(features, verbose=0), expected, atol=ONE_PASS)


def test_save_and_load(tmp_path):
    features, labels = problem()
    trainer, predictor = models(ignore_class=2, label_smoothing=0.1, kernel_regularizer="l2")
    trainer.compile("sgd")
    trainer.fit([features, labels], verbose=0)
    for model, inputs in ((trainer, [features, labels]), (predictor, features)):
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        assert loaded.get_layer("head").get_config() == model.get_layer("head").get_config()
        np.testing.assert_array_equal(loaded(inputs), model(inputs))


def test_predictor_exports_without_the_loss(tmp_path):
    features, _ = problem()
    predictor = models()[1]
    predictor.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(tmp_path / "exported")
    np.testing.assert_allclose(exported.serve(features), predictor(features), atol=ONE_PASS)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_accumulates_the_kernel_gradient_in_float32(policy):
    features, labels = problem()
    head = LinearCrossEntropy(6, dtype=policy)
    low = tf.cast(features, head.compute_dtype)
    assert head(low).dtype == low.dtype
    with tf.GradientTape() as tape:
        loss = head(low, labels)
    gradient = tape.gradient(loss, head.kernel.value)
    assert loss.dtype == gradient.dtype == tf.float32
    full = LinearCrossEntropy(6)
    full.build((None, 4))
    full.set_weights(head.get_weights())
    with tf.GradientTape() as tape:
        reference = full(tf.cast(low, tf.float32), labels)
    np.testing.assert_array_equal(loss, reference)
    np.testing.assert_array_equal(gradient, tape.gradient(reference, full.kernel.value))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_masked_examples_do_not_count(reduction):
    features, labels = problem()
    labels[3] = 5
    mask = np.arange(20) % 3 != 0
    weight = np.random.RandomState(1).rand(20)
    head = LinearCrossEntropy(6, ignore_class=5, reduction=reduction)
    expected = head(features[mask], labels[mask], weight[mask])
    masked = tf.constant(features)
    masked._keras_mask = tf.constant(mask)
    np.testing.assert_allclose(head(masked, labels, weight), expected, rtol=TOLERANCE["float32"])
    np.testing.assert_allclose(head(masked, labels), head(features[mask], labels[mask]), rtol=TOLERANCE["float32"])


def test_evaluation_gives_the_loss_of_training():
    features, labels = problem()
    head = LinearCrossEntropy(6, use_bias=False)
    np.testing.assert_allclose(
        head(features, labels, training=False), head(features, labels, training=True), rtol=ONE_PASS
    )


def test_dense_labels_and_further_axes():
    features, labels = problem()
    head = LinearCrossEntropy(6)
    expected = head(features, labels)
    turned = head(features.reshape(4, 5, 4), np.eye(6, dtype=np.float32)[labels].reshape(4, 5, 6))
    np.testing.assert_allclose(turned, expected, rtol=ONE_PASS)


def test_symbolic_shapes():
    head = LinearCrossEntropy(6)
    features = keras.Input((None, 4))
    assert head(features).shape == (None, None, 6)
    assert head(features, keras.Input((None,), dtype="int32")).shape == ()


def test_losses_one_by_one_take_the_weights_of_fit():
    """With LossesAsOutput: sample_weight and class_weight of fit do what they do with Dense and Keras' loss."""
    features, labels = problem()
    sample_weight = np.random.RandomState(1).rand(20)
    keras.utils.set_random_seed(0)
    inputs, label_inputs = keras.Input((4,)), keras.Input((), dtype="int32")
    head = LinearCrossEntropy(6, reduction="none", metrics=["accuracy"], name="head")
    trainer = keras.Model([inputs, label_inputs], head(inputs, label_inputs))
    plain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6)])
    plain.set_weights(head.get_weights())
    trainer.compile(keras.optimizers.SGD(0.5), LossesAsOutput())
    plain.compile(
        keras.optimizers.SGD(0.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    for weights in ({"sample_weight": sample_weight}, {"class_weight": {c: 0.1 + c for c in range(6)}}):
        options = {"epochs": 2, "batch_size": 8, "shuffle": False, "verbose": 0, **weights}
        mine = trainer.fit([features, labels], labels, **options).history
        theirs = plain.fit(features, labels, **options).history
        np.testing.assert_allclose(mine["loss"], theirs["loss"], rtol=TWELVE_STEPS)
        np.testing.assert_allclose(mine["accuracy"], theirs["accuracy"], rtol=TWELVE_STEPS)
    for a, b in zip(head.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=TWELVE_STEPS)


def test_metrics_from_the_same_pass_are_those_of_keras_from_logits():
    features, labels = problem()
    labels[4] = 5
    names = ["accuracy", "top_2_accuracy", "entropy", "log_probability", "log_sum_exp"]
    head = LinearCrossEntropy(6, metrics=names, ignore_class=5)
    logits = head(features).numpy().astype(np.float64)
    head(features, labels)
    counted = labels != 5
    z, label = logits[counted], labels[counted]
    logs = z - np.log(np.exp(z).sum(-1, keepdims=True))
    expected = {
        "accuracy": keras.metrics.sparse_categorical_accuracy(label, z.astype(np.float32)).numpy().mean(),
        "top_2_accuracy": keras.metrics.sparse_top_k_categorical_accuracy(label, z.astype(np.float32), 2)
        .numpy()
        .mean(),
        "entropy": -(np.exp(logs) * logs).sum(-1).mean(),
        "log_probability": logs[np.arange(len(label)), label].mean(),
        "log_sum_exp": np.log(np.exp(z).sum(-1)).mean(),
    }
    assert [metric.name for metric in head.metrics] == names
    for metric in head.metrics:
        np.testing.assert_allclose(metric.result(), expected[metric.name], rtol=TWELVE_STEPS)


OPTIONS = {
    "ignore_class": 2,
    "label_smoothing": 0.1,
    "reduction": "sum",
    "logit_scale": 0.5,
    "soft_cap": 1.5,
    "class_weight": [0.5, 1, 1, 2, 1, 1],
    "z_loss": 0.2,
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_layer_read_back_behaves_as_the_one_written(name):
    """Each option moves the loss to where the function with that option has it, and survives its configuration."""
    features, labels = problem()
    labels[3] = 2
    head = LinearCrossEntropy(6, **{name: OPTIONS[name]}, use_bias=False)
    head.build((None, 4))
    again = LinearCrossEntropy.from_config(head.get_config())
    again.build((None, 4))
    again.set_weights(head.get_weights())
    expected = nn.linear_softmax_cross_entropy(features, head.kernel.value, labels, **{name: OPTIONS[name]})
    default = nn.linear_softmax_cross_entropy(features, head.kernel.value, labels)
    np.testing.assert_allclose(again(features, labels), expected, rtol=ONE_PASS)
    assert abs(expected - default) > 1000 * ONE_PASS


def test_logits_are_scaled_and_capped_as_the_loss_is():
    features, labels = problem()
    head = LinearCrossEntropy(6, logit_scale=0.5, soft_cap=1.5)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    np.testing.assert_allclose(head(features, labels), loss(labels, head(features)), rtol=TWELVE_STEPS)


def test_masked_examples_may_be_anything():
    features, labels = problem()
    mask = np.arange(20) % 3 != 0
    head = LinearCrossEntropy(6)
    spoiled = tf.constant(np.where(mask[:, None], features, np.nan).astype(np.float32))
    spoiled._keras_mask = tf.constant(mask)
    with tf.GradientTape() as tape:
        loss = head(spoiled, labels)
    np.testing.assert_allclose(loss, head(features[mask], labels[mask]), rtol=TWELVE_STEPS)
    assert np.isfinite(tape.gradient(loss, head.kernel.value)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 0}, "units must be a positive int. Received: units=0"),
        ({"units": True}, "units must be a positive int. Received: units=True"),
        ({"units": 3, "reduction": "max"}, "'mean', 'sum' or 'none'. Received: reduction='max'"),
        ({"units": 3, "chunk_size": -1}, "chunk_size must be a positive int or None. Received: chunk_size=-1"),
        ({"units": 3, "use_bias": "no"}, "use_bias must be True or False. Received: use_bias='no'"),
        ({"units": 3, "soft_cap": -1}, "soft_cap must be above 0, or None. Received: soft_cap=-1"),
        ({"units": 3, "class_weight": [1.0]}, "a weight for each of the 3 classes. Received: class_weight of length 1"),
        ({"units": 3, "metrics": "accuracy"}, "metrics must be a sequence of .*Received: metrics='accuracy'"),
        ({"units": 3, "metrics": ["loss"]}, "metrics must be a sequence of .*Received: metrics="),
        ({"units": 3, "label_smoothing": 2}, "Received: label_smoothing=2"),
    ],
)
def test_error_messages(options, message):
    with pytest.raises(ValueError, match=message):
        LinearCrossEntropy(**options)


def test_ignore_class_must_be_an_integer():
    with pytest.raises(TypeError, match=r"ignore_class must be an integer or None\. Received: ignore_class=1.5"):
        LinearCrossEntropy(3, ignore_class=1.5)
