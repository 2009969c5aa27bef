"""Rounding is measured by moving what each operation gives, and without TensorFlow's callbacks by moving variables."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.migrate.checker import test_onednn
from tests.migrate.checker.programs import written
from tf_repro import migrate
from tf_repro.core.errors import InputError
from tf_repro.migrate.checker.perturbation import perturbed
from tf_repro.programs import processes


def moved(function, *arrays):
    """By how much a graph's result moves, over twenty perturbed graphs."""
    results = []
    for number in range(20):
        with perturbed(number), tf.Graph().as_default(), tf.compat.v1.Session() as session:
            fed = [tf.compat.v1.placeholder(tf.float32, array.shape) for array in arrays]
            results.append(session.run(function(*fed), dict(zip(fed, arrays, strict=True))))
    return np.max(np.abs(np.array(results) - results[0]), axis=0)


@pytest.mark.parametrize("terms", [16, 1024])
def test_a_sum_moves_as_far_as_another_order_of_it(terms):
    """The oracle is NumPy: the errors of a sequential float32 sum against float64, over many rows."""
    random = np.random.RandomState(0)
    rows = random.randn(200, terms).astype(np.float32)
    sequential = np.cumsum(rows, axis=1, dtype=np.float32)[:, -1]
    errors = np.abs(sequential - rows.sum(axis=1, dtype=np.float64))
    spread = moved(lambda x: tf.reduce_sum(x, 1), rows)
    assert 0.5 < np.sqrt(np.mean(spread**2) / np.mean(errors**2)) < 8


def test_what_does_not_round_is_not_moved():
    assert not moved(lambda x: tf.reshape(x, [4]), np.ones((2, 2), np.float32) / 3).any()
    assert not moved(lambda x: x + x, np.full(3, 2.0, np.float32)).any()  # whole numbers are counts and labels


def test_without_callbacks_the_ports_variables_are_moved(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow.python.framework.op_callbacks", None)
    import tensorflow.python.framework as framework

    monkeypatch.delattr(framework, "op_callbacks", raising=False)
    with pytest.raises(InputError, match="which lacks it"), perturbed(0):
        pass
    with processes.in_this_process():
        assert migrate.check(*written(tmp_path, test_onednn.LEGACY, test_onednn.PORT), max_ulp=2**20).passed
