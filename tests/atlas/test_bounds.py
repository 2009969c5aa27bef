"""The formulas of the probes: genuine recordings lie within their bounds, and what is another formula does not."""

import numpy as np
import pytest

from legacy_tf1.atlas import composed, kernels
from legacy_tf1.atlas.harness import encode
from tf_repro.atlas import load
from tf_repro.atlas.bounds import bounded, within
from tf_repro.atlas.formulas import FORMULAS, FUNCTIONS
from tf_repro.atlas.recordings import NOT_ASKED

LONG = {"reduce_sum_million", "reduce_mean_million", "matmul_large", "reduce_prod", "depthwise_conv2d"}
"""Their bounds take longest."""

SOUND = (2, 4)
"""A release before oneDNN, in which no probe was seen to be wrong."""


@pytest.fixture(scope="module")
def atlas():
    return load()


def recorded(atlas, probe, release, onednn=("", "0")):
    """{(style, dtype, output): content} of a release."""
    at = next(n for n, c in enumerate(atlas.columns) if c.release[:2] == release and c.onednn in onednn)
    return {
        key[1:]: series.versions[series.cells[at]]
        for key, series in atlas.series.items()
        if key[0] == probe and series.cells[at] != NOT_ASKED and "values" in series.versions[series.cells[at]]
    }


@pytest.mark.parametrize("probe", [pytest.param(p, marks=[pytest.mark.slow] if p in LONG else []) for p in FORMULAS])
def test_a_sound_release_is_within_every_bound(atlas, probe):
    found = recorded(atlas, probe, SOUND) or recorded(atlas, probe, (2, 21))
    judged = {key: within(probe, key[1], key[2], content) for key, content in found.items()}
    assert judged
    assert set(judged.values()) == {True}


@pytest.mark.parametrize("probe", [p for p in FORMULAS if p not in LONG])
def test_an_entry_that_is_off_by_more_than_its_bound_is_found(probe):
    for output, expected in bounded(probe, "float32").items():
        values = np.atleast_1d(expected.value.astype(np.float32))
        error = np.atleast_1d(expected.error)
        entry = (0,) * values.ndim
        values[entry] += np.float32(3 * error[entry] + 1e-6 * (1 + abs(values[entry])))
        assert within(probe, "float32", output, encode(values)) is False


def test_the_variance_of_n_less_1_is_not_that_of_n():
    x = kernels.TABLE["x"].astype(np.float32)
    assert within("moments", "float32", "variance", encode(x.var(0))) is True
    assert within("moments", "float32", "variance", encode(x.var(0, ddof=1))) is False


def test_what_has_no_formula_or_another_shape_is_not_judged():
    assert within("gelu", "float32", "value", encode(np.zeros(3, np.float32))) is None
    assert within("softmax", "float32", "value", encode(np.zeros(3, np.float32))) is None


def test_formulas_and_their_functions_are_probes():
    names = {probe.name for probe in kernels.probes() + composed.probes()}
    assert {name for name in FORMULAS if not name.startswith("train_")} <= names
    assert set(FUNCTIONS) <= set(FORMULAS)


@pytest.mark.slow
def test_the_verdicts_of_the_atlas_are_those_of_its_formulas(atlas):
    noted = 0
    for (probe, _, dtype, output), series in atlas.series.items():
        for content in series.versions:
            if "values" in content:
                assert content.get("within") == within(probe, dtype, output, content), (probe, dtype, output)
                noted += "within" in content
    assert noted > 1000
