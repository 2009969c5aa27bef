"""What the atlas answers to one question: an operation, a default, a planted change."""

import numpy as np
import pytest

from legacy_tf1.atlas.harness import encode
from tests.atlas.test_recordings import atlas_of, recording
from tf_repro.atlas import default_of, load, lookup, merge, sentences, wrong
from tf_repro.atlas.bounds import bounded, judge


def test_an_operation_is_answered_with_probe_release_size_and_kind():
    found = lookup("tf.nn.leaky_relu", "1.12.3", "1.13.2")
    assert [(each.probe, each.before, each.release, each.kind) for each in found] == [
        ("leaky_relu", "1.12.3", "1.13.2", "other algorithm")
    ]
    assert found[0].units > 1e6
    assert found[0].sentence.startswith("tf.nn.leaky_relu: other algorithm since 1.13 (leaky_relu moved by")


def test_a_default_is_answered_with_the_release_that_changed_it():
    (found,) = default_of("tf.keras.optimizers.Adam", "epsilon")
    assert (found.before, found.release, found.old, found.new) == ("1.5.1", "1.6.0", "1e-08", "1e-07")
    assert found.sentence == "tf.keras.optimizers.Adam: epsilon is 1e-07 since 1.6, and was 1e-08"


def test_only_what_lies_between_the_releases_is_told():
    assert lookup("tf.nn.leaky_relu", "1.13.2", "2.21.0") == []
    assert sentences(["tf.nn.leaky_relu", "tf.no_such_thing"], "1.13", "2.21") == []


def test_a_planted_change_is_answered_with_its_release():
    given = [recording(release, values) for release, values in (("1.4.1", [1]), ("1.5.1", [1]), ("1.6.0", [9]))]
    (found,) = lookup("tf.p", "1.4", "1.6", atlas_of(*given))
    assert (found.before, found.release) == ("1.5.1", "1.6.0")
    assert lookup("tf.p", "1.4", "1.5", atlas_of(*given)) == []


@pytest.mark.parametrize("fault", [True, False])
def test_garbage_with_onednn_is_found_where_the_release_is_right_without(fault):
    value = bounded("matmul", "float32")["value"].value.astype(np.float32)
    about, atlas = load().probes["matmul"], atlas_of()
    for onednn in ("0", "1"):
        outputs = {"value": encode(value * np.float32(7) if fault and onednn == "1" else value)}
        probe = {**about, "series": {"eager float32": {"outputs": outputs}}}
        given = {"tensorflow": "2.5.3", "onednn": onednn, "cpu": "one", "python": "3.7", "numpy": "1.19"}
        merge(atlas, {"provenance": given, "probes": {"matmul": probe}})
    judge(atlas)
    assert wrong(atlas) == ({"matmul": ["2.5.3 eager float32 value"]} if fault else {})


def defaults(*given):
    """An atlas of facts: (release, style, default) each."""
    atlas = atlas_of()
    for release, style, default in given:
        about = {"kind": "default", "sums": False, "symbols": ["tf.p"]}
        probe = {**about, "series": {f"{style} fact": {"facts": {"epsilon": default}}}}
        made = {"tensorflow": release, "onednn": "", "cpu": "one", "python": "3.7", "numpy": "1.19"}
        merge(atlas, {"provenance": made, "probes": {"default_p": probe}})
    return atlas


def test_a_default_of_version_2_is_held_to_that_of_version_1_under_the_same_name():
    (answer,) = lookup("tf.p", "1.15", "2.1", defaults(("1.15.5", "session", "1"), ("2.0.4", "eager", "2")))
    assert answer.sentence == "tf.p: epsilon is 2 since 2.0, and was 1"
    assert lookup("tf.p", "1.15", "2.1", defaults(("1.15.5", "session", "1"), ("2.0.4", "eager", "1.0"))) == []


def test_a_default_that_compat_v1_changed_later_is_told_of_compat_v1():
    (answer,) = lookup("tf.p", "1.15", "2.1", defaults(("2.0.4", "session", "1"), ("2.1.4", "session", "2")))
    assert answer.sentence == "tf.compat.v1.p: epsilon is 2 since 2.1, and was 1"


def test_a_default_that_version_1_changed_is_told_once():
    given = ("1.14.0", "session", "1"), ("1.15.5", "session", "2"), ("2.0.4", "eager", "2")
    (answer,) = lookup("tf.p", "1.13", "2.1", defaults(*given))
    assert answer.sentence == "tf.p: epsilon is 2 since 1.15, and was 1"


def test_what_changed_last_comes_first():
    given = ("1.13.2", "session", "1"), ("1.14.0", "session", "2"), ("1.15.5", "session", "3")
    assert [(each.old, each.new) for each in lookup("tf.p", "1.12", "1.15", defaults(*given))] == [
        ("2", "3"),
        ("1", "2"),
    ]
