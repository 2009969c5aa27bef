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
        if cells:
            found[output] = series.versions[cells[0]]
    return found


def as_sampled(content):
    """Dtype, shape and the sampled values."""
    return content["dtype"], content["shape"], values_of(content)


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_computes_what_was_recorded(atlas, name):
    if not any(column.release[:2] == VERSION for column in atlas.columns):
        pytest.skip(f"the atlas has no column of TensorFlow {tf.__version__}")
    probe = PROBES[name]
    runs = [(style, dtype) for style in probe.styles for dtype in probe.dtypes]
    assert all(recorded(atlas, name, *run) for run in runs) or probe.kind == "default"
    style = probe.styles[0]
    for dtype in probe.dtypes:
        expected, answer = recorded(atlas, name, style, dtype), outputs_of(probe, style, FACES[style], dtype)
        facts = {output: content["fact"] for output, content in expected.items() if "fact" in content}
        assert answer.get("facts", {}) == facts
        outputs = answer.get("outputs", {})
        assert outputs.keys() == {output for output in expected if "values" in expected[output]}
        for output, content in outputs.items():
            (kind, shape, values), (as_before, shaped, before) = as_sampled(content), as_sampled(expected[output])
            assert (kind, shape) == (as_before, shaped)
            np.testing.assert_allclose(values, before, OTHER_KERNELS, OTHER_KERNELS, err_msg=f"{output} {dtype}")
