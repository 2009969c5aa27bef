"""tf_repro.layers.Softmax: what Keras demands of its own layer, and what its own layer loses."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.nn.oracles import softmax_truth, value_and_gradient
from tests.tolerances import TOLERANCE, row_error
from tf_repro import nn
from tf_repro.layers import Softmax

RNG = np.random.default_rng(20261123)


@pytest.mark.parametrize("axis", [-1, 1, (1, 2), [0, 2]])
def test_config_round_trip(axis):
    layer = Softmax(axis, numerics="tf1", name="probabilities", dtype="float64")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (again.name, again.dtype, again.numerics) == ("probabilities", "float64", "tf1")
    x = RNG.normal(size=(2, 3, 4))
    axes = axis if isinstance(axis, int) else tuple(axis)
    np.testing.assert_array_equal(again(x), nn.softmax(x, axes, "tf1"))
    assert not np.array_equal(again(x), nn.softmax(x, 2 if axes != -1 else 0, "tf1"))


def test_numerics_reach_the_function():
    """The saturated entry's gradient tells the two roundings apart: exact, and 0 as the textbook formula has it."""
    slopes = {}
    for numerics in ("accurate", "tf1"):
        slopes[numerics] = value_and_gradient(Softmax(numerics=numerics), np.float32([[0, 30]]), np.float32([[0, 1]]))[
            1
        ]
    assert slopes["accurate"].numpy()[0, 1] > 0
    assert slopes["tf1"].numpy()[0, 1] == 0


@pytest.mark.parametrize("axis", [-1, 0, (0, 2)])
def test_gradient_is_that_of_the_function(axis):
    x = (RNG.normal(size=(2, 3, 4)) * 20).astype(np.float32)
    upstream = (RNG.normal(size=x.shape) + 100).astype(np.float32)
    layer_gradient = value_and_gradient(Softmax(axis), x, upstream)[1]
    axes = (axis,) if isinstance(axis, int) else axis
    rows = [np.moveaxis(a, axes, range(-len(axes), 0)) for a in (x, upstream, layer_gradient)]
    flat = [a.reshape(*a.shape[: 3 - len(axes)], -1) for a in rows]
    assert row_error(flat[2], softmax_truth(*flat[:2])[1], flat[1]) <= 10 * TOLERANCE["float32"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("size", [1.0, 3e4, 6e4])
def test_masked_probabilities_are_exactly_zero_whatever_the_size_of_the_logits(dtype, size):
    """Keras masks with -3e4 in float16 and -1e9 otherwise: logits below that gave the mass to the masked."""
    logits = tf.cast([[-size, 0.0, -size, size]], dtype) * (1e30 if dtype in ("float32", "float64") else 1)
    mask = tf.constant([[True, False, True, False]])
    y, gradient = value_and_gradient(
        lambda z: Softmax(dtype=dtype)(z, mask=mask), logits, tf.cast([[1, 5, 2, 7]], dtype)
    )
    np.testing.assert_array_equal(tf.cast(y, tf.float32), [[0.5, 0, 0.5, 0]])
    np.testing.assert_array_equal(tf.cast(gradient, tf.float32), [[-0.25, 0, 0.25, 0]])


def test_logits_below_the_mask_sentinel_are_zeroed_by_keras():
    x, mask = np.float32([[-2e9, -2e9, 0.0]]), np.array([[True, True, False]])
    np.testing.assert_array_equal(keras.layers.Softmax()(x, mask=mask), [[0, 0, 0]])
    np.testing.assert_array_equal(Softmax()(x, mask=mask), [[0.5, 0.5, 0]])


@pytest.mark.parametrize(
    ("row", "mask"),
    [([1, 2], [0, 0]), ([-np.inf, -np.inf], [0, 0]), ([np.nan, np.inf], [0, 0]), ([-np.inf, 3], [1, 0])],
)
def test_a_row_of_which_nothing_is_left_is_all_zero(row, mask):
    y, gradient = value_and_gradient(
        lambda z: Softmax()(z, mask=np.array([mask, [1, 1]])),
        np.float32([row, [0, 0]]),
        np.float32([[1, 2], [1, 2]]),
    )
    np.testing.assert_array_equal(y, [[0, 0], [0.5, 0.5]])
    np.testing.assert_array_equal(gradient, [[0, 0], [-0.25, 0.25]])


def test_a_row_of_minus_infinity_without_a_mask_is_nan():
    assert np.isnan(Softmax()(np.float32([[-np.inf, -np.inf]]))).all()


def loss_and_gradient(layer, logits, label, loss, **call):
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(label, layer(logits, **call))
    return value.numpy(), tape.gradient(value, logits).numpy()


@pytest.mark.parametrize("run", [lambda f: f, tf.function])
def test_logits_stay_attached_for_keras_losses(run):
    """Bare probabilities give loss 16.118 and gradient exactly 0 here."""
    loss = keras.losses.CategoricalCrossentropy()
    inputs = np.float32([[0, 30, 0]]), np.float32([[1, 0, 0]])

    def graph():
        logits = tf.constant(inputs[0])
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(inputs[1], Softmax()(logits))
        return value, tape.gradient(value, logits)

    value, gradient = run(graph)()
    assert value == 30
    np.testing.assert_allclose(gradient, [[-1, 1, 0]], atol=TOLERANCE["float32"])


LABELS = {"rows as classes": [0, 1, 1], "one row": [0], "many rows": [0, 1, 0, 1, 1, 0, 1]}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("label_smoothing", [0.0, 0.3])
@pytest.mark.parametrize("attached", [False, True])
def test_losses_of_a_masked_softmax_are_those_of_keras(labels, label_smoothing, attached):
    """Three classes, the last of them masked: a mask of the batch's shape must not be read as one of examples."""
    logits = RNG.normal(size=(len(labels), 3)).astype(np.float32)
    mask = np.ones((len(labels), 3), bool) & [True, True, False]
    targets = np.eye(3, dtype=np.float32)[labels]
    probabilities = keras.layers.Softmax()(logits, mask=mask).numpy()  # an array: nothing is attached to it
    scores = tf.constant(logits)
    if attached:
        scores._keras_mask = tf.constant(mask)
    ours = Softmax()(scores) if attached else Softmax()(scores, mask=mask)
    for loss, target in (
        (keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing), targets),
        (keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing), targets),
        (keras.losses.SparseCategoricalCrossentropy(), labels),
    ):
        expected = loss(np.asarray(target), probabilities)
        np.testing.assert_allclose(loss(np.asarray(target), ours), expected, rtol=TOLERANCE["float32"])


def test_a_label_on_a_masked_class_costs_what_it_costs_with_keras():
    logits, mask, label = np.float32([[0, 1, 5], [1, 0, 2]]), np.array([[True, True, False]]), np.array([2, 0])
    loss = keras.losses.SparseCategoricalCrossentropy(reduction="none")
    expected = loss(label, keras.layers.Softmax()(logits, mask=mask).numpy())
    np.testing.assert_allclose(loss(label, Softmax()(logits, mask=mask)), expected, rtol=TOLERANCE["float32"])


@pytest.mark.parametrize("axis", [(1, 2), [2, 1]])
def test_losses_over_several_axes_read_the_probabilities(axis):
    logits = RNG.normal(size=(2, 3, 4)).astype(np.float32)
    targets = np.full((2, 3, 4), 1 / 12, np.float32)
    loss = keras.losses.CategoricalCrossentropy(reduction="none")
    stock = keras.layers.Softmax(axis=tuple(axis))(logits).numpy()
    np.testing.assert_allclose(loss(targets, Softmax(axis)(logits)), loss(targets, stock), rtol=TOLERANCE["float32"])


@pytest.mark.parametrize("axis", [-1, [1]])
@pytest.mark.parametrize("loss", [keras.losses.CategoricalCrossentropy, keras.losses.BinaryCrossentropy])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.3])
def test_losses_without_a_mask_are_those_of_keras_layer(axis, loss, label_smoothing):
    logits, targets = RNG.normal(size=(4, 3)).astype(np.float32), np.eye(3, dtype=np.float32)[[0, 2, 1, 1]]
    loss = loss(label_smoothing=label_smoothing)
    expected = loss(targets, keras.layers.Softmax(axis=axis)(logits))
    np.testing.assert_allclose(loss(targets, Softmax(axis)(logits)), expected, rtol=TOLERANCE["float32"])


def test_a_mask_of_time_steps_is_passed_on_and_leaves_the_classes_alone():
    """Three steps and three classes: the shapes alone would allow to mistake one for the other."""
    tokens = tf.constant([[1, 2, 0], [3, 0, 0]])
    embedded = keras.layers.Embedding(4, 3, mask_zero=True)(tokens)
    y = Softmax()(embedded)
    np.testing.assert_array_equal(y, nn.softmax(embedded))
    np.testing.assert_array_equal(y._keras_mask, tokens != 0)
    loss = keras.losses.SparseCategoricalCrossentropy()
    labels = np.array([[0, 1, 2], [2, 1, 0]])
    expected = -np.log(y.numpy()[[0, 0, 1], [0, 1, 0], [0, 1, 2]]).mean()
    np.testing.assert_allclose(loss(labels, y), expected, rtol=2 * TOLERANCE["float32"])


def test_logits_survive_mixed_precision_in_a_float32_last_layer():
    logits, label = tf.constant([[0, 30, 0]], tf.float16), np.float32([[1, 0, 0]])
    layer = Softmax(dtype=keras.DTypePolicy("float32"))
    value, gradient = loss_and_gradient(layer, logits, label, keras.losses.CategoricalCrossentropy())
    assert value == 30
    np.testing.assert_allclose(gradient, [[-1, 1, 0]], atol=TOLERANCE["float16"])


def test_fit_save_load_and_export(tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, Softmax(name="probabilities")(keras.layers.Dense(3)(inputs)))
    model.compile(keras.optimizers.SGD(0.5), keras.losses.SparseCategoricalCrossentropy())
    x = RNG.normal(size=(64, 4)).astype(np.float32)
    y = x[:, :3].argmax(-1)
    history = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.get_layer("probabilities")) is Softmax
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), expected)
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(tmp_path / "exported")
    assert row_error(exported.serve(x), expected) <= TOLERANCE["float32"]


def test_symbolic_call_and_output_shape():
    layer = Softmax(axis=(1, 2))
    assert layer(keras.Input((3, None, 2))).shape == (None, 3, None, 2)
    assert layer.compute_output_shape((None, 3, 4)) == (None, 3, 4)
    assert layer.built


def test_mask_of_an_upstream_layer_reaches_softmax():
    scores = tf.zeros([1, 3])
    scores._keras_mask = tf.constant([[True, False, True]])
    np.testing.assert_array_equal(Softmax()(scores), [[0.5, 0, 0.5]])


class Attention(keras.layers.MultiHeadAttention):
    """Multi-head attention with our softmax, as the layer's documentation says."""

    def _build_attention(self, rank):
        super()._build_attention(rank)
        self._softmax = Softmax(self._softmax.axis, dtype=self.dtype_policy)


@pytest.mark.parametrize("mixed", [False, True])
def test_softmax_of_multi_head_attention(mixed):
    keras.utils.set_random_seed(0)
    policy = keras.DTypePolicy("mixed_float16" if mixed else "float32")
    x = tf.random.stateless_normal((2, 5, 8), seed=[0, 1])
    reference = keras.layers.MultiHeadAttention(2, 4, dtype="float64")
    stock = keras.layers.MultiHeadAttention(2, 4, dtype=policy)
    ours = Attention(2, 4, dtype=policy)
    mask = np.tril(np.ones((5, 5), bool))[np.newaxis]
    mask[0, 2] = False  # one query sees nothing
    outputs = []
    for layer in (reference, stock, ours):
        layer(x, x)
        layer.set_weights(reference.get_weights())
        pair = layer(x, x, attention_mask=mask, return_attention_scores=True)
        outputs.append([tf.cast(t, tf.float64).numpy() for t in pair])
    tolerance = TOLERANCE["float16" if mixed else "float32"]
    seen = [query for query in range(5) if query != 2]  # Keras spreads the blind query's attention evenly
    (truth, _), (theirs, _), (own, scores) = outputs
    error, stock_error = (np.abs(a - truth)[:, seen].max() for a in (own, theirs))
    assert error <= stock_error + tolerance * np.abs(truth).max()
    assert not scores[:, :, 2].any()


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (
            np.ones((1, 1, 3), bool),
            r"must not have more dimensions. Received: inputs.shape=\(1, 3\), mask.shape=",
        ),
        (np.ones((2, 3), bool), r"mask must be broadcastable to inputs. Received: inputs.shape=\(1, 3\)"),
    ],
)
def test_mask_errors(mask, message):
    with pytest.raises(ValueError, match=message):
        Softmax()(np.zeros((1, 3), np.float32), mask=mask)


def test_unknown_numerics_is_refused_at_construction():
    with pytest.raises(ValueError, match=r"numerics must be one of .* Received: numerics='exact'"):
        Softmax(numerics="exact")


@pytest.mark.parametrize("axis", ["x", 1.5, (), True, (0, True), None])
def test_axis_is_checked_at_construction(axis):
    with pytest.raises(ValueError, match=r"^axis must be an int or a non-empty tuple of ints\. Received: axis="):
        Softmax(axis)


def test_ragged_inputs_are_their_rows():
    rows = np.random.RandomState(0).randn(6, 3).astype(np.float32)
    found = Softmax()(tf.RaggedTensor.from_row_lengths(rows, [2, 0, 4]))
    np.testing.assert_array_equal(found.row_lengths(), [2, 0, 4])
    np.testing.assert_array_equal(found.flat_values, Softmax()(rows))
    with pytest.raises(
        ValueError, match=r"ragged inputs must have a last dimension of one size, axis=-1 and no mask\. Rec"
    ):
        Softmax()(tf.ragged.constant([[1.0, 2.0], [3.0]]))
