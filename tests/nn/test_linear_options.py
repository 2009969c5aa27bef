"""Every option of the head, in sparse and dense form, by token and class chunks, against its definition."""

import mpmath
import numpy as np
import pytest
import tensorflow as tf

from tests.nn import linear_truth
from tests.nn.problems import slow
from tests.nn.truth import one_hot
from tests.tolerances import MANY_TERMS, ONE_PASS, TOLERANCE, TWO_PASSES, UNIT_ROUNDOFF
from tf_repro.nn import linear_cross_entropy
from tf_repro.nn import linear_softmax_cross_entropy as linear

ROWS, WIDTH, CLASSES = 7, 4, 11
MODES = {
    "eager": lambda f: f,
    "function": lambda f: tf.function(f, autograph=False),
    "xla": lambda f: tf.function(f, autograph=False, jit_compile=True),
}
RNG = np.random.default_rng(20261124)
CLASS_WEIGHT = np.linspace(0.2, 2.0, CLASSES)
OPTIONS = {
    "plain": {},
    "scaled": {"logit_scale": 0.3},
    "capped": {"soft_cap": 2.0, "logit_scale": 1.5},
    "z-loss": {"z_loss": 0.1},
    "weighted": {"class_weight": CLASS_WEIGHT},
    "all": {"soft_cap": 3.0, "logit_scale": 0.5, "z_loss": 0.05, "class_weight": CLASS_WEIGHT, "label_smoothing": 0.1},
}


PIECES = {"one block": (CLASSES, True), "blocks kept": (4, True), "blocks again": (4, False)}


@pytest.fixture
def pieces(request, monkeypatch):
    """Token chunks of 3; classes in one block, or in blocks of 4, 4 and 3 whose logits are kept or made again."""
    block, keep = PIECES[getattr(request, "param", "blocks again")]
    monkeypatch.setattr(linear_cross_entropy, "_pieces", lambda chunk_size, *_: (chunk_size or 3, block, keep))


in_pieces = pytest.mark.parametrize("pieces", [slow("one block"), slow("blocks kept"), "blocks again"], indirect=True)


def problem(dtype="float32"):
    x, kernel, bias = RNG.normal(size=(ROWS, WIDTH)), RNG.normal(size=(WIDTH, CLASSES)), RNG.normal(size=CLASSES)
    x, kernel, bias = (tf.constant(value, dtype) for value in (x, kernel, bias))
    return x, kernel, bias, RNG.integers(CLASSES, size=ROWS), RNG.dirichlet(np.ones(CLASSES), ROWS), RNG.random(ROWS)


def value_and_gradients(function, operands):
    with tf.GradientTape() as tape:
        tape.watch(operands)
        result = function(*operands)
        loss = result[0] if isinstance(result, tuple) else result
    return result, tape.gradient(loss, operands)


def assert_close(found, truth, tolerance):
    for a, b in zip(found, truth, strict=True):
        scale = np.abs(b).max(initial=0)
        np.testing.assert_allclose(tf.cast(a, tf.float64), np.float64(b), rtol=0, atol=tolerance * float(max(scale, 1)))


# Every option in both forms, the embedding in every other case; all of them at once in all kinds of pieces, which is
# what the default run takes, each kind once.
CASES = [slow(name, "blocks again", i % 2 == 0, dense) for i, name in enumerate(OPTIONS) for dense in (False, True)]
CASES[-2:] = [("all", "blocks again", False, False), ("all", "blocks again", True, True)]
CASES += [("all", "one block", True, False), ("all", "blocks kept", False, True)]
CASES += [slow("all", "one block", True, True), slow("all", "blocks kept", True, False)]


@pytest.mark.parametrize(("name", "pieces", "transposed", "dense"), CASES, indirect=["pieces"])
def test_losses_gradients_and_statistics(pieces, name, transposed, dense):
    options = OPTIONS[name]
    x, kernel, bias, labels, p, weight = problem()
    epsilon = options.get("label_smoothing", 0.0)
    target = p if dense else labels
    truth = p * (1 - epsilon) + epsilon / CLASSES if dense else one_hot(labels, CLASSES, epsilon)
    described = {key: value for key, value in options.items() if key != "label_smoothing"}
    losses, gradients, seen = linear_truth.head(x, kernel, truth, bias, weight, **described)
    seen["rank"] = linear_truth.head(x, kernel, p if dense else one_hot(labels, CLASSES), bias, **described)[2]["rank"]

    def total(x, kernel, bias):
        return linear(
            x, kernel, target, bias, weight, "sum", transpose_kernel=transposed, return_statistics=True, **options
        )

    stored = tf.transpose(kernel) if transposed else kernel
    (value, found), slopes = value_and_gradients(total, [x, stored, bias])
    np.testing.assert_allclose(value, float((losses * weight).sum()), rtol=TWO_PASSES)
    assert_close([slopes[0], tf.transpose(slopes[1]) if transposed else slopes[1], slopes[2]], gradients, TWO_PASSES)
    np.testing.assert_array_equal(found.argmax, seen["argmax"])
    np.testing.assert_array_equal(found.rank, seen["rank"])
    for shown in ("log_probability", "log_sum_exp", "entropy"):
        assert_close([getattr(found, shown)], [seen[shown]], TWO_PASSES)
    one_by_one, again = linear(
        x, stored, target, bias, reduction="none", transpose_kernel=transposed, return_statistics=True, **options
    )
    assert_close([one_by_one], [losses], TWO_PASSES)
    for mine, other in zip(again, found, strict=True):
        assert_close([mine], [other], ONE_PASS)


@pytest.mark.parametrize(
    ("mode", "dense"), [("function", False), slow("function", True), slow("xla", False), slow("xla", True)]
)
def test_all_options_at_once_in_every_mode(pieces, mode, dense):
    x, kernel, bias, labels, p, weight = problem()
    target = tf.constant(p if dense else labels)

    def call(x, kernel, bias):
        options = OPTIONS["all"] | {"transpose_kernel": True, "return_statistics": True}
        return value_and_gradients(
            lambda *operands: linear(*operands[:2], target, operands[2], weight, **options), [x, kernel, bias]
        )

    eager = call(x, tf.transpose(kernel), bias)
    found = MODES[mode](call)(x, tf.transpose(kernel), bias)
    assert_close(tf.nest.flatten(found), [value.numpy() for value in tf.nest.flatten(eager)], TWO_PASSES)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_mixed_precision_with_all_options(pieces, dtype):
    """Features in half precision, weights in float32: the gradient of the weights keeps float32's digits."""
    x, kernel, bias, labels, _, weight = problem()
    low = tf.cast(x, dtype)
    options = OPTIONS["all"]
    described = {key: value for key, value in options.items() if key != "label_smoothing"}
    _, truth, _ = linear_truth.head(
        tf.cast(low, tf.float64), kernel, one_hot(labels, CLASSES, 0.1), bias, weight, **described
    )
    _, slopes = value_and_gradients(
        lambda *o: linear(*o[:2], labels, o[2], weight, "sum", **options), [low, kernel, bias]
    )
    assert [slope.dtype for slope in slopes] == [low.dtype, tf.float32, tf.float32]
    assert_close(slopes[:1], truth[:1], UNIT_ROUNDOFF[dtype])
    assert_close(slopes[1:], truth[1:], TWO_PASSES)


@pytest.mark.parametrize(
    ("mode", "recompute", "dense"),
    [
        ("eager", False, True),
        ("eager", True, False),
        slow("eager", False, False),
        slow("eager", True, True),
        *(slow("xla", recompute, dense) for recompute in (False, True) for dense in (False, True)),
    ],
)
def test_second_order_by_every_operand_is_that_of_the_definition(mode, recompute, dense):
    """Also through dense labels that depend on the same weights, which a closure once dropped in silence."""
    x, kernel, bias, labels, p, weight = problem("float64")
    options = OPTIONS["all"]
    weight = tf.constant(weight)

    def plain(x, kernel, bias, weight, p):
        z = 3.0 * tf.tanh(0.5 * (x @ kernel + bias) / 3.0)
        targets = (p * 0.9 + 0.1 / CLASSES) * CLASS_WEIGHT
        lse = tf.reduce_logsumexp(z, -1)
        losses = tf.reduce_sum(targets, -1) * lse - tf.reduce_sum(targets * z, -1) + 0.05 * lse**2
        return tf.reduce_sum(weight * losses)

    def ours(x, kernel, bias, weight, p):
        target = p if dense else labels
        return linear(x, kernel, target, bias, weight, "sum", recompute=recompute, chunk_size=3, **options)

    def penalty(loss, *operands):
        with tf.GradientTape() as outer:
            outer.watch(operands)
            with tf.GradientTape() as inner:
                inner.watch(operands)
                value = loss(*operands)
            slopes = inner.gradient(value, operands, unconnected_gradients="zero")
            total = sum(tf.reduce_sum(tf.sin(slope)) for slope in slopes[: 5 if dense else 4])
        return outer.gradient(total, operands, unconnected_gradients="zero")

    operands = [x, kernel, bias, weight, tf.constant(p if dense else one_hot(labels, CLASSES))]
    expected = penalty(plain, *operands)
    found = MODES[mode](lambda *o: penalty(ours, *o))(*operands)
    for mine, reference in list(zip(found, expected, strict=True))[: 5 if dense else 4]:
        np.testing.assert_allclose(mine, reference, rtol=MANY_TERMS, atol=MANY_TERMS)


@pytest.mark.parametrize(
    ("mode", "recompute"), [("eager", False), ("eager", True), slow("function", False), slow("function", True)]
)
def test_second_order_through_labels_made_of_the_kernel(mode, recompute):
    """d/dK Σ (∂L/∂K)² with p = softmax(2·x@K); the value was .363 where the labels' part was dropped."""
    x, kernel, _, _, _, _ = problem("float64")

    def slope(loss):
        with tf.GradientTape() as outer:
            outer.watch(kernel)
            p = tf.nn.softmax(2 * x @ kernel)
            with tf.GradientTape() as inner:
                inner.watch(kernel)
                value = loss(tf.identity(p))
            total = tf.reduce_sum(inner.gradient(value, kernel) ** 2)
        return outer.gradient(total, kernel)

    def plain(p):
        # tf.nn.softmax_cross_entropy_with_logits drops the labels' part of the second order as well.
        return -tf.reduce_mean(tf.reduce_sum(p * tf.nn.log_softmax(x @ kernel), -1))

    found = MODES[mode](lambda: slope(lambda p: linear(x, kernel, p, recompute=recompute)))()
    np.testing.assert_allclose(found, slope(plain), rtol=MANY_TERMS, atol=MANY_TERMS)


@pytest.mark.parametrize("watched", [["labels"], ["labels", "features"], ["labels", "kernel"]])
@pytest.mark.parametrize("recompute", [False, True])
def test_gradient_by_dense_labels_whatever_else_is_watched(watched, recompute):
    x, kernel, _, _, p, _ = problem("float64")
    operands = {"features": x, "kernel": kernel, "labels": tf.constant(p)}
    with tf.GradientTape() as tape:
        tape.watch([operands[name] for name in watched])
        loss = linear(**operands, reduction="sum", recompute=recompute)
    np.testing.assert_allclose(tape.gradient(loss, operands["labels"]), -tf.nn.log_softmax(x @ kernel), rtol=MANY_TERMS)


def confident(margin, dtype, dense):
    """One row whose logits are 0 but for the label's, by features and kernel that make them without rounding."""
    kernel = np.zeros((1, CLASSES))
    kernel[0, 5] = margin
    labels = one_hot([5], CLASSES) if dense else np.array([5])
    return tf.ones([1, 1], dtype), tf.constant(kernel, dtype), tf.constant(labels)


MARGINS = [0.5, 5.0, 20.0, 40.0, 80.0]


@in_pieces
@pytest.mark.parametrize("dense", [False, True], ids=["sparse", "dense"])
@pytest.mark.parametrize(
    ("mode", "dtype"),
    [
        ("eager", "float32"),
        slow("eager", "float64"),
        slow("xla", "float32"),
    ],
)
def test_a_confident_label_keeps_its_digits(pieces, mode, dtype, dense):
    """Against mpmath: the fused cross-entropies give loss 0 and label gradient 0 from a margin of 17 on."""
    direction = tf.constant(np.arange(CLASSES)[None] % 3, dtype)

    def loss_slope_and_product(x, kernel, labels):
        with tf.GradientTape() as outer:
            outer.watch(kernel)
            with tf.GradientTape() as tape:
                tape.watch(kernel)
                loss = linear(x, kernel, labels)
            slope = tape.gradient(loss, kernel)
            product = tf.reduce_sum(slope * direction)
        return loss, slope, outer.gradient(product, kernel)

    call = MODES[mode](loss_slope_and_product)
    few = 8 * UNIT_ROUNDOFF[dtype]  # 4 ULP
    for margin in MARGINS:
        loss, slope, second = call(*confident(margin, dtype, dense))
        expected, truth, curvature = confident_truth(margin)
        np.testing.assert_allclose(loss, expected, rtol=few)
        np.testing.assert_allclose(slope[0], truth, rtol=few)
        np.testing.assert_allclose(second[0], curvature, rtol=0, atol=TOLERANCE[dtype] * np.abs(curvature).max())


def confident_truth(margin):
    """Loss, gradient and Hessian times ``k mod 3`` by the logits of `confident`, from 60 digits."""
    with mpmath.workdps(60):
        others = (CLASSES - 1) * mpmath.exp(-mpmath.mpf(margin))
        q = [mpmath.exp(-mpmath.mpf(margin)) / (1 + others)] * CLASSES
        q[5] = 1 / (1 + others)
        v = [k % 3 for k in range(CLASSES)]
        mean = mpmath.fsum(a * b for a, b in zip(q, v, strict=True))
        curvature = np.array([float(a * (b - mean)) for a, b in zip(q, v, strict=True)])
        slope = [float(a) for a in q]
        slope[5] = float(-others / (1 + others))
        return float(mpmath.log1p(others)), slope, curvature
