"""What the documents' networks begin with."""

import numpy as np

from tf_repro.core.data import initial_weights

SIGMAS = 5
"""How far a mean or a spread of draws may be off, in its own standard deviations: once in two million."""


def test_kernels_are_drawn_around_zero_with_a_spread_of_a_tenth():
    for seed in range(3):
        weights = initial_weights(64, seed=seed)
        for kernel in (weights["W1"], weights["W2"]):
            error = 0.1 / np.sqrt(kernel.size)
            assert abs(kernel.mean()) < SIGMAS * error
            assert abs(kernel.std() - 0.1) < SIGMAS * error
        assert not weights["b1"].any()
        assert not weights["b2"].any()


def test_a_seed_is_a_seed():
    for name, kernel in initial_weights(8, seed=1).items():
        np.testing.assert_array_equal(kernel, initial_weights(8, seed=1)[name])
        assert name.startswith("b") or (kernel != initial_weights(8, seed=2)[name]).any()
