"""The rules that say why bits moved, each on a change that is planted in a recording."""

import numpy as np
import pytest

from legacy_tf1.atlas.harness import encode
from tf_repro.atlas import Atlas, changes, load, merge
from tf_repro.atlas.bounds import bounded, judge
from tf_repro.atlas.kinds import NOT_ATTRIBUTED
from tf_repro.atlas.parts import PARTS

RNG = np.random.default_rng(5)


def planted(**outputs):
    """An atlas of three releases; outputs are {probe: (before, after)}, and 1.5.1 brings what comes after."""
    atlas = Atlas()
    about = load().probes
    for number, release in enumerate(("1.4.1", "1.5.1", "1.6.0")):
        probes = {
            probe: {**about[probe], "series": {"session float32": {"outputs": {"value": encode(sides[number > 0])}}}}
            for probe, sides in outputs.items()
        }
        given = {"tensorflow": release, "onednn": "", "cpu": "one", "python": "3.6", "numpy": "1.16"}
        merge(atlas, {"provenance": given, "probes": probes})
    judge(atlas)
    return {change.probe: change for change in changes(atlas)}


def rounded(probe, output="value"):
    """Two evaluations of a probe's formula that differ by rounding."""
    value = bounded(probe, "float32")[output].value.astype(np.float32)
    return value, np.where(RNG.random(value.shape) < 0.5, np.nextafter(value, np.float32(9)), value)


def beyond(probe):
    """An evaluation of a probe's formula, and one that no rounding makes of it."""
    value = bounded(probe, "float32")["value"].value.astype(np.float32)
    return value, value * np.float32(1.001)


def test_one_rounding_in_a_sum_is_its_order_at_its_release():
    found = planted(reduce_mean_rows=rounded("reduce_mean_rows"), matmul=rounded("matmul"))["matmul"]
    assert (found.kind, found.before, found.after) == ("order of summation", "1.4.1", "1.5.1")


def test_more_than_rounding_is_another_algorithm():
    found = planted(matmul=beyond("matmul"))["matmul"]
    assert found.kind == "other algorithm"
    assert found.because == "what it gave since is not within the rounding bound of its formula"


def test_the_way_back_is_another_algorithm_too():
    assert "it gave before" in planted(matmul=beyond("matmul")[::-1])["matmul"].because


def test_softmax_moves_by_its_exponential_where_that_moved():
    exponentials = np.float32([1, 2, 3]), np.float32([1, 2, np.nextafter(np.float32(3), np.float32(4))])
    found = planted(log_softmax=rounded("log_softmax"), exp=exponentials)
    assert found["log_softmax"].kind == "other approximation"
    assert found["log_softmax"].because == "exp moved in the same release"
    assert planted(log_softmax=rounded("log_softmax"))["log_softmax"].kind == "order of summation"


@pytest.mark.parametrize(("factor", "kind"), [(1 + 4e-7, "other approximation"), (1.00001, "other algorithm")])
def test_a_function_of_single_entries_is_judged_by_size(factor, kind):
    x = np.float32([1, 2, 3])
    assert planted(tanh=(x, x * np.float32(factor)))["tanh"].kind == kind


def test_other_draws_are_another_stream_and_other_roundings_are_not():
    draws = np.float32(RNG.random(37))
    assert planted(random_normal=(draws, draws[::-1]))["random_normal"].kind == "other random stream"
    ulp = np.nextafter(draws, np.float32(2))
    assert planted(random_normal=(draws, ulp))["random_normal"].kind == "other approximation"


def test_whole_numbers_are_another_stream_where_more_of_them_moved_than_rounding_moves():
    draws = RNG.integers(0, 3, 40)
    for number, kind in ((3, NOT_ATTRIBUTED), (12, "other random stream")):
        other = draws.copy()
        other[:number] = (other[:number] + 1) % 3
        assert planted(random_categorical=(draws, other))["random_categorical"].kind == kind


def test_zero_and_minus_zero_are_told_apart_and_no_more_is_said():
    assert planted(round=(np.float32([0, 1]), np.float32([-0.0, 1])))["round"].kind == "sign of zero"


def test_a_composition_moves_by_its_part_and_only_so_far():
    x = np.float32([1, 2, 3])
    near, far = x * np.float32(1 + 4e-7), x * np.float32(1.00001)
    product = rounded("matmul")
    found = planted(cell_LSTMCell=(x, near), matmul=product)["cell_LSTMCell"]
    assert (found.kind, found.because) == ("order of summation", "its part matmul moved in the same release")
    assert planted(cell_LSTMCell=(x, far), matmul=product)["cell_LSTMCell"].kind == NOT_ATTRIBUTED
    assert planted(cell_LSTMCell=(x, near))["cell_LSTMCell"].kind == NOT_ATTRIBUTED


def test_a_thousandth_is_no_rounding_and_less_is_left_open():
    x = np.float32([1, 2, 3])
    found = planted(resize_area=(x, x * np.float32(1.01)), resize_bicubic=(x, x * np.float32(1.0001)))
    assert (found["resize_area"].kind, found["resize_bicubic"].kind) == ("other algorithm", NOT_ATTRIBUTED)


def test_a_layer_moves_by_its_changed_default():
    found = [each for each in changes(load()) if each.probe == "layer_batch_normalization" and each.after == "1.4.1"]
    assert {each.kind for each in found} == {"other algorithm"}
    assert {each.because for each in found} == {
        "a default of tf.layers.batch_normalization changed in the same release"
    }


def test_parts_are_probes():
    probes = load().probes
    assert {part for parts in PARTS.values() for part in parts} | set(PARTS) <= set(probes)


def test_few_changes_of_the_recordings_are_left_without_a_reason():
    found = changes(load())
    left = [change for change in found if change.kind == NOT_ATTRIBUTED]
    assert len(left) < 0.03 * len(found)
