"""An exported model serves where the package cannot be imported."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.keras.families import CLASSES, WIDTH, problem
from tests.tolerances import ONE_PASS
from tf_repro.layers import LinearCrossEntropy, ReversibleEmbedding, Softmax

SERVE = """
import sys
sys.modules["tf_repro"] = None  # an import of it fails
import numpy as np
import tensorflow as tf
folder, inputs, outputs = sys.argv[1:]
model = tf.saved_model.load(folder)
np.save(outputs, model.serve(np.load(inputs)))
assert not any(name.startswith("tf_repro.") for name in sys.modules)
"""


def softmax():
    features = keras.Input((WIDTH,))
    return keras.Model(features, Softmax()(keras.layers.Dense(CLASSES)(features)))


def head():
    features = keras.Input((WIDTH,))
    return keras.Model(features, LinearCrossEntropy(CLASSES, soft_cap=3.0)(features))


def tied():
    embedding = ReversibleEmbedding(CLASSES, 3)
    tokens = keras.Input((WIDTH,), dtype="int32")
    return keras.Model(tokens, embedding(embedding(tokens), reverse=True))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras and NumPy 2
@pytest.mark.parametrize("model", [softmax, head, tied])
def test_export_serves_without_the_package(model, tmp_path):
    keras.utils.set_random_seed(0)
    features, labels, _ = problem()
    inputs = labels.reshape(-1, WIDTH).astype(np.int32) if model is tied else features
    model = model()
    model.export(tmp_path / "exported", verbose=False)
    np.save(tmp_path / "inputs.npy", inputs)
    paths = [tmp_path / name for name in ("exported", "inputs.npy", "outputs.npy")]
    done = subprocess.run(
        [sys.executable, "-c", SERVE, *paths], env=os.environ, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    np.testing.assert_allclose(np.load(paths[2]), model(inputs), rtol=ONE_PASS, atol=ONE_PASS)


def test_the_program_that_serves_notices_the_package(tmp_path):
    """The planted fault: a program that imports it fails."""
    done = subprocess.run(
        [sys.executable, "-c", 'import sys; sys.modules["tf_repro"] = None; import tf_repro'],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "import of tf_repro halted" in done.stderr
