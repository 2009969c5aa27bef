"""Every dtype policy of Keras: what comes out has its compute dtype, or the loss's, and its accuracy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.nn.linear_truth import head as head_truth
from tests.nn.oracles import softmax_truth, value_and_gradient
from tests.tolerances import ONE_PASS, TOLERANCE, row_error
from tf_repro.layers import LinearCrossEntropy, Softmax
from tf_repro.losses import SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy

POLICIES = ["float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16"]
RANDOM = np.random.RandomState(0)
LOGITS, COTANGENT, LABELS = RANDOM.randn(6, 9), RANDOM.randn(6, 9), RANDOM.randint(9, size=6)


def as_computed(values, policy):
    """``values`` in the policy's compute dtype, and what is left of them there, in float64."""
    rounded = tf.cast(values, keras.DTypePolicy(policy).compute_dtype)
    return rounded, tf.cast(rounded, tf.float64).numpy()


@pytest.mark.parametrize("policy", POLICIES)
def test_softmax(policy):
    logits, exact = as_computed(LOGITS, policy)
    cotangent, exact_cotangent = as_computed(COTANGENT, policy)
    y, gradient = value_and_gradient(Softmax(dtype=policy), logits, cotangent)
    assert y.dtype == gradient.dtype == logits.dtype
    truth = softmax_truth(exact, exact_cotangent)
    for found, expected in zip((y, gradient), truth, strict=True):
        assert row_error(tf.cast(found, tf.float64), expected) <= TOLERANCE[logits.dtype.name]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy])
def test_a_loss_of_the_policy(loss, policy):
    logits, exact = as_computed(LOGITS, policy)
    expected = head_truth(exact, np.eye(9), np.eye(9)[LABELS])[0].astype(float)
    labels = LABELS if loss is SparseSoftmaxCrossEntropy else np.eye(9)[LABELS]
    found = loss(dtype=policy, reduction="none")(labels, logits)
    assert found.dtype == logits.dtype
    np.testing.assert_allclose(tf.cast(found, tf.float64), expected, rtol=TOLERANCE[logits.dtype.name])


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy])
def test_a_loss_by_default_is_of_float32_whatever_the_logits(loss, policy):
    logits, exact = as_computed(LOGITS, policy)
    expected = head_truth(exact, np.eye(9), np.eye(9)[LABELS])[0].astype(float).mean()
    labels = LABELS if loss is SparseSoftmaxCrossEntropy else np.eye(9)[LABELS]
    found = loss()(labels, logits)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, expected, rtol=ONE_PASS)


@pytest.mark.parametrize("policy", POLICIES)
def test_head(policy):
    """The sums are taken in float32 or better; only the features, the weights and their gradients are the policy's."""
    features, exact = as_computed(LOGITS, policy)
    layer = LinearCrossEntropy(9, dtype=policy, kernel_initializer=keras.initializers.GlorotUniform(seed=0))
    layer.build(features.shape)
    kernel = tf.cast(layer.kernel.value, tf.float64).numpy()
    with tf.GradientTape() as tape:
        tape.watch(features)
        loss = layer(features, LABELS)
    slopes = tape.gradient(loss, [features, layer.kernel.value, layer.bias.value])
    losses, gradients, _ = head_truth(exact, kernel, np.eye(9)[LABELS], weight=1 / 6)
    assert loss.dtype == (tf.float64 if policy == "float64" else tf.float32)
    np.testing.assert_allclose(loss, losses.astype(float).mean(), rtol=ONE_PASS)
    dtypes = [keras.DTypePolicy(policy).compute_dtype, *2 * [keras.DTypePolicy(policy).variable_dtype]]
    for found, expected, dtype in zip(slopes, gradients, dtypes, strict=True):
        assert found.dtype == dtype
        scale = float(np.abs(expected).max())
        np.testing.assert_allclose(tf.cast(found, tf.float64), expected.astype(float), atol=TOLERANCE[dtype] * scale)


@pytest.mark.parametrize("policy", POLICIES)
def test_symbolic_dtypes_are_those_that_come_out(policy):
    symbolic = keras.Input((9,), dtype=keras.DTypePolicy(policy).compute_dtype)
    assert Softmax(dtype=policy)(symbolic).dtype == Softmax(dtype=policy)(LOGITS).dtype.name
    layer = LinearCrossEntropy(9, dtype=policy)
    assert layer(symbolic).dtype == layer(tf.cast(LOGITS, symbolic.dtype)).dtype.name
