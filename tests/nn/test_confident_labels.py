"""Sure of the right label: loss, gradient and Hessian keep their digits, and training goes on where others stop."""

import mpmath
import numpy as np
import pytest
import tensorflow as tf

from tests.nn.problems import MODES, slow
from tests.tolerances import TOLERANCE, row_error
from tf_repro.nn import softmax_cross_entropy_with_logits as dense
from tf_repro.nn import sparse_softmax_cross_entropy_with_logits as sparse

MARGINS = (5, 20, 40, 80)
DIRECTION = (0.75, -0.5, 2.0)


def truth(margin, dtype):
    """Loss, gradient by the logits and by the labels, and the Hessian's product with DIRECTION, to fifty digits."""
    with mpmath.workdps(50):
        z = [mpmath.mpf(value) for value in (margin, 0, 0.5)]
        total = mpmath.fsum(map(mpmath.exp, z))
        q = [mpmath.exp(value) / total for value in z]
        rest = q[1] + q[2]
        mean = mpmath.fsum(a * b for a, b in zip(q, DIRECTION, strict=True))
        results = [-mpmath.log1p(-rest)], [-rest, *q[1:]], [a * (b - mean) for a, b in zip(q, DIRECTION, strict=True)]
        by_labels = [mpmath.log(total) - value for value in z]
        return [np.array([np.longdouble(mpmath.nstr(v, 30)) for v in values]) for values in (*results, by_labels)]


def computed(function, target, z):
    direction = tf.constant([DIRECTION], z.dtype)
    with tf.GradientTape() as outer:
        outer.watch(z)
        with tf.GradientTape() as tape:
            tape.watch([z, target] if function is dense else z)
            loss = function(target, z)
        slopes = tape.gradient(loss, [z, target] if function is dense else [z])
    return loss, slopes[0], outer.gradient(slopes[0], z, direction), *slopes[1:]


@pytest.mark.parametrize(
    ("dtype", "mode"),
    [*(("float32", mode) for mode in MODES), ("float64", "eager"), slow("float64", "function"), slow("float64", "xla")],
)
@pytest.mark.parametrize("function", [sparse, dense])
def test_loss_gradients_and_hessian_keep_their_digits(function, dtype, mode):
    run = MODES[mode](lambda target, z: computed(function, target, z))
    target = tf.constant([0]) if function is sparse else tf.constant([[1, 0, 0]], dtype)
    for margin in MARGINS:
        results = run(target, tf.constant([[margin, 0, 0.5]], dtype))
        for result, expected in zip(results, truth(margin, dtype), strict=function is dense):
            assert row_error(np.reshape(result, expected.shape), expected, dtype=dtype) <= TOLERANCE[dtype]


def test_stock_losses_have_no_digits_left():
    """Why the rule exists."""
    z = tf.constant([[20.0, 0, 0.5]])
    assert tf.nn.sparse_softmax_cross_entropy_with_logits([0], z).numpy() == 0
    assert truth(20, "float32")[0] > 1e-9


def training_on_modular_addition(loss_of, steps=2000, modulus=23, width=128):
    """The losses, in float64 from the logits, of addition modulo ``modulus`` after training on all of its pairs."""
    rng = np.random.RandomState(0)
    pairs = np.stack(np.meshgrid(range(modulus), range(modulus)), -1).reshape(-1, 2)
    labels = tf.constant(pairs.sum(1) % modulus)
    inputs = tf.constant(np.eye(modulus)[pairs].reshape(-1, 2 * modulus), tf.float32)
    shapes = [(2 * modulus, width), (width, modulus)]
    weights = [tf.Variable(tf.constant(rng.randn(*s) / np.sqrt(s[0] / 2), tf.float32)) for s in shapes]
    moments = [(tf.Variable(tf.zeros_like(w)), tf.Variable(tf.zeros_like(w))) for w in weights]

    def logits():
        return tf.matmul(tf.nn.relu(tf.matmul(inputs, weights[0])), weights[1])

    @tf.function
    def train(step):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(loss_of(labels, logits()))
        rate = 0.01 * tf.sqrt(1 - 0.98**step) / (1 - 0.9**step)
        for weight, (m, v), gradient in zip(weights, moments, tape.gradient(loss, weights), strict=True):
            m.assign(0.9 * m + 0.1 * gradient)
            v.assign(0.98 * v + 0.02 * gradient**2)
            weight.assign_sub(rate * m / (tf.sqrt(v) + 1e-25))

    for step in range(1, steps + 1):
        train(tf.constant(step, tf.float32))
    z = logits().numpy().astype(np.longdouble)
    margins = z - np.take_along_axis(z, labels.numpy()[:, None], 1)
    rest = np.exp(margins).sum(-1) - 1
    return np.log1p(rest), loss_of(labels, tf.constant(z.astype(np.float32))).numpy()


@pytest.mark.slow
def test_training_goes_on_where_the_stock_loss_stops():
    stock, seen = training_on_modular_addition(tf.nn.sparse_softmax_cross_entropy_with_logits)
    ours, ours_seen = training_on_modular_addition(sparse)
    assert (seen == 0).any(), "the stock loss sees nothing of some examples"
    assert (ours_seen > 0).all()
    assert ours.mean() < 1e-9 < stock.mean()
