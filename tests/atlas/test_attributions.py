"""Every reason that the atlas gives is held to the recordings: by emulation, or by the document's digits."""

import mpmath
import numpy as np
import pytest

from legacy_tf1.atlas import elementwise, kernels
from legacy_tf1.atlas.harness import encode
from legacy_tf1.atlas.inputs import normal
from tf_repro.atlas import ATTRIBUTED, changes, failures, load, printing
from tf_repro.atlas.kinds import NOT_ATTRIBUTED, OTHER_STREAM
from tf_repro.atlas.recordings import values_of
from tf_repro.suite.kernels import eigen, softmax_backprop

LANES = {"1.4.1": 4, "1.5.1": 8}
BY_LANES = sorted({each.probe for each in ATTRIBUTED if each.release == "1.5.1"})
TABLE = kernels.TABLE["x"].astype(np.float32)
PRINTED = ["-0.16000001", "-0.16000004", "0.", "0.32000008", "0.79999995"]
"""The weights after the step, as the document on back-propagation through softmax prints them."""


@pytest.fixture(scope="module")
def atlas():
    return load()


@pytest.fixture(scope="module")
def found(atlas):
    return changes(atlas)


def emulated_softmax(logits, lanes):
    """Softmax and its gradient under the probes' cotangents."""
    y = eigen.softmax(logits.astype(np.float32), lanes)
    cotangents = normal(99, *y.shape).astype(np.float32)
    return {"value": y, "gradient of logits": eigen.softmax_gradient(y, cotangents, lanes)}


def emulated_program(lanes):
    """What the document on back-propagation prints."""
    record = softmax_backprop.run(lanes=lanes)
    return {f"{moment} {name}": value for moment in record for name, value in record[moment].items()}


def means(rows, lanes):
    """The mean of each row."""
    return np.float32([eigen.reduce_mean(row, lanes) for row in rows])


EMULATED = {
    "softmax_5": lambda lanes: emulated_softmax(normal(10, 8, 5), lanes),
    "softmax_wide": lambda lanes: emulated_softmax(kernels.WIDE_ROWS["logits"], lanes),
    "reduce_mean_all": lambda lanes: {"value": eigen.reduce_mean(TABLE.ravel(), lanes)},
    "reduce_mean_rows": lambda lanes: {"value": means(TABLE, lanes)},
    "reduce_sum_all": lambda lanes: {"value": eigen._row_sum(TABLE.reshape(1, -1), lanes)[0, 0]},
    "reduce_sum_rows": lambda lanes: {"value": eigen._row_sum(TABLE, lanes)[:, 0]},
    "document_softmax_backprop": emulated_program,
}


def digest(atlas, probe, output, release):
    """The digest of a Session's output in float32."""
    series = atlas.series[probe, "session", "float32", output]
    at = [column.version for column in atlas.columns].index(release)
    return series.versions[series.cells[at]]["digest"]


@pytest.mark.parametrize("release", LANES)
@pytest.mark.parametrize("probe", BY_LANES)
def test_emulated_lanes_give_every_output_that_moved_bit_for_bit(atlas, found, probe, release):
    moved = {each.output for each in found if (each.probe, each.after, each.dtype) == (probe, "1.5.1", "float32")}
    emulated = EMULATED[probe](LANES[release])
    assert moved
    assert {name: encode(emulated[name])["digest"] for name in moved} == {
        name: digest(atlas, probe, name, release) for name in moved
    }


RATE, DECAY, STEPS = np.float32(0.1), np.float32(0.9), np.arange(0, 60, 3, dtype=np.float32)


def over(steps, by, factor, folded):
    """``factor · steps / by`` in float32, as a graph with two constants has it: one by one, or folded into one."""
    reciprocal = np.float32(1) / np.float32(by)
    return steps * (factor * reciprocal) if folded else factor * (steps * reciprocal)


def rounded(function, x):
    """A function's value, rounded once."""
    return function(x.astype(np.float64)).astype(np.float32)


def cosine_decay(folded):
    """Half a period over 40 steps."""
    angle = over(np.minimum(STEPS, np.float32(40)), 40, np.float32(np.pi), folded)
    return RATE * (np.float32(0.5) * (1 + rounded(np.cos, angle)))


SCHEDULES = {
    "schedule_cosine_decay": cosine_decay,
    "schedule_inverse_time_decay": lambda folded: RATE / (1 + over(STEPS, 7, DECAY, folded)),
    "schedule_natural_exp_decay": lambda folded: RATE * rounded(np.exp, over(STEPS, 7, -DECAY, folded)),
}


@pytest.mark.parametrize("probe", SCHEDULES)
@pytest.mark.parametrize(("release", "folded"), [("1.5.1", False), ("1.6.0", True)])
def test_folded_constants_give_every_learning_rate_bit_for_bit(atlas, found, probe, release, folded):
    (moved,) = [each for each in found if (each.probe, each.after) == (probe, "1.6.0")]
    emulated = SCHEDULES[probe](folded)
    assert encode(emulated)["digest"] == digest(atlas, probe, moved.output, release)
    assert encode(SCHEDULES[probe](not folded))["digest"] != digest(atlas, probe, moved.output, release)


def test_the_moving_mean_moves_by_the_difference_that_float32_subtracts_since_1_8(atlas, found):
    probe = "layer_batch_normalization"
    assert {each.output for each in found if (each.probe, each.after) == (probe, "1.8.0")} == {"moving mean"}
    series = atlas.series[probe, "session", "float32", "moving mean"]
    versions = [column.version for column in atlas.columns]
    old, new = (values_of(series.versions[series.cells[versions.index(r)]]).astype(float) for r in ("1.7.1", "1.8.0"))
    factor = float(np.float32(1) - np.float32(0.99)) / float(np.float32(0.01))
    two_roundings = float(np.finfo(np.float32).eps)  # each side is one product of the same mean
    assert np.all(np.abs(new / old - factor) <= two_roundings)
    assert not np.any(np.abs(new / old - 1) <= two_roundings)


def test_every_attribution_is_of_a_change_that_was_recorded(found):
    recorded = {(change.probe, change.dtype, change.after, change.kind) for change in found}
    assert {(each.probe, each.dtype, each.release, each.kind) for each in ATTRIBUTED} <= recorded


def test_every_change_has_a_reason(found):
    assert [each for each in found if each.kind == NOT_ATTRIBUTED] == []


def test_every_attribution_is_tested():
    tested = {*((probe, "1.5.1") for probe in EMULATED), *((probe, "1.6.0") for probe in SCHEDULES)}
    assert {(each.probe, each.release) for each in ATTRIBUTED} == {*tested, ("layer_batch_normalization", "1.8.0")}


def test_another_stream_is_claimed_of_random_numbers_alone(atlas, found):
    claimed = {change.probe for change in found if change.kind == OTHER_STREAM}
    assert {atlas.probes[probe]["kind"] for probe in claimed} <= {"random"}


def test_the_releases_up_to_1_4_and_no_other_print_the_documents_weights(atlas):
    expected = {column.version for column in atlas.columns if column.release < (1, 5)}
    asked = printing(
        atlas, "document_softmax_backprop", "after w", lambda w: w.tolist() == np.float32(PRINTED).tolist()
    )
    assert {column.version for column, does in asked.items() if does} == expected


def test_leaky_relu_in_float64_has_the_slope_that_float32_holds_since_1_13(atlas):
    series = atlas.series["leaky_relu", "session", "float64", "value"]
    versions = [column.version for column in atlas.columns]
    x = elementwise.WIDE
    for release, slope in (("1.12.3", 0.2), ("1.13.2", float(np.float32(0.2))), ("2.21.0", float(np.float32(0.2)))):
        values = values_of(series.versions[series.cells[versions.index(release)]])
        assert np.array_equal(values, np.where(x < 0, x * slope, x))


def test_onednn_of_2_5_kills_the_process_in_a_convolution_on_this_cpu(atlas):
    (runs,) = (runs for reason, runs in failures(atlas, "conv2d_same").items() if "killed by signal 8" in reason)
    killed = {"2.5.3 oneDNN session float32", "2.5.3 oneDNN eager float32", "2.5.3 oneDNN function float32"}
    assert killed <= set(runs)
    assert not any(run.startswith("2.5.3 session") for run in runs)


def exact_gelu(x, divide_by):
    """``x/2 · (1 + erf(x / divide_by))`` at 30 digits."""
    with mpmath.workdps(30):
        return np.float64([mpmath.mpf(v) / 2 * (1 + mpmath.erf(mpmath.mpf(v) / divide_by)) for v in x])


@pytest.mark.parametrize(
    ("release", "divide_by"),
    [
        ("2.4.4", float(np.float32(2**0.5))),
        ("2.13.1", float(np.float32(2**0.5))),
        ("2.21.0", 1 / mpmath.mpf(float(np.float32(0.5**0.5)))),
    ],
)
def test_gelu_in_float64_divides_by_a_root_of_two_that_float32_rounded(atlas, release, divide_by):
    series = atlas.series["gelu", "eager", "float64", "value"]
    at = [column.version for column in atlas.columns].index(release)
    computed = values_of(series.versions[series.cells[at]])
    rounding = 8 * np.finfo(np.float64).eps  # a division, erf, a sum and two products, of numbers up to 8
    assert np.max(np.abs(computed - exact_gelu(elementwise.WIDE, divide_by))) < 8 * rounding
    assert np.max(np.abs(computed - exact_gelu(elementwise.WIDE, mpmath.sqrt(2)))) > 1e-9
