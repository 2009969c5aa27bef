"""Sums of rows keep their digits however long the rows are, and products of rows go where they are exact."""

import numpy as np
import pytest
import tensorflow as tf

from tests.nn.problems import MODES, slow
from tests.tolerances import TOLERANCE, UNIT_ROUNDOFF, row_error
from tf_repro.nn import sums

# Blocks of 16 terms and one sum in float64; or five levels of blocks, each of half of 16 roundings.
BOUND = {"float32": TOLERANCE["float32"], "float64": 5 * 8 * UNIT_ROUNDOFF["float64"]}
WIDTHS = [64, 1000, 8191, 131072]
TERMS = {
    "equal": lambda width: np.full(width, 0.3),
    "a large one among small": lambda width: np.where(np.arange(width) == width // 2, 1, 2e-9),
    "two large ones among small": lambda width: np.where(np.arange(width) % (width // 2) == 0, 0.9, 2e-9),
}


@pytest.mark.parametrize("mode", ["function", slow("eager"), slow("xla")])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("known", [True, False], ids=["width known", "width unknown"])
def test_error_does_not_grow_with_the_length(mode, dtype, known):
    run = MODES[mode](sums.row_sum)
    if not known and mode != "eager":
        run = tf.function(sums.row_sum, [tf.TensorSpec([None, None], dtype)], jit_compile=mode == "xla")
    for width in WIDTHS:
        rows = np.stack([make(width) for make in TERMS.values()]).astype(dtype)
        truth = rows.astype(np.longdouble).sum(-1, keepdims=True)
        assert row_error(run(tf.constant(rows)), truth, dtype=dtype) <= BOUND[dtype]


@pytest.mark.parametrize("terms", TERMS.values(), ids=TERMS)
def test_terms_added_one_after_another_would_not_do(terms):
    row = terms(131072).astype(np.float32)
    in_sequence = np.cumsum(row)[-1:]
    assert row_error(in_sequence, row.astype(np.longdouble).sum(keepdims=True)) > TOLERANCE["float32"]


@pytest.mark.parametrize(
    ("onednn", "gpus", "multiplied"), [(False, [], True), (True, [], False), (False, ["GPU"], False)]
)
def test_products_of_rows_are_matrix_products_only_where_those_are_fast_and_exact(
    onednn, gpus, multiplied, monkeypatch
):
    """A GPU may round the operands of a matrix product to TF32; oneDNN's small ones are slow."""
    monkeypatch.setattr(sums, "onednn_is_on", lambda: onednn)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    spec = tf.TensorSpec([3, 1000])
    graph = tf.function(lambda a, b: sums.row_dot(a, b)).get_concrete_function(spec, spec)
    assert any("MatMul" in op.type for op in graph.graph.get_operations()) == multiplied
    a, b = np.random.RandomState(0).randn(2, 3, 1000).astype(np.float32)
    truth = (a.astype(np.longdouble) * b).sum(-1, keepdims=True)
    terms = np.abs(a * b).sum(-1, keepdims=True)
    assert (np.abs(graph(tf.constant(a), tf.constant(b)) - truth) <= TOLERANCE["float32"] * terms).all()
