import numpy as np
import pytest

from tests.tolerances import assert_within_rounding
from tf_repro.core.errors import InputError
from tf_repro.ports import softmax_cross_entropy
from tf_repro.programs import tf2
from tf_repro.programs.tf2 import ENGINES
from tf_repro.suite.derivations import softmax_cross_entropy as derivation


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("method", ["manual", "fused"])
def test_the_documents_network_follows_the_derivation(engine, method):
    weights = softmax_cross_entropy.initial_weights()
    run = softmax_cross_entropy.run(method=method, engine=engine)
    truth = derivation.run(method=method, weights=weights)
    for moment in ("before", "after"):
        for name, value in run[moment].items():
            assert_within_rounding(value, truth[moment][name], terms=784)


@pytest.mark.parametrize("release", ["1.4.1", "1.5.1", "1.15.5"])
def test_genuine_tf1_drew_the_same_weights_and_follows_the_derivation(release, record):
    weights = softmax_cross_entropy.initial_weights()
    recorded = record("softmax_cross_entropy", f"tf-{release}")
    for method in ("manual", "fused"):
        assert np.array_equal(recorded[f"before, {method}"]["W1_corner"], weights["W1"][:2, :5])
        assert np.array_equal(recorded[f"before, {method}"]["W2_row"], weights["W2"][0])
        truth = derivation.run(method=method, weights=weights)
        for name in ("cost", "logits", "b2"):
            assert_within_rounding(recorded[f"after, {method}"][name], truth["after"][name], terms=784)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_two_ways_part_where_a_probability_underflows(engine):
    large, small = (
        tf2.run(softmax_cross_entropy.build_stability, {"logits": logits}, engine=engine)["before"]
        for logits in ([0.0, 200.0], [0.0, 2.0])
    )
    assert not np.isfinite(large["manual_cross_entropy"])
    assert large["fused_cross_entropy"] == 200
    assert_within_rounding(small["manual_cross_entropy"], small["fused_cross_entropy"], terms=4)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"method": "magic"}, "method must be one of manual, fused. Received: 'magic'"),
        ({"features": np.ones((2, 784))}, "features and labels must be given together"),
        ({"features": np.ones((2, 3)), "labels": [[1, 0]]}, "features and labels must have as many rows"),
        ({"features": [[np.nan]], "labels": [[1.0]]}, "features must be finite"),
    ],
)
def test_bad_inputs(inputs, message):
    with pytest.raises(InputError, match=message):
        softmax_cross_entropy.run(**inputs)


def test_bad_label():
    with pytest.raises(InputError, match=r"label must be in \[0, 5\). Received: 5"):
        softmax_cross_entropy.build_stability(label=5)
