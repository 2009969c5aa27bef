"""Each probe computes here what the atlas recorded of it: inputs, options and outputs are those of the recordings."""

import numpy as np
import pytest
import tensorflow as tf

from legacy_tf1.atlas.__main__ import outputs_of, probes
from tests.tolerances import OTHER_KERNELS
from tf_repro.atlas import load
from tf_repro.atlas.recordings import NOT_ASKED, values_of

pytestmark = pytest.mark.slow
VERSION = tuple(map(int, tf.__version__.split(".")[:2]))
FACES = {
    "session": tf.compat.v1,  # noqa: TID251 - a Session's API
    "eager": tf,
    "function": tf,
}
PROBES = {probe.name: probe for probe in probes()}


@pytest.fixture(scope="module")
def atlas():
    return load()


def recorded(atlas, name, style, dtype):
    """{output: content} on the installed release, in either state of oneDNN; {} where nothing was recorded."""
    at = [n for n, column in enumerate(atlas.columns) if column.release[:2] == VERSION]
    found = {}
    for (*run, output), series in atlas.series.items():
        cells = [series.cells[n] for n in at if series.cells[n] != NOT_ASKED] if run == [name, style, dtype] else []
        found |= {output: series.versions[cell] for cell in cells[:1]}
    return found


def as_sampled(content):
    """Dtype, shape and the sampled values."""
    return content["dtype"], content["shape"], values_of(content)


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_computes_what_was_recorded(atlas, name):
    probe = PROBES[name]
    asked = [(style, dtype) for style in probe.styles for dtype in probe.dtypes]
    if not any(column.release[:2] == VERSION for column in atlas.columns):
        pytest.skip(f"the atlas has no column of TensorFlow {tf.__version__}")
    style = probe.styles[0]
    assert {run for run in asked if recorded(atlas, name, *run)} == set(asked)
    for dtype in probe.dtypes:
        expected = recorded(atlas, name, style, dtype)
        answer = outputs_of(probe, style, FACES[style], dtype)
        assert answer.get("outputs", {}).keys() == {name for name in expected if "values" in expected[name]}
        for output, content in answer.get("outputs", {}).items():
            (kind, shape, values), (as_before, shaped, before) = as_sampled(content), as_sampled(expected[output])
            assert (kind, shape) == (as_before, shaped)
            np.testing.assert_allclose(values, before, OTHER_KERNELS, OTHER_KERNELS, err_msg=f"{output} {dtype}")
