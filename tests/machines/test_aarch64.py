"""On emulated ARM (tests/machines/aarch64): claims of the short documents, and softmax; skipped elsewhere."""

import platform

import numpy as np
import pytest

from tf_repro.suite import claims
from tf_repro.suite import run as suite

pytestmark = pytest.mark.skipif(platform.machine() != "aarch64", reason="for 64-bit ARM; run tests/machines/aarch64")

SHORT = ["softmax_backprop", "softmax_cross_entropy", "softmax_jacobian", "reverse_mode"]


@pytest.mark.parametrize("name", SHORT)
def test_every_claim_is_as_declared(name):
    document = claims.load(name)
    found = list(suite.findings([document], document.engines))
    assert [f"{f.name} on {f.engine}: {f.value}" for f in found if not f.as_declared] == []


@pytest.mark.parametrize("engine", ["eager", "function", "xla"])
def test_tf1_numerics_are_bit_equal_to_1_4_1(engine):
    recorded = suite.record("softmax_backprop", "tf-1.4.1")["after"]
    computed = suite.record("softmax_backprop", f"{engine}:tf1")["after"]
    for name in ("y", "logits", "loss", "w"):
        np.testing.assert_array_equal(computed[name], recorded[name], err_msg=name)
