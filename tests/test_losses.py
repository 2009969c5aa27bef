"""The losses against Keras' own where those are right, and against the definition where they are not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.nn.truth import cross_entropy, one_hot
from tests.tolerances import MANY_TERMS, ONE_PASS, TOLERANCE, UNIT_ROUNDOFF
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


@pytest.mark.parametrize("reduction", ["sum", "none"])
@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy])
def test_a_loss_read_back_behaves_as_the_one_written(loss, reduction):
    """Against Keras and the definition, not against itself: what a configuration loses shows in the loss."""
    labels, logits, _ = problem((4, 3, 3))
    options = {"label_smoothing": 0.1, "axis": 1, "reduction": reduction, "name": "mine", "dtype": "float64"}
    if loss is SparseSoftmaxCrossEntropy:
        options["ignore_class"] = 2
    again = keras.losses.deserialize(keras.losses.serialize(loss(**options)))
    dense = one_hot(labels, 3, 0.1)
    expected = cross_entropy(dense, np.moveaxis(logits, 1, -1))[0].astype(float)
    if loss is SparseSoftmaxCrossEntropy:
        expected = np.where(labels == 2, 0, expected)
    target = labels if loss is SparseSoftmaxCrossEntropy else np.moveaxis(one_hot(labels, 3), -1, 1)
    found = again(target, logits)
    assert (type(again), again.name, found.dtype) == (loss, "mine", tf.float64)
    np.testing.assert_allclose(found, expected.sum() if reduction == "sum" else expected, rtol=MANY_TERMS)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy])
def test_a_configuration_says_from_logits_as_that_of_keras_does(loss):
    assert loss().get_config()["from_logits"] is True
    assert loss.from_config({"from_logits": True, "axis": -1}).axis == -1


@pytest.mark.parametrize("axis", [(1, 2), [-1, 1], (2,)])
def test_several_axes_are_the_classes_together(axis):
    labels, logits, _ = problem((2, 3, 4))
    rank, last = 3, sorted(a % 3 for a in axis)
    flat = np.moveaxis(logits, last, range(rank - len(last), rank))
    flat = flat.reshape(*flat.shape[: rank - len(last)], -1)
    labels = np.random.RandomState(3).randint(flat.shape[-1], size=flat.shape[:-1])
    dense = one_hot(labels, flat.shape[-1])
    expected = cross_entropy(dense, flat)[0].astype(float)
    shaped = np.moveaxis(
        dense.reshape(*flat.shape[:-1], *[logits.shape[a] for a in last]), range(3 - len(last), 3), last
    )
    found = SoftmaxCrossEntropy(axis=axis, reduction="none")(shaped, logits)
    np.testing.assert_allclose(found, expected, rtol=ONE_PASS)
    np.testing.assert_allclose(
        SparseSoftmaxCrossEntropy(axis=axis, reduction="none")(labels, logits), expected, rtol=ONE_PASS
    )


@pytest.mark.parametrize("run", [lambda f: f, tf.function], ids=["eager", "function"])
@pytest.mark.parametrize("layer", [keras.layers.Softmax(), keras.layers.Activation("softmax")])
def test_the_logits_behind_a_softmax_are_found_and_said(run, layer):
    """As Keras does with from_logits=True; the softmax of a softmax would train, worse, and say nothing."""
    labels, logits, _ = problem((6, 5))
    expected = SparseSoftmaxCrossEntropy()(labels, logits)
    for loss, target in ((SparseSoftmaxCrossEntropy(), labels), (SoftmaxCrossEntropy(), one_hot(labels, 5))):
        with pytest.warns(UserWarning, match=r"takes logits, and y_pred is the output of a softmax, whose logits"):
            found = run(lambda z, loss=loss, target=target: loss(target, layer(z)))(tf.constant(logits))
        np.testing.assert_allclose(found, expected, rtol=TOLERANCE["float32"])


@pytest.mark.parametrize("shape", [(3,), (4, 5), (2, 4, 3), (4, 3, 2)])
@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), SparseSoftmaxCrossEntropy()])
def test_weights_that_do_not_broadcast_are_refused_in_one_line(loss, shape):
    labels, logits, _ = problem((4, 2, 5))
    target = labels if isinstance(loss, SparseSoftmaxCrossEntropy) else one_hot(labels, 5)
    with pytest.raises(
        ValueError, match=r"^sample_weight must broadcast to the losses\. Received: .*losses of \(4, 2\)$"
    ):
        loss(target, logits, np.ones(shape))


@pytest.mark.parametrize("shape", [(), (2,), (1, 2), (4, 1), (4, 2), (4, 2, 1)])
def test_weights_that_broadcast_weigh_as_keras_weighs(shape):
    labels, logits, _ = problem((4, 2, 5))
    weight = np.random.RandomState(2).rand(*shape)
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits, weight)
    np.testing.assert_allclose(SparseSoftmaxCrossEntropy()(labels, logits, weight), expected, rtol=TOLERANCE["float32"])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras and NumPy 2
def test_class_weight_weighs_as_with_keras():
    labels, _, _ = problem((32, 3))
    features = np.random.RandomState(1).randn(32, 4).astype(np.float32)
    weights = []
    for loss in (SparseSoftmaxCrossEntropy(), keras.losses.SparseCategoricalCrossentropy(from_logits=True)):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        model.compile(keras.optimizers.SGD(0.5), loss, metrics=["accuracy"])
        history = model.fit(features, labels, class_weight={0: 5.0, 1: 0.1, 2: 1.0}, verbose=0, shuffle=False).history
        weights.append([*model.get_weights(), *history["loss"], *history["accuracy"]])
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=ONE_PASS, atol=ONE_PASS)


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
@pytest.mark.parametrize("from_logits", [False, None, "no"])
def test_probabilities_are_refused(loss, from_logits):
    with pytest.raises(ValueError, match="takes logits, not probabilities"):
        loss(from_logits=from_logits)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy])
@pytest.mark.parametrize("value", [2, -0.1, "a", None])
def test_label_smoothing_is_checked_when_the_loss_is_made(loss, value):
    with pytest.raises(ValueError, match=r"label_smoothing must be in \[0, 1\]\. Received: label_smoothing="):
        loss(label_smoothing=value)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy])
@pytest.mark.parametrize("axis", ["x", 1.5, (), True, None])
def test_axis_is_checked_when_the_loss_is_made(loss, axis):
    with pytest.raises(ValueError, match=r"axis must be an int or a non-empty tuple of ints\. Received: axis="):
        loss(axis=axis)


@pytest.mark.parametrize("ignore_class", [1.5, True, "a"])
def test_ignore_class_is_checked_when_the_loss_is_made(ignore_class):
    with pytest.raises(TypeError, match=r"ignore_class must be an integer or None\. Received: ignore_class="):
        SparseSoftmaxCrossEntropy(ignore_class=ignore_class)


@pytest.mark.parametrize("axis", [3, -4, (0, 3)])
def test_an_axis_that_the_logits_lack_is_named(axis):
    labels, logits, _ = problem()
    with pytest.raises(ValueError, match=r"axis must be in \[.*Received: axis="):
        SparseSoftmaxCrossEntropy(axis=axis)(labels, logits)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy])
def test_ragged_logits_are_their_rows(loss):
    labels, logits, weight = problem((6, 5))
    target = labels if loss is SparseSoftmaxCrossEntropy else one_hot(labels, 5)
    ragged = [tf.RaggedTensor.from_row_lengths(values, [2, 0, 4]) for values in (target, logits, weight)]
    np.testing.assert_array_equal(loss()(*ragged), loss()(target, logits, weight))
    losses = loss(reduction="none")(*ragged)
    np.testing.assert_array_equal(losses.row_lengths(), [2, 0, 4])
    np.testing.assert_array_equal(losses.flat_values, loss(reduction="none")(target, logits, weight))
    with pytest.raises(
        ValueError, match=r"ragged logits must have their classes in a last dimension of one size, .*Rec"
    ):
        loss(axis=1)(*ragged)
    with pytest.raises(
        ValueError, match=r"ragged logits must have their classes in a last dimension of one size, .*Rec"
    ):
        loss()(tf.ragged.constant([0, 1]), tf.ragged.constant([[1.0, 2.0], [3.0]]))
