"""What is not reproducible is named, and aligned where it can be."""

import pytest

from tests.migrate.checker.programs import LEGACY, PORT, changed, written
from tf_repro import migrate
from tf_repro.core.errors import InputError

HIDDEN = "tf.matmul(hidden, w2)"
DROPPED_LEGACY = changed(LEGACY, (HIDDEN, "tf.matmul(tf.nn.dropout(hidden, keep_prob=0.5), w2)"))
DROPPED_PORT = changed(PORT, (HIDDEN, "tf.matmul(tf.nn.dropout(hidden, 0.5), w2)"))


def test_dropout_is_aligned_where_that_is_asked_for(tmp_path):
    report = migrate.check(*written(tmp_path, DROPPED_LEGACY, DROPPED_PORT), steps=3)
    assert report.failed.name == "forward"
    assert "each time it is run" in report.failed.detail
    assert "--deterministic-draws" in report.failed.detail
    report = migrate.check(*written(tmp_path, DROPPED_LEGACY, DROPPED_PORT), steps=3, deterministic_draws=True)
    assert report.passed, str(report)


@pytest.mark.slow
def test_a_fault_shows_behind_aligned_dropout(tmp_path):
    port = changed(DROPPED_PORT, ("dropout(hidden, 0.5)", "dropout(hidden, 0.4)"))
    report = migrate.check(*written(tmp_path, DROPPED_LEGACY, port), steps=3, deterministic_draws=True)
    assert report.failed.name == "forward"
    assert "each time it is run" not in report.failed.detail


def test_draws_are_not_aligned_in_genuine_tensorflow_1(tmp_path):
    with pytest.raises(InputError, match=r"--deterministic-draws needs the TF1 program on compat\.v1"):
        migrate.check(*written(tmp_path), tf1_python="python", deterministic_draws=True)
