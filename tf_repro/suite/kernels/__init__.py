"""The kernels of TensorFlow 1.x's wheels, emulated in plain NumPy: the same bits on every CPU.

A wheel compiled for SSE (1.4 and earlier) computes four floats at a time, one compiled for AVX (from 1.5 on) eight.
Every operation here rounds on its own and every sum has its order spelled out, so that nothing depends on how NumPy
itself was built.
"""

from tf_repro.suite.kernels.eigen import LANES, reduce_mean, softmax, softmax_gradient

__all__ = ["LANES", "reduce_mean", "softmax", "softmax_gradient"]
