"""The linear layer and cross-entropy in one against float64 and against the plain path, in every mode."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nn.problems import slow
from tests.nn.truth import linear_cross_entropy, one_hot
from tests.tolerances import (
    CENTRAL_DIFFERENCES,
    FORWARD_MODE,
    MANY_TERMS,
    ONE_PASS,
    TOLERANCE,
    TWO_PASSES,
    UNIT_ROUNDOFF,
    row_error,
)
from tf_repro.nn import linear_softmax_cross_entropy as linear
from tf_repro.nn import softmax_cross_entropy_with_logits

MODES = {
    "eager": lambda f: f,
    "function": lambda f: tf.function(f, autograph=False),
    "xla": lambda f: tf.function(f, autograph=False, jit_compile=True),
}

SLOW_MODES = [slow("function"), slow("xla")]


def problem(rows=7, width=4, classes=9, seed=0, dtype="float32"):
    rng = np.random.RandomState(seed)
    x, kernel, bias = rng.randn(rows, width), rng.randn(width, classes), rng.randn(classes)
    tensors = [tf.constant(value, dtype) for value in (x, kernel, bias)]
    return *tensors, rng.randint(classes, size=rows), rng.dirichlet(np.ones(classes), rows), rng.rand(rows)


def value_and_gradients(x, kernel, bias, labels, upstream=None, **options):
    operands = [x, kernel] if bias is None else [x, kernel, bias]
    with tf.GradientTape() as tape:
        tape.watch(operands)
        result = linear(x, kernel, labels, bias, **options)
    return result, *tape.gradient(result, operands, upstream)


def expected(x, kernel, bias, targets, weight, mean):
    losses, *gradients = linear_cross_entropy(x, kernel, bias, targets, weight / mean)
    return (losses * weight).sum() / mean, *gradients


def assert_close(found, truth, tolerance=TWO_PASSES):
    for a, b in zip(found, truth, strict=True):
        scale = np.abs(b).max(initial=1.0)
        np.testing.assert_allclose(tf.cast(a, tf.float64), b, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize(
    ("mode", "sparse", "recompute"),
    [
        ("eager", True, False),
        ("eager", False, True),
        ("function", True, False),
        slow("function", False, True),
        ("xla", True, False),
        slow("xla", False, True),
    ],
)
def test_mean_and_sum_in_every_mode(mode, sparse, recompute):
    x, kernel, bias, labels, p, weight = problem()
    target, truth = (labels, one_hot(labels, 9, 0.1)) if sparse else (3 * p, 2.7 * p + 0.1 / 9)
    for chunk_size, reduction in ((3, "sum"), (100, "mean")):

        def call(x, kernel, bias, target, chunk_size=chunk_size, reduction=reduction):
            options = {"sample_weight": weight, "label_smoothing": 0.1, "reduction": reduction}
            return value_and_gradients(x, kernel, bias, target, chunk_size=chunk_size, recompute=recompute, **options)

        found = MODES[mode](call)(x, kernel, bias, tf.constant(target))
        assert_close(found, expected(x, kernel, bias, truth, weight, 7 if reduction == "mean" else 1))
        if mode == "function":
            for a, b in zip(call(x, kernel, bias, tf.constant(target)), found, strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("mode", "sparse"),
    [
        ("eager", True),
        ("eager", False),
        slow("function", True),
        ("function", False),
        ("xla", True),
        slow("xla", False),
    ],
)
def test_losses_one_by_one_with_any_upstream_gradient(mode, sparse):
    x, kernel, bias, labels, p, weight = problem()
    upstream = tf.constant(np.random.RandomState(1).randn(7), tf.float32)

    def call(x, kernel, bias, target):
        return value_and_gradients(
            x, kernel, bias, target, upstream, sample_weight=weight, reduction="none", chunk_size=3
        )

    found = MODES[mode](call)(x, kernel, bias, tf.constant(labels if sparse else p))
    truth = one_hot(labels, 9) if sparse else p
    losses, *gradients = linear_cross_entropy(x, kernel, bias, truth, weight * upstream.numpy())
    assert_close(found, (losses * weight, *gradients))


def test_a_forward_pass_that_makes_gradients_for_equal_upstream_would_be_wrong_here():
    x, kernel, bias, labels, _, _ = problem()
    upstream = tf.range(7.0)
    found = value_and_gradients(x, kernel, bias, labels, upstream, reduction="none")[2]
    wrong = value_and_gradients(x, kernel, bias, labels, reduction="sum")[2]
    assert row_error(wrong, found) > 0.1


@settings(max_examples=12, deadline=None)
@given(
    rows=st.integers(0, 9),
    width=st.just(3),
    classes=st.sampled_from([1, 8]),
    chunk_size=st.sampled_from([1, 4, 10]),
    biased=st.booleans(),
    ignore=st.booleans(),
    reduction=st.sampled_from(["mean", "sum"]),
)
def test_no_size_need_divide_another(rows, width, classes, chunk_size, biased, ignore, reduction):
    x, kernel, bias, labels, _, weight = problem(rows, width, classes)
    bias = bias if biased else tf.zeros_like(bias)
    counted = labels != 0 if ignore else np.ones(rows, bool)
    options = {"ignore_class": 0 if ignore else None, "chunk_size": chunk_size, "reduction": reduction}
    found = value_and_gradients(x, kernel, bias if biased else None, labels, sample_weight=weight, **options)
    mean = max(1, counted.sum()) if reduction == "mean" else 1
    truth = expected(x, kernel, bias, one_hot(labels, classes), weight * counted, mean)
    assert_close(found, truth if biased else truth[:3])


@pytest.mark.parametrize(("rows", "width", "classes", "scale"), [(64, 32, 5000, 0.3), (300, 8, 50, 6)])
def test_error_is_no_larger_than_that_of_the_plain_path(rows, width, classes, scale):
    x, kernel, _, labels, _, _ = problem(rows, width, classes)
    kernel *= scale
    truth = expected(x, kernel, 0, one_hot(labels, classes), np.ones(rows), rows)
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        logits = tf.matmul(x, kernel)
        plain = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
    references = plain, *tape.gradient(plain, [x, kernel])
    for recompute in (False, True):
        found = value_and_gradients(x, kernel, None, labels, recompute=recompute, chunk_size=50)
        for mine, reference, true in zip(found, references, truth[:3], strict=True):
            mine, reference, true = (np.reshape(value, [1, -1]) for value in (mine, reference, true))
            assert row_error(mine, true) <= row_error(reference, true) + ONE_PASS


@pytest.mark.parametrize("mode", ["function", slow("xla")])
def test_number_of_examples_unknown_until_the_call(mode):
    x, kernel, bias, labels, _, _ = problem()
    specs = [tf.TensorSpec([None, 4]), tf.TensorSpec([None], tf.int64)]

    def call(x, labels):
        return value_and_gradients(x, kernel, bias, labels, chunk_size=3)

    call = tf.function(call, specs, autograph=False, jit_compile=mode == "xla")
    for n in (7, 6, 1):
        truth = expected(x[:n], kernel, bias, one_hot(labels[:n], 9), np.ones(n), n)
        assert_close(call(x[:n], labels[:n]), truth)


@pytest.mark.parametrize("dtype", ["float16", slow("bfloat16")])
def test_low_precision_is_accumulated_in_float32(dtype):
    x, kernel, bias, labels, _, _ = problem(6, 4, 5000, dtype=dtype)
    found = value_and_gradients(x, kernel, bias, labels, chunk_size=2)
    assert found[0].dtype == tf.float32
    assert all(gradient.dtype == x.dtype for gradient in found[1:])
    operands = [tf.cast(value, tf.float64).numpy() for value in (x, kernel, bias)]
    truth = expected(*operands, one_hot(labels, 5000), np.ones(6), 6)
    np.testing.assert_allclose(found[0], truth[0], rtol=TOLERANCE["float32"])
    assert_close(found[1:], truth[1:], UNIT_ROUNDOFF[dtype])
    mixed = value_and_gradients(x, tf.cast(kernel, tf.float32), tf.cast(bias, tf.float32), labels)
    assert [value.dtype for value in mixed[1:]] == [x.dtype, tf.float32, tf.float32]
    assert_close(mixed[2:], truth[2:])


def test_leading_axes_and_weights_that_broadcast():
    x, kernel, bias, labels, _, _ = problem(6)
    weight = tf.constant([[0.5], [2.0]])
    found = linear(tf.reshape(x, [2, 3, 4]), kernel, labels.reshape(2, 3), bias, sample_weight=weight, reduction="none")
    assert found.shape == (2, 3)
    flat = linear(x, kernel, labels, bias, sample_weight=np.repeat([0.5, 2.0], 3), reduction="none")
    np.testing.assert_array_equal(tf.reshape(found, [-1]), flat)


@pytest.mark.parametrize("recompute", [True, slow(False)])
def test_gradient_by_sample_weight_and_dense_labels(recompute):
    x, kernel, bias, _, p, weight = problem(dtype="float64")

    def call(weight, p):
        return linear(x, kernel, p, bias, sample_weight=weight, recompute=recompute, label_smoothing=0.2)

    theory, numeric = tf.test.compute_gradient(call, [tf.constant(weight), tf.constant(p)])
    for a, b in zip(theory, numeric, strict=True):
        np.testing.assert_allclose(a, b, atol=CENTRAL_DIFFERENCES)


@pytest.mark.parametrize("mode", MODES)
def test_labels_out_of_range_give_nan_alike_in_every_mode(mode):
    x, kernel, bias, labels, _, _ = problem()
    labels[3] = 9
    for options in ({"reduction": "none"}, {"reduction": "sum"}):
        found = MODES[mode](lambda x, k, o=options: value_and_gradients(x, kernel, bias, k, **o))(
            x, tf.constant(labels)
        )
        assert np.isnan(found[0]).sum() == 1
        np.testing.assert_array_equal(np.isnan(found[1]).all(-1), np.arange(7) == 3)


@pytest.mark.parametrize("recompute", [slow(True), False])
@pytest.mark.parametrize("mode", ["eager", *SLOW_MODES])
def test_second_order_is_that_of_the_plain_path(mode, recompute):
    x, kernel, bias, labels, p, weight = problem(dtype="float64")
    weight = tf.constant(weight)
    labels[2] = 4

    def penalty_slopes(loss):
        operands = [x, kernel, bias, weight]
        with tf.GradientTape() as outer:
            outer.watch(operands)
            with tf.GradientTape() as inner:
                inner.watch(operands)
                value = loss(*operands) ** 2
            value += sum(tf.reduce_sum(tf.sin(g)) for g in inner.gradient(value, operands))
        return outer.gradient(value, operands)

    def plain(target, smoothing):
        def loss(x, kernel, bias, weight):
            losses = softmax_cross_entropy_with_logits(target, x @ kernel + bias, label_smoothing=smoothing)
            return tf.reduce_sum(weight * losses)

        return loss

    def ours(target, **options):
        def loss(x, kernel, bias, weight):
            return linear(x, kernel, target, bias, weight, "sum", chunk_size=3, recompute=recompute, **options)

        return loss

    target = one_hot(labels, 9)
    target[labels == 4] = 0
    cases = [
        (ours(2 * p, label_smoothing=0.1), plain(2 * p, 0.1)),
        (ours(labels, ignore_class=4), plain(target, 0.0)),
    ]
    for mine, reference in cases:
        for a, b in zip(MODES[mode](penalty_slopes)(mine), penalty_slopes(reference), strict=True):
            np.testing.assert_allclose(a, b, rtol=MANY_TERMS, atol=MANY_TERMS)


def test_third_order_is_refused_not_none():
    x, kernel, _, labels, _, _ = problem()
    with tf.GradientTape() as third:
        third.watch(kernel)
        with tf.GradientTape() as second:
            second.watch(kernel)
            with tf.GradientTape() as first:
                first.watch(kernel)
                loss = linear(x, kernel, labels)
            slope = tf.reduce_sum(first.gradient(loss, kernel) ** 2)
        curvature = second.gradient(slope, kernel)
    with pytest.raises(NotImplementedError, match="no gradients beyond second order"):
        third.gradient(curvature, kernel)


@pytest.mark.parametrize("recompute", [True, False])
def test_forward_mode(recompute):
    x, kernel, bias, labels, _, _ = problem()
    tangent = tf.ones_like(kernel) * tf.range(9.0)

    def jvp():
        with tf.autodiff.ForwardAccumulator(kernel, tangent) as accumulator:
            loss = linear(x, kernel, labels, bias, chunk_size=3, recompute=recompute)
        return accumulator.jvp(loss)

    if recompute:
        truth = expected(x, kernel, bias, one_hot(labels, 9), np.ones(7), 7)[2]
        np.testing.assert_allclose(jvp(), (truth * tangent.numpy()).sum(), rtol=FORWARD_MODE)
    else:
        with pytest.raises(NotImplementedError, match="no gradients beyond second order"):
            jvp()
    with pytest.raises((LookupError, NotImplementedError), match=r"no forward mode|beyond second order"):
        tf.function(jvp, autograph=False)()


def test_weights_are_arguments_so_that_variables_and_persistent_tapes_work():
    x, kernel, bias, labels, _, _ = problem()
    kernel, bias = tf.Variable(kernel), tf.Variable(bias)
    with tf.GradientTape(persistent=True) as tape:
        loss = linear(x, kernel, labels, bias)
    for variable, truth in zip(
        (kernel, bias), expected(x, kernel, bias, one_hot(labels, 9), np.ones(7), 7)[2:], strict=True
    ):
        assert_close([tape.gradient(loss, variable)], [truth])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"kernel": np.ones((4, 0))}, ValueError, r"kernel must be \[width, classes\].*Received: .*\(4, 0\)"),
        ({"kernel": np.ones(4)}, ValueError, r"kernel must be \[width, classes\]"),
        ({"features": np.ones((7, 3))}, ValueError, r"features must be \[..., width\].*Received: .*\(7, 3\)"),
        ({"features": np.ones((7, 4), int)}, TypeError, "features must be floating point. Received"),
        ({"labels": [0]}, ValueError, r"integer labels must have shape \(7,\). Received: labels of \(1,\)"),
        ({"labels": np.ones(7)}, ValueError, r"dense labels must have shape \(7, 9\). Received"),
        ({"labels": [True] * 7}, TypeError, "integers or floating point. Received: labels of bool"),
        ({"bias": np.ones(3)}, ValueError, r"bias must be \[classes\]. Received: bias of \(3,\)"),
        ({"reduction": "max"}, ValueError, "reduction must be one of.*Received: reduction='max'"),
        ({"reduction": "none", "recompute": False}, ValueError, "must recompute. Received: recompute=False"),
        ({"chunk_size": 0}, ValueError, "positive int or None. Received: chunk_size=0"),
        (
            {"ignore_class": 1, "labels": np.ones((7, 9))},
            ValueError,
            "ignore_class needs integer labels. Rec",
        ),
        ({"ignore_class": 1.5}, TypeError, "Received: ignore_class=1.5"),
        ({"label_smoothing": -1}, ValueError, "Received: label_smoothing=-1"),
    ],
)
def test_error_messages(change, error, message):
    x, kernel, bias, labels, _, _ = problem(dtype="float64")
    with pytest.raises(error, match=message):
        linear(**{"features": x, "kernel": kernel, "bias": bias, "labels": labels, **change})
