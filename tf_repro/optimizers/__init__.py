"""Keras 3 optimizers that follow ``tf.train.*Optimizer`` bit for bit.

TensorFlow 2 still ships the training kernels of TensorFlow 1, and these classes are thin faces over them. Slots have
TF1's names and initial values, and hyperparameters take TF1's way into the kernel: a Python number becomes a float32
first and the variable's dtype after that. One hundred steps of each, dense and sparse, float32 and float64, equal the
recording of genuine TensorFlow 1.15.5 in every bit, with one declared exception: TF1 took the square roots of eight
float32 at once by the processor's approximation and one Newton step, where TF2 rounds them correctly. ``packet_ulp``
says how far that has carried an optimizer with a root, at most, after one hundred steps; elements that do not fill a
group of eight, float64 and sparse rows are bit-equal.
"""

import tf_repro.keras_backend  # noqa: F401 (refuses another backend before TensorFlow is imported)
from tf_repro.optimizers.adam import Adam
from tf_repro.optimizers.adaptive import Adadelta, Adagrad, RMSProp
from tf_repro.optimizers.base import TF1Optimizer
from tf_repro.optimizers.descent import GradientDescent, Momentum
from tf_repro.optimizers.ftrl import Ftrl

__all__ = ["Adadelta", "Adagrad", "Adam", "Ftrl", "GradientDescent", "Momentum", "RMSProp", "TF1Optimizer"]
