"""The tests that Keras ships for its two cross-entropies of classes, run on ours.

Those that hand over probabilities cannot run on a loss that takes logits: there the test is made to hand over their
logarithms, whose softmax they are. What then still differs, differs by intent, and is listed with its reason.
"""

import importlib
import types
from unittest import mock

import numpy as np

from tf_repro.losses import SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy

MODULE = "keras.src.losses.losses_test"

# Test of Keras → why ours differs there.
BY_INTENT = {
    "test_binary_segmentation_different_axis": "Keras on TensorFlow refuses any axis but the last; ours takes it",
    "test_multi_class_segmentation_different_axis": "Keras on TensorFlow refuses any axis but the last; ours takes it",
    "test_squeezes_singleton_class_dim_on_user_axis": "tests a function of Keras, on PyTorch alone",
}


def from_probabilities(loss):
    """``loss`` under Keras' signature, whose default takes probabilities."""

    def make(from_logits=False, **options):
        made = loss(**options)
        if from_logits:
            return made

        def call(y_true, y_pred, sample_weight=None):
            # As Keras does: probabilities are made to sum to 1, and none is below its epsilon.
            p = np.asarray(y_pred, np.float64)
            logs = np.log(np.clip(p / p.sum(-1, keepdims=True), 1e-7, 1 - 1e-7))
            return made(y_true, logs, sample_weight)

        return call

    return make


def keras_tests():
    try:
        return importlib.import_module(MODULE)
    except ModuleNotFoundError:
        return None


def test_keras_still_ships_its_tests_where_we_look_for_them():
    assert keras_tests() is not None, f"{MODULE} has moved: say where to"


def test_every_difference_by_intent_names_a_test_that_is_there():
    cases = (keras_tests().CategoricalCrossentropyTest, keras_tests().SparseCategoricalCrossentropyTest)
    assert all(any(hasattr(case, name) for case in cases) for name in BY_INTENT)


def adapted(case):
    """Keras' test case with our losses in place of its own."""

    class Adapted(case):
        def setUp(self):
            super().setUp()
            if self._testMethodName in BY_INTENT:
                self.skipTest(BY_INTENT[self._testMethodName])
            ours = types.SimpleNamespace(
                CategoricalCrossentropy=from_probabilities(SoftmaxCrossEntropy),
                SparseCategoricalCrossentropy=from_probabilities(SparseSoftmaxCrossEntropy),
            )
            if self._testMethodName == "test_config":
                ours = types.SimpleNamespace(
                    CategoricalCrossentropy=SoftmaxCrossEntropy, SparseCategoricalCrossentropy=SparseSoftmaxCrossEntropy
                )
            patch = mock.patch.object(keras_tests(), "losses", ours)
            patch.start()
            self.addCleanup(patch.stop)

    return Adapted


if keras_tests() is not None:

    class TestSoftmaxCrossEntropy(adapted(keras_tests().CategoricalCrossentropyTest)):
        pass

    class TestSparseSoftmaxCrossEntropy(adapted(keras_tests().SparseCategoricalCrossentropyTest)):
        pass
