"""The head whose classes are divided among replicas equals the whole head on one; and what it refuses."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests.distribution.problem import CLASSES, RATE, ROWS, STEPS, classes_of, problem, rows_of
from tests.distribution.processes import ROOT, Workers
from tests.nn.linear_truth import head
from tests.tolerances import ONE_PASS, SCALED_ULP, TWELVE_STEPS, assert_within_rounding
from tf_repro.core import ulp
from tf_repro.nn import linear_softmax_cross_entropy
from tf_repro.nn import sharded_linear_softmax_cross_entropy as sharded

# How the replicas run, how many there are, and how they are called.
CLUSTERS = [
    pytest.param(cluster, marks=pytest.mark.slow)
    for cluster in [
        ("mirrored", 2, "function"),
        ("mirrored", 4, "eager"),
        ("multi", 2, "eager,function"),
        ("multi", 4, "function"),
    ]
]


def whole(x, kernel, bias, labels, weight):
    """Losses and gradients of ``Σ weight·losses`` from the head that is not divided."""
    operands = [tf.constant(operand) for operand in (x, kernel, bias)]
    with tf.GradientTape() as tape:
        tape.watch(operands)
        losses = linear_softmax_cross_entropy(
            *operands[:2], labels, operands[2], reduction="none", ignore_class=-1, chunk_size=16
        )
        total = tf.reduce_sum(weight * losses)
    names = ["losses", "features", "kernel", "bias"]
    return dict(zip(names, map(np.asarray, [losses, *tape.gradient(total, operands)]), strict=True))


pytestmark = pytest.mark.xdist_group("replicas")  # whose processes then start once


@pytest.fixture(scope="module")
def one():
    """What one process makes of the problem."""
    return whole(*(problem()[i] for i in (0, 1, 2, 3, 4)))


@pytest.fixture(scope="module", params=CLUSTERS, ids=lambda cluster: "-".join(map(str, cluster)))
def replicas(request, tmp_path_factory):
    """The results of each replica, from replicas that ran beside one another."""
    kind, count, modes = request.param
    folder = tmp_path_factory.mktemp(f"{kind}-{count}")
    command = [ROOT / "tests" / "distribution" / "head_worker.py", folder, modes]
    processes = count if kind == "multi" else 1
    workers = Workers(processes, folder)
    workers.commands = [command if kind == "multi" else [*command, count]] * processes
    with workers:
        assert workers.wait() == [0] * processes, workers.log(0)
    return modes.split(","), [dict(np.load(folder / f"replica-{i}.npz")) for i in range(count)]


def together(replicas, name, mode, replicated):
    """The parts of all replicas as the whole that one process has."""
    parts = [replica[f"{mode} {replicated} {name}"] for replica in replicas]
    if name in ("kernel", "bias"):
        return np.concatenate(parts, -1)
    if not replicated:
        return np.concatenate(parts, 0)
    for part in parts:
        assert ulp.same_bits(part, parts[0])
    return parts[0]


@pytest.mark.parametrize("replicated", [False, True])
def test_losses_and_gradients_are_those_of_one_process(replicas, one, replicated):
    modes, parts = replicas
    for mode, (name, expected) in itertools.product(modes, one.items()):
        worst = ulp.difference(expected, together(parts, name, mode, replicated), scaled=True)
        assert worst is None or worst.scaled <= SCALED_ULP, f"{mode} {name}: {worst.text('one', 'several')}"


@pytest.fixture(scope="module")
def trained():
    """The losses and the kernel of the same training in float64, on the whole batch."""
    features, kernel, _, labels, _ = problem()
    kernel, targets, losses = kernel.astype(float), np.eye(CLASSES)[np.maximum(labels, 0)], []
    for _ in range(STEPS):
        value, (_, slope, _), _ = head(features, kernel, targets, weight=1 / ROWS)
        losses.append(float(value.mean()))
        kernel = kernel - RATE * slope.astype(float)
    return {"losses": np.array(losses), "kernel": kernel}


@pytest.mark.parametrize("loss", ["dense", "sparse", "head"])
def test_data_parallel_training_is_that_of_one_process(replicas, trained, loss):
    for part in replicas[1]:
        for what, expected in trained.items():
            scale = np.abs(expected).max()
            np.testing.assert_allclose(part[f"trained {loss} {what}"], expected, atol=TWELVE_STEPS * scale)


def test_training_changes_what_it_is_compared_by(trained):
    first, last = trained["losses"][[0, -1]]
    assert first - last > 1000 * TWELVE_STEPS
    assert np.abs(trained["kernel"] - problem()[1]).max() > 1000 * TWELVE_STEPS


def test_a_replica_holds_its_part_of_the_kernel_and_no_more(replicas):
    kernel = problem()[1]
    modes, parts = replicas
    for part in parts:
        assert part["kernel bytes"] <= 1.05 * kernel.nbytes / len(parts)
        assert part[f"{modes[0]} False kernel"].nbytes == part["kernel bytes"]


def test_the_comparison_sees_shards_in_the_wrong_order(replicas, one):
    modes, parts = replicas
    swapped = together(parts[::-1], "kernel", modes[0], True)
    assert ulp.difference(one["kernel"], swapped, scaled=True).scaled > 1000 * SCALED_ULP


def test_the_whole_head_is_right():
    x, kernel, bias, labels, weight = problem()
    found = whole(x, kernel, bias, labels, weight)
    counts = labels >= 0
    targets = np.eye(CLASSES)[labels[counts]]
    losses, (dx, dkernel, dbias), _ = head(x[counts], kernel, targets, bias, weight[counts])
    truth = {"losses": losses, "features": dx, "kernel": dkernel, "bias": dbias}
    for name, expected in truth.items():
        value = found[name][counts] if name in ("losses", "features") else found[name]
        assert_within_rounding(value, expected.astype(np.float64), terms=32)


def test_the_parts_are_the_whole_and_differ_in_size():
    for count in (2, 4):
        rows = [rows_of(i, count) for i in range(count)]
        assert np.concatenate([np.arange(ROWS)[part] for part in rows]).tolist() == list(range(ROWS))
        assert len({part.stop - part.start for part in rows}) > 1
        assert classes_of(count - 1, count).stop == CLASSES


@pytest.mark.parametrize(
    ("options", "run"),
    [({}, tf.function), ({"logit_scale": 0.5, "soft_cap": 5.0, "z_loss": 0.01}, lambda f: f)],
    ids=["function", "options, eager"],
)
def test_one_replica_is_the_whole_head(options, run):
    x, kernel, bias, labels, weight = problem()
    operands = [tf.constant(x.reshape(3, 20, -1)), tf.constant(kernel), tf.constant(bias)]

    def value_and_gradients(losses_of):
        with tf.GradientTape() as tape:
            tape.watch(operands)
            total = tf.reduce_sum(weight.reshape(3, 20) * losses_of())
        return total, *tape.gradient(total, operands)

    def ours():
        return sharded(*operands[:2], labels.reshape(3, 20), operands[2], ignore_class=-1, **options)

    def theirs():
        return linear_softmax_cross_entropy(
            *operands[:2], labels.reshape(3, 20), operands[2], reduction="none", ignore_class=-1, **options
        )

    found = run(lambda: value_and_gradients(ours))()
    for value, expected in zip(found, value_and_gradients(theirs), strict=True):
        np.testing.assert_allclose(value, expected, rtol=ONE_PASS, atol=ONE_PASS * np.abs(expected).max())


def test_columns_that_fill_the_last_shard_change_nothing():
    x, kernel, bias, labels, _ = problem()
    filled = np.pad(kernel, [(0, 0), (0, 7)]), np.pad(bias, (0, 7), constant_values=-np.inf)
    operands = [tf.constant(operand) for operand in filled]
    with tf.GradientTape() as tape:
        tape.watch(operands)
        losses = sharded(x, operands[0], labels, operands[1], ignore_class=-1)
    dkernel, dbias = tape.gradient(losses, operands)
    np.testing.assert_array_equal(losses, sharded(x, kernel, labels, bias, ignore_class=-1))
    assert not dkernel.numpy()[:, CLASSES:].any()
    assert not dbias.numpy()[CLASSES:].any()


def test_a_label_that_is_no_class_is_nan_and_an_ignored_row_may_be_anything():
    x, kernel, _, _, _ = problem()
    x = x[:4].copy()
    x[3] = np.nan
    losses = sharded(x, kernel, [0, CLASSES, -2, -1], ignore_class=-1).numpy()
    assert np.isnan(losses).tolist() == [False, True, True, False]
    assert losses[3] == 0


def test_half_precision_is_computed_in_float32_and_float64_in_itself():
    x, kernel, _, labels, _ = problem()
    labels = np.maximum(labels, 0)
    half = tf.cast(x, tf.bfloat16)
    assert sharded(half, kernel, labels).dtype == tf.float32
    np.testing.assert_array_equal(sharded(half, kernel, labels), sharded(tf.cast(half, tf.float32), kernel, labels))
    assert sharded(x.astype(np.float64), kernel, labels).dtype == tf.float64


def test_second_order_and_forward_mode_are_refused():
    x, kernel, _, labels, _ = problem()
    x, labels = tf.constant(x), np.maximum(labels, 0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            losses = sharded(x, kernel, labels)
        slope = inner.gradient(losses, x)
    with pytest.raises(NotImplementedError, match="no gradients beyond first order"):
        outer.gradient(slope, x)
    with pytest.raises(LookupError, match="no forward mode"), tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)):
        sharded(x, kernel, labels)


ERRORS = {
    "kernel": ({"kernel": tf.zeros([2, 3, 4])}, r"kernel must be \[width, shard\], both known. Received: kernel of"),
    "width": ({"features": tf.zeros([5, 4])}, r"features must be \[..., width\] for a kernel \[width, shard\]"),
    "bias": ({"bias": tf.zeros([4])}, r"bias must be \[shard\]. Received: bias of \(4,\), kernel of \(2, 3\)"),
    "labels": ({"labels": [0, 1]}, r"integer labels must have shape \(5,\). Received: labels of \(2,\)"),
    "chunk_size": ({"chunk_size": 0}, "chunk_size must be a positive int or None. Received: chunk_size=0"),
    "soft_cap": ({"soft_cap": 0.0}, "soft_cap must be above 0, or None. Received: soft_cap=0.0"),
    "replicated": ({"replicated": 1}, "replicated must be True or False. Received: replicated=1"),
}


@pytest.mark.parametrize(("wrong", "message"), ERRORS.values(), ids=ERRORS)
def test_error_messages(wrong, message):
    right = {"features": tf.zeros([5, 2]), "kernel": tf.zeros([2, 3]), "labels": [0, 1, 2, 0, 1]}
    with pytest.raises(ValueError, match=message):
        sharded(**{**right, **wrong})


def test_outside_a_replica_it_says_where_to_be():
    with (
        tf.distribute.OneDeviceStrategy("cpu:0").scope(),
        pytest.raises(ValueError, match=r"must run in a replica\. Received: the scope of a strategy"),
    ):
        sharded(tf.zeros([1, 2]), tf.zeros([2, 3]), [0])
