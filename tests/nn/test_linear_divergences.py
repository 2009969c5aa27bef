"""Divergences between a head and its teacher by chunks, against the float64 function of all the logits."""

import numpy as np
import pytest
import tensorflow as tf

from tests.nn.problems import slow
from tests.tolerances import MANY_TERMS, TWO_PASSES, UNIT_ROUNDOFF
from tf_repro import nn

ROWS, WIDTH, TEACHERS_WIDTH, CLASSES = 7, 4, 3, 11
MODES = {
    "eager": lambda f: f,
    "function": lambda f: tf.function(f, autograph=False),
    "xla": lambda f: tf.function(f, autograph=False, jit_compile=True),
}
SLOW_MODES = ["eager", slow("function"), slow("xla")]
# The function, its options, and the function of the teacher's logits and the student's that it stands for.
DIVERGENCES = {
    "forward": (nn.linear_kl_divergence, {}, nn.kl_divergence_with_logits),
    "reverse": (nn.linear_kl_divergence, {"direction": "reverse"}, nn.kl_divergence_with_logits),
    "js": (nn.linear_js_divergence, {}, nn.js_divergence_with_logits),
}
every_divergence = pytest.mark.parametrize("name", DIVERGENCES)


def problem(dtype="float32"):
    rng = np.random.RandomState(0)
    student = [rng.randn(ROWS, WIDTH), rng.randn(WIDTH, CLASSES), rng.randn(CLASSES)]
    teacher = [rng.randn(ROWS, TEACHERS_WIDTH), rng.randn(TEACHERS_WIDTH, CLASSES), rng.randn(CLASSES)]
    student, teacher = ([tf.constant(value, dtype) for value in values] for values in (student, teacher))
    return student, nn.LinearTeacher(*teacher), tf.constant(rng.rand(ROWS), dtype)


def logits_of(teacher):
    return tf.matmul(teacher.features, teacher.kernel) + teacher.bias


def value_and_gradients(function, operands, upstream=None):
    with tf.GradientTape() as tape:
        tape.watch(operands)
        value = function(*operands)
    return value, *tape.gradient(value, operands, upstream)


def expected(name, student, teacher, weight, temperature=1.0, upstream=1.0):
    """Losses, and the gradients of ``Σ upstream·weight·loss`` by features, kernel and bias, of all the logits."""
    _, options, function = DIVERGENCES[name]
    operands = [tf.cast(tensor, tf.float64) for tensor in student]
    target = logits_of(nn.LinearTeacher(*(tf.cast(tensor, tf.float64) for tensor in teacher[:3])))
    with tf.GradientTape() as tape:
        tape.watch(operands)
        z = tf.matmul(operands[0], operands[1]) + operands[2]
        losses = function(target, z, temperature=temperature, **options) * tf.cast(weight, tf.float64)
    return losses, *tape.gradient(losses, operands, upstream * tf.ones_like(losses))


def assert_close(found, truth, tolerance=TWO_PASSES):
    for mine, true in zip(found, truth, strict=True):
        true = np.asarray(true)
        scale = max(np.abs(true).max(), 1.0)
        np.testing.assert_allclose(tf.cast(mine, tf.float64), true, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize(
    "name", ["forward", *(pytest.param(name, marks=pytest.mark.slow) for name in ("reverse", "js"))]
)
@pytest.mark.parametrize("mode", SLOW_MODES)
def test_sums_and_means_of_all_forms(name, mode):
    student, teacher, weight = problem()
    function, options, _ = DIVERGENCES[name]
    for chunk_size, reduction, given, transposed, temperature in (
        (3, "sum", teacher, False, 1.0),
        (None, "mean", logits_of(teacher), True, 2.5),
        (3, "mean", teacher._replace(kernel=tf.transpose(teacher.kernel), transpose_kernel=True), True, 1.0),
    ):

        def call(
            x, kernel, bias, given=given, transposed=transposed, temperature=temperature, c=chunk_size, r=reduction
        ):
            switches = {"transpose_kernel": transposed, "temperature": temperature, **options}
            return value_and_gradients(
                lambda x, kernel, bias: function(x, kernel, given, bias, weight, r, c, **switches), [x, kernel, bias]
            )

        x, kernel, bias = student
        value, dx, dkernel, dbias = MODES[mode](call)(x, tf.transpose(kernel) if transposed else kernel, bias)
        losses, *slopes = expected(name, student, teacher, weight, temperature)
        number = ROWS if reduction == "mean" else 1
        truth = [tf.reduce_sum(losses) / number, *(slope / number for slope in slopes)]
        assert_close([value, dx, tf.transpose(dkernel) if transposed else dkernel, dbias], truth)


@every_divergence
@pytest.mark.parametrize("mode", SLOW_MODES)
def test_losses_one_by_one_with_any_upstream_gradient(name, mode):
    student, teacher, weight = problem()
    function, options, _ = DIVERGENCES[name]
    upstream = tf.constant(np.random.RandomState(1).randn(ROWS), tf.float32)

    def call(*operands):
        def losses(x, kernel, bias):
            return function(x, kernel, teacher, bias, weight, "none", 3, **options)

        return value_and_gradients(losses, list(operands), upstream)

    truth = expected(name, student, teacher, weight, upstream=tf.cast(upstream, tf.float64))
    assert_close(MODES[mode](call)(*student), truth)


@pytest.mark.slow
def test_a_student_equal_to_its_teacher_has_no_divergence_and_no_gradient():
    (x, kernel, bias), _, _ = problem()
    teacher = nn.LinearTeacher(x, kernel, bias)
    for function, options, _ in DIVERGENCES.values():
        found = value_and_gradients(
            lambda *o, f=function, k=options: f(*o[:2], teacher, o[2], reduction="sum", **k), [x, kernel, bias]
        )
        assert not any(value.numpy().any() for value in found)


def test_classes_in_several_blocks(monkeypatch):
    student, teacher, weight = problem()
    monkeypatch.setattr("tf_repro.nn.linear.distillation._BLOCK", 4)
    truth = expected("forward", student, teacher, weight)
    for transposed in (False, True):
        operands = [student[0], tf.transpose(student[1]) if transposed else student[1], student[2]]

        def loss(x, kernel, bias, transposed=transposed):
            return nn.linear_kl_divergence(
                x, kernel, teacher, bias, 2 * weight, "sum", 3, transpose_kernel=transposed, temperature=1
            )

        _, dx, dkernel, dbias = value_and_gradients(loss, operands)
        assert_close([dx, tf.transpose(dkernel) if transposed else dkernel, dbias], [2 * slope for slope in truth[1:]])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_accumulated_in_float32(dtype):
    student, teacher, weight = problem()
    low = [tf.cast(tensor, dtype) for tensor in student]
    found = value_and_gradients(lambda *o: nn.linear_kl_divergence(*o[:2], teacher, o[2], weight, "sum"), low)
    assert [value.dtype for value in found] == [tf.float32, *(tensor.dtype for tensor in low)]
    losses, *slopes = expected("forward", low, teacher, weight)
    assert_close(found[:1], [tf.reduce_sum(losses)])
    assert_close(found[1:], slopes, UNIT_ROUNDOFF[dtype])


def test_gradient_by_the_weight_of_each_example_is_its_divergence():
    student, teacher, weight = problem()
    for reduction in ("sum", "none"):

        def loss(weight, reduction=reduction):
            return nn.linear_kl_divergence(student[0], student[1], teacher, student[2], weight, reduction, 3)

        found = value_and_gradients(loss, [weight])[1]
        assert_close([found], [expected("forward", student, teacher, tf.ones_like(weight))[0]])


def test_the_teacher_has_no_gradient():
    (x, kernel, bias), teacher, _ = problem()
    with tf.GradientTape() as tape:
        tape.watch(list(teacher[:3]))
        loss = nn.linear_kl_divergence(x, kernel, teacher, bias)
    assert tape.gradient(loss, list(teacher[:3])) == [None] * 3


@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_second_order_is_refused_not_none(reduction):
    (x, kernel, bias), teacher, _ = problem()
    with tf.GradientTape() as outer:
        outer.watch(kernel)
        with tf.GradientTape() as inner:
            inner.watch(kernel)
            loss = nn.linear_kl_divergence(x, kernel, teacher, bias, reduction=reduction)
        slope = tf.reduce_sum(inner.gradient(loss, kernel) ** 2)
    with pytest.raises(NotImplementedError, match="no gradients beyond first order"):
        outer.gradient(slope, kernel)


def test_examples_of_any_rank_ragged_and_none():
    (x, kernel, bias), teacher, weight = problem()
    target = logits_of(teacher)
    flat = nn.linear_kl_divergence(x, kernel, target, bias, weight, "none", 3)
    shaped = nn.linear_kl_divergence(
        x[tf.newaxis, :, tf.newaxis], kernel, target[tf.newaxis, :, tf.newaxis], bias, weight[:, tf.newaxis], "none", 3
    )
    np.testing.assert_array_equal(shaped[0, :, 0], flat)
    ragged = [tf.RaggedTensor.from_row_lengths(values, [3, 0, 4]) for values in (x, target, weight)]
    found = nn.linear_kl_divergence(ragged[0], kernel, ragged[1], bias, ragged[2], "none", 3)
    np.testing.assert_array_equal(found.row_lengths(), [3, 0, 4])
    np.testing.assert_array_equal(found.flat_values, flat)
    empty, *slopes = value_and_gradients(
        lambda *o: nn.linear_kl_divergence(*o[:2], target[:0], o[2]), [x[:0], kernel, bias]
    )
    assert empty.numpy() == 0
    assert not any(slope.numpy().any() for slope in slopes)


@pytest.mark.slow
def test_a_number_of_examples_known_only_when_called():
    (x, kernel, bias), teacher, _ = problem()
    target = logits_of(teacher)
    specs = [tf.TensorSpec([None, WIDTH]), tf.TensorSpec([None, CLASSES])]
    call = tf.function(lambda x, target: nn.linear_kl_divergence(x, kernel, target, bias, reduction="sum"), specs)
    for n in (7, 2):
        truth = tf.reduce_sum(nn.linear_kl_divergence(x[:n], kernel, target[:n], bias, reduction="none"))
        np.testing.assert_allclose(call(x[:n], target[:n]), truth, rtol=TWO_PASSES)


def test_float64_keeps_its_digits():
    student, teacher, weight = problem("float64")
    losses, *slopes = expected("js", student, teacher, weight)
    found = value_and_gradients(lambda *o: nn.linear_js_divergence(*o[:2], teacher, o[2], weight, "sum"), student)
    assert found[0].dtype == tf.float64
    assert_close(found, [tf.reduce_sum(losses), *slopes], MANY_TERMS)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"features": np.ones((7, 3))}, ValueError, r"features must be \[..., width\].*Received: features of \(7, 3\)"),
        ({"features": np.ones((7, 4), int)}, TypeError, "features must be floating-point. Received"),
        ({"kernel": np.ones(4)}, ValueError, r"kernel must be \[width, classes\], both known"),
        ({"bias": np.ones(3)}, ValueError, r"bias must be \[classes\]. Received: bias of \(3,\)"),
        ({"teacher": np.ones((7, 10))}, ValueError, "teacher must have the student's classes. Received: teacher of"),
        ({"teacher": np.ones((6, 11))}, ValueError, "teacher must have the student's examples. Received: teacher of"),
        ({"teacher": np.ones((7, 11), int)}, TypeError, "teacher must be floating-point"),
        (
            {"teacher": nn.LinearTeacher(np.ones((7, 3)), np.ones((4, 11)))},
            ValueError,
            r"teacher's features must be \[..., width\]",
        ),
        ({"teacher": nn.LinearTeacher(np.ones((7, 3)), np.ones((3, 10)))}, ValueError, "10 classes of the teacher"),
        ({"reduction": "max"}, ValueError, "reduction must be one of.*Received: reduction='max'"),
        ({"chunk_size": 0}, ValueError, "positive int or None. Received: chunk_size=0"),
        ({"temperature": -1}, ValueError, "temperature must be a number above 0. Received: temperature=-1"),
        ({"direction": "up"}, ValueError, "direction must be one of .*Received: direction='up'"),
        ({"transpose_kernel": 1}, ValueError, "transpose_kernel must be True or False"),
        ({"sample_weight": np.ones(3)}, ValueError, "sample_weight must broadcast to the examples"),
    ],
)
def test_error_messages(change, error, message):
    (x, kernel, bias), teacher, _ = problem("float64")
    arguments = {"features": x, "kernel": kernel, "bias": bias, "teacher": teacher, **change}
    with pytest.raises(error, match=message) as caught:
        nn.linear_kl_divergence(**arguments)
    assert "\n" not in str(caught.value)
