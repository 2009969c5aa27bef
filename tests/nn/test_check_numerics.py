"""`tf.debugging.enable_check_numerics()` has nothing to report in a valid program, whichever function of nn it uses."""

import numpy as np
import pytest
import tensorflow as tf

from tests.nn.problems import slow
from tf_repro import nn

LABELS = tf.constant([0, 2, -1])
FUNCTIONS = {
    "softmax": nn.softmax,
    "softmax, tf1": lambda z: nn.softmax(z, numerics="tf1"),
    "log_softmax": nn.log_softmax,
    "dense": lambda z: nn.softmax_cross_entropy_with_logits(tf.one_hot(LABELS, z.shape[-1]), z, label_smoothing=0.1),
    "sparse": lambda z: nn.sparse_softmax_cross_entropy_with_logits(LABELS, z, ignore_class=-1),
    "linear": lambda z: nn.linear_softmax_cross_entropy(z[:, :4], tf.ones([4, 5]), [0, 4, -1], ignore_class=-1),
}
FAST = ("log_softmax", "sparse")  # the others take the same care, and long
# Not under XLA, which has none of the operations that check: TensorFlow refuses its own softmax there.
MODES = {
    "eager": lambda f: f,
    "function": lambda f: tf.function(f, autograph=False),
}


pytestmark = pytest.mark.usefixtures("checked_numerics")


def second_order(function, z):
    with tf.GradientTape() as outer:
        outer.watch(z)
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = tf.reduce_sum(function(z) ** 2)
        gradient = tape.gradient(value, z)
    return value, gradient, outer.gradient(gradient, z)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [name if name in FAST else slow(name) for name in FUNCTIONS])
def test_valid_programs_pass(name, mode):
    z = tf.constant(np.random.RandomState(0).randn(3, 140), tf.float32)
    results = MODES[mode](lambda z: second_order(FUNCTIONS[name], z))(z)
    assert all(np.isfinite(result).all() for result in results)


@pytest.mark.parametrize("mode", MODES)
def test_a_nan_is_reported(mode):
    with pytest.raises(tf.errors.InvalidArgumentError, match="NaN"):
        MODES[mode](lambda z: nn.softmax(z))(tf.constant([[np.nan, 1.0]]))


@pytest.mark.parametrize("name", ["softmax", slow("log_softmax")])
def test_nothing_is_compiled_that_the_checks_could_not_see(name):
    """Of a size from which on a part of an uncompiled function is compiled."""
    z = tf.zeros([260, 1000])
    value, *_ = tf.function(lambda z: second_order(FUNCTIONS[name], z), autograph=False)(z)
    assert np.isfinite(value)


@pytest.mark.parametrize("swapped", [False, True])
def test_distributions_that_have_no_likely_class_in_common_pass(swapped):
    """A logarithm that is not taken there would be that of 0."""
    far = [tf.constant([[0.0, -200.0]]), tf.constant([[-300.0, 0.0]])]
    teacher, student = far[::-1] if swapped else far
    np.testing.assert_allclose(nn.kl_divergence_with_logits(teacher, student), [200.0 if swapped else 300.0])
