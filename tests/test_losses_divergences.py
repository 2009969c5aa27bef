"""The divergences and the entropy as Keras losses: values, weights, masks, configurations, training, saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.nn import divergence_truth
from tests.tolerances import MANY_TERMS, TOLERANCE
from tf_repro.losses import Entropy, JSDivergence, KLDivergence

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras and NumPy 2

TRUTH = {
    KLDivergence: divergence_truth.kl,
    JSDivergence: divergence_truth.js,
    Entropy: lambda _, z, *temperature: divergence_truth.entropy(z, *temperature),
}
every_loss = pytest.mark.parametrize("loss", TRUTH)


def problem(shape=(4, 3)):
    rng = np.random.RandomState(0)
    return rng.randn(2, *shape).astype(np.float32)


def expected(loss, teacher, student, *temperature):
    rows = zip(teacher.reshape(-1, teacher.shape[-1]), student.reshape(-1, student.shape[-1]), strict=True)
    return np.array([TRUTH[loss](*row, *temperature)[0] for row in rows]).reshape(teacher.shape[:-1])


@every_loss
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none", None])
@pytest.mark.parametrize("masked", [False, True])
def test_weights_masks_and_reductions_are_those_of_keras(loss, reduction, masked):
    """Keras reduces the true losses, which `MeanAbsoluteError` of them with itself as zero hands to it unchanged."""
    teacher, student = problem((4, 2, 3))
    weight, mask = np.random.RandomState(1).rand(4, 2), np.arange(8).reshape(4, 2) % 3 != 0
    truth = tf.constant(expected(loss, teacher, student)[..., None], tf.float32)
    logits = tf.constant(student)
    if masked:
        truth._keras_mask = logits._keras_mask = tf.constant(mask)
    reference = keras.losses.MeanAbsoluteError(reduction=reduction)(tf.zeros_like(truth), truth, weight)
    found = loss(reduction=reduction)(teacher, logits, weight)
    np.testing.assert_allclose(found, reference, rtol=TOLERANCE["float32"])


OPTIONS = {
    "temperature": {"temperature": 2.5},
    "axis": {"axis": 0},
    "axes": {"axis": (0, 1)},
    "reduction": {"reduction": "sum"},
    "name and dtype": {"name": "mine", "dtype": "float64"},
}
CASES = [(loss, options) for loss in TRUTH for options in OPTIONS.values()] + [(KLDivergence, {"direction": "reverse"})]


@pytest.mark.parametrize(("loss", "options"), CASES)
def test_a_loss_read_back_behaves_as_the_one_written(loss, options):
    """Against mpmath, not against itself: what a configuration loses shows in the loss."""
    made = loss(**options)
    again = keras.losses.deserialize(keras.losses.serialize(made))
    assert type(again) is loss
    assert again.get_config() == made.get_config()
    teacher, student = problem()
    axis = options.get("axis", -1)
    axes = (axis,) if isinstance(axis, int) else axis
    rows = [z.reshape(1, -1) if len(axes) == 2 else np.moveaxis(z, axes[0], -1) for z in (teacher, student)]
    truth = expected(loss, *(rows[::-1] if "direction" in options else rows), options.get("temperature", 1.0))
    found = again(teacher, student)
    assert (found.dtype, again.name) == (options.get("dtype", "float32"), options.get("name", loss().name))
    total = truth.sum() if options.get("reduction") == "sum" else truth.mean()
    np.testing.assert_allclose(found, total, rtol=MANY_TERMS if "dtype" in options else TOLERANCE["float32"])
    default = loss(reduction="sum_over_batch_size")(teacher, student)
    assert "dtype" in options or abs(found - default) > 1000 * TOLERANCE["float32"], "the option does nothing"


@every_loss
def test_keras_finds_the_loss_by_its_registered_name(loss):
    assert keras.saving.get_registered_object(f"tf_repro>{loss.__name__}") is loss


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "loss", [KLDivergence, *(pytest.param(loss, marks=pytest.mark.slow) for loss in (JSDivergence, Entropy))]
)
def test_fit_evaluate_save_and_load(tmp_path, loss, jit_compile):
    rng = np.random.RandomState(0)
    features, teacher = rng.randn(32, 4).astype(np.float32), rng.randn(32, 5).astype(np.float32)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5)])
    model.compile(keras.optimizers.Adam(0.1), loss(temperature=2.0), jit_compile=jit_compile)
    history = model.fit(features, teacher, epochs=4, verbose=0, sample_weight=rng.rand(32)).history["loss"]
    assert history[-1] < 0.9 * history[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    value = loaded.evaluate(features, teacher, verbose=0, batch_size=32)
    truth = expected(loss, teacher, model.predict(features, verbose=0), 2.0).mean()
    np.testing.assert_allclose(value, truth, rtol=TOLERANCE["float32"])


def test_no_gradient_reaches_the_teacher():
    teacher, student = map(tf.Variable, problem())
    with tf.GradientTape() as tape:
        value = KLDivergence()(teacher, student)
    by_teacher, by_student = tape.gradient(value, [teacher, student])
    assert by_teacher is None
    assert by_student.numpy().any()


def test_the_logits_behind_a_softmax_are_found_on_both_sides_and_said():
    teacher, student = map(tf.constant, problem())
    softmax = keras.layers.Softmax()
    with (
        pytest.warns(UserWarning, match="takes logits, and y_pred is the output of a softmax"),
        pytest.warns(UserWarning, match="takes logits, and y_true is the output of a softmax"),
    ):
        found = KLDivergence()(softmax(teacher), softmax(student))
    np.testing.assert_array_equal(found, KLDivergence()(teacher, student))


def test_mixed_precision_gives_float32_losses_of_half_precision_logits():
    teacher, student = problem()
    low = tf.cast(student, tf.float16)
    found = KLDivergence()(teacher, low)
    assert found.dtype == tf.float32
    truth = expected(KLDivergence, teacher, low.numpy().astype(np.float32)).mean()
    np.testing.assert_allclose(found, truth, rtol=TOLERANCE["float32"])


@every_loss
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"from_logits": False}, "from_logits must be True: this loss takes logits, not probabilities. Received: "),
        ({"temperature": 0}, r"temperature must be a number above 0\. Received: temperature=0"),
        ({"axis": "x"}, r"axis must be an int or a non-empty tuple of ints\. Received: axis='x'"),
    ],
)
def test_options_are_checked_when_the_loss_is_made(loss, options, message):
    with pytest.raises(ValueError, match=message):
        loss(**options)


def test_shapes_and_directions_are_checked():
    with pytest.raises(ValueError, match=r"direction must be one of .*Received: direction='both'"):
        KLDivergence(direction="both")
    with pytest.raises(ValueError, match=r"same shape\. Received: y_true of \(1, 3\), y_pred of \(4, 3\)"):
        KLDivergence()(np.zeros((1, 3)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="sample_weight must broadcast to the losses"):
        KLDivergence()(np.zeros((4, 3)), np.zeros((4, 3)), np.ones(3))
