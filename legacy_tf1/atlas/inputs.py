"""Fixed inputs: the same bits on every machine, and numbers that float32 holds exactly."""

import numpy as np


def uniform(seed, low, high, *shape):
    """Uniform numbers in [low, high) from the frozen stream of ``RandomState.random_sample``."""
    drawn = np.random.RandomState(seed).random_sample(shape)
    return (low + (high - low) * drawn).astype(np.float32).astype(np.float64)


def normal(seed, *shape):
    """Nearly normal numbers: twelve uniform ones less six, so that no libm takes part."""
    random, total = np.random.RandomState(seed), np.zeros(shape)
    for _ in range(12):
        total = total + random.random_sample(shape)
    return (total - 6.0).astype(np.float32).astype(np.float64)


def integers(seed, high, *shape):
    """Integers in [0, high), as int32."""
    return np.floor(uniform(seed, 0, high, *shape)).astype(np.int32)
