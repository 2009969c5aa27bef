"""What a head makes of ignored rows, ragged and empty input, logits that are not finite, and wrong arguments."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests.nn.problems import slow
from tests.nn.test_linear_options import (
    CLASS_WEIGHT,
    CLASSES,
    OPTIONS,
    ROWS,
    WIDTH,
    pieces,  # noqa: F401
    problem,
    value_and_gradients,
)
from tests.tolerances import ONE_PASS
from tf_repro.nn import linear_cross_entropy
from tf_repro.nn import linear_softmax_cross_entropy as linear


def test_ignored_rows_with_nan_features_contribute_nothing():
    x, kernel, bias, labels, _, weight = problem()
    labels[2] = labels[4] = -1
    spoiled = np.where((labels == -1)[:, None], np.nan, x)
    clean = np.where((labels == -1)[:, None], 0, x).astype(np.float32)
    results = []
    for features in (spoiled, clean):
        operands = [tf.constant(features, tf.float32), kernel, bias]
        for reduction in ("mean", "none"):
            value, slopes = value_and_gradients(
                lambda *o, r=reduction: linear(*o[:2], labels, o[2], weight, r, ignore_class=-1), operands
            )
            results.append([value, *slopes])
    for found, expected in zip(results[0] + results[1], results[2] + results[3], strict=True):
        np.testing.assert_array_equal(found, expected)
    assert np.isfinite(results[0][0])
    assert not results[0][1].numpy()[labels == -1].any()


def test_ragged_features_are_their_rows():
    x, kernel, bias, labels, _, _ = problem()
    lengths = [3, 0, 4]
    ragged = [tf.RaggedTensor.from_row_lengths(values, lengths) for values in (x, labels)]
    losses = linear(ragged[0], kernel, ragged[1], bias, reduction="none")
    assert isinstance(losses, tf.RaggedTensor)
    np.testing.assert_array_equal(losses.row_lengths(), lengths)
    np.testing.assert_array_equal(losses.flat_values, linear(x, kernel, labels, bias, reduction="none"))
    np.testing.assert_array_equal(linear(ragged[0], kernel, ragged[1], bias), linear(x, kernel, labels, bias))


@pytest.mark.parametrize("leading", [(), (1, 7), (7, 1, 1)])
def test_features_of_further_ranks_and_of_none(leading):
    x, kernel, bias, labels, _, _ = problem()
    if leading == ():
        x, labels = x[0], labels[0]
        flat = linear(x[None], kernel, labels[None], bias, reduction="none", return_statistics=True)
    else:
        flat = linear(x, kernel, labels, bias, reduction="none", return_statistics=True)
    shaped = linear(
        tf.reshape(x, [*leading, WIDTH]),
        kernel,
        labels.reshape(leading),
        bias,
        reduction="none",
        return_statistics=True,
    )
    for mine, other in zip(tf.nest.flatten(shaped), tf.nest.flatten(flat), strict=True):
        assert mine.shape == leading
        np.testing.assert_array_equal(tf.reshape(mine, [-1]), other)


@pytest.mark.usefixtures("pieces")
def test_one_class_and_no_rows():
    x, kernel, bias, _, _, _ = problem()
    value, slopes = value_and_gradients(
        lambda *o: linear(*o[:2], np.zeros(ROWS, int), o[2]), [x, kernel[:, :1], bias[:1]]
    )
    assert value.numpy() == 0
    assert not any(slope.numpy().any() for slope in slopes)
    value, slopes = value_and_gradients(lambda *o: linear(*o[:2], np.zeros(0, int), o[2]), [x[:0], kernel, bias])
    assert value.numpy() == 0
    assert slopes[1].shape == kernel.shape
    assert not slopes[1].numpy().any()


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize(("entry", "expected"), [(np.nan, "nan"), (np.inf, "nan"), (-np.inf, "finite")])
def test_logits_that_are_not_finite(entry, expected):
    """A class that the bias rules out costs nothing; NaN and +inf make their rows NaN, here all of them."""
    x, kernel, bias, labels, _, _ = problem()
    bias = tf.tensor_scatter_nd_update(bias, [[3]], [entry])
    labels = np.where(labels == 3, 4, labels)
    losses = linear(x, kernel, labels, bias, reduction="none")
    assert np.isnan(losses).all() if expected == "nan" else np.isfinite(losses).all()
    if expected == "finite":
        kept = [c for c in range(CLASSES) if c != 3]
        renumbered = np.array([kept.index(label) for label in labels])
        reduced = linear(x, tf.gather(kernel, kept, axis=1), renumbered, tf.gather(bias, kept), reduction="none")
        np.testing.assert_allclose(losses, reduced, rtol=ONE_PASS)


@pytest.mark.usefixtures("pieces", "checked_numerics")
@pytest.mark.parametrize("dense", [False, slow(True)], ids=["sparse", "dense"])
def test_numerics_checks_pass_valid_programs(dense):
    x, kernel, bias, labels, p, weight = problem()
    target, ignore = (p, None) if dense else (labels, 3)
    options = OPTIONS["all"] | {"ignore_class": ignore, "return_statistics": True}

    def call(x, kernel, bias):
        return value_and_gradients(lambda *o: linear(*o[:2], target, o[2], weight, **options), [x, kernel, bias])

    assert np.isfinite(tf.function(call)(x, kernel, bias)[0][0])


def test_pieces_are_chosen_by_size():
    """Many classes go in blocks that are made again; where all logits are few, they are kept, in one block."""
    assert linear_cross_entropy._pieces(None, 64, 1000)[1:] == (1000, True)
    assert linear_cross_entropy._pieces(None, 256, 65536) == (512, 4096, False)
    assert linear_cross_entropy._pieces(5, 64, 1000)[0] == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"soft_cap": 0}, r"soft_cap must be above 0, or None\. Received: soft_cap=0"),
        ({"soft_cap": "a"}, "Received: soft_cap='a'"),
        ({"logit_scale": -1.0}, r"logit_scale must be a number above 0\. Received: logit_scale=-1.0"),
        ({"logit_scale": float("nan")}, "Received: logit_scale=nan"),
        ({"z_loss": -0.1}, r"z_loss must be a number, at least 0\. Received: z_loss=-0.1"),
        ({"class_weight": np.ones(3)}, r"class_weight must be \[classes\]\. Received: class_weight of \(3,\)"),
        ({"transpose_kernel": 1}, r"transpose_kernel must be True or False\. Received: transpose_kernel=1"),
        ({"transpose_kernel": True}, r"features must be \[..., width\] for a kernel \[classes, width\]\. Received"),
        ({"return_statistics": "yes"}, "return_statistics must be True or False"),
        ({"recompute": 1}, "recompute must be True or False"),
        ({"chunk_size": True}, "positive int or None. Received: chunk_size=True"),
        (
            {"sample_weight": np.ones(3)},
            r"sample_weight must broadcast to the examples \(7,\)\. Received: sample_w.*\(3,\)",
        ),
        ({"sample_weight": np.ones((2, 7))}, "sample_weight must broadcast to the examples"),
    ],
)
def test_error_messages(change, message):
    x, kernel, bias, labels, _, _ = problem()
    with pytest.raises(ValueError, match=message) as caught:
        linear(**{"features": x, "kernel": kernel, "bias": bias, "labels": labels, **change})
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_every_pair_of_options_works_together():
    """No option silences another: each pair moves the loss away from that of either alone."""
    x, kernel, bias, labels, _, _ = problem("float64")
    single = {
        "logit_scale": 0.3,
        "soft_cap": 2.0,
        "z_loss": 0.1,
        "class_weight": CLASS_WEIGHT,
        "label_smoothing": 0.2,
    }
    for a, b in itertools.combinations(single, 2):
        values = {
            float(linear(x, kernel, labels, bias, **{k: single[k] for k in keys})) for keys in ((a,), (b,), (a, b))
        }
        assert len(values) == 3, (a, b)
