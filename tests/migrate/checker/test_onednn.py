"""What oneDNN's kernels alone make of two programs is laid on oneDNN."""

import pytest

from tests.migrate.checker.programs import written
from tf_repro import migrate
from tf_repro.programs.machine import machine

LEGACY = """
import tensorflow as tf

def build():
    x = tf.placeholder(tf.float32, [32, 784])
    w = tf.get_variable("w", [784, 128], initializer=tf.random_normal_initializer(seed=1))
    return {"placeholders": {"x": x}, "fetches": {"y": tf.matmul(x, w)}}
"""
PORT = """
import tensorflow as tf

def build():
    w = tf.Variable(tf.zeros([784, 128]))
    return {"variables": {"w": w}, "forward": lambda feeds: {"y": tf.einsum("nk,km->nm", feeds["x"], w)}}
"""


def test_onednn_is_named(tmp_path):
    """Its product of a transposed kernel, which einsum makes, sums in another order than that of a plain one."""
    report = migrate.check(*written(tmp_path, LEGACY, PORT), strict=True)
    if machine()["onednn"].startswith("off") or report.passed:
        assert report.passed, str(report)  # without it, or on a processor for which it has one kernel: equal bits
        return
    assert report.failed.causes[0].name == "oneDNN", str(report)
    assert "TF_ENABLE_ONEDNN_OPTS=0" in str(report)


@pytest.mark.parametrize("options", [{}, {"max_ulp": 4096, "scaled": True}])
def test_it_is_rounding_unless_bits_are_asked_for(tmp_path, options):
    assert migrate.check(*written(tmp_path, LEGACY, PORT), **options).passed
