"""The tests that Keras ships for its softmax layer, run on ours."""

import importlib
import types
from unittest import mock

import pytest

from tf_repro.layers import Softmax

MODULE = "keras.src.layers.activations.softmax_test"


def keras_tests():
    """Keras' test case by name, or None where this Keras ships none there."""
    try:
        return importlib.import_module(MODULE)
    except ModuleNotFoundError:
        return None


def test_keras_still_ships_its_tests_where_we_look_for_them():
    assert keras_tests() is not None, f"{MODULE} has moved: say where to"


if keras_tests() is not None:
    # They train a model without weights, from a generator that cannot be shuffled, and Keras warns of both.
    @pytest.mark.filterwarnings("ignore:The model does not have any trainable weights:UserWarning")
    @pytest.mark.filterwarnings("ignore:`shuffle=True` was passed, but will be ignored:UserWarning")
    class TestSoftmax(keras_tests().SoftmaxTest):
        def setUp(self):
            super().setUp()
            ours = mock.patch.object(keras_tests(), "softmax", types.SimpleNamespace(Softmax=Softmax))
            ours.start()
            self.addCleanup(ours.stop)
