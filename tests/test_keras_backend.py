"""Keras on another framework than TensorFlow is refused at the import, in one line, before that framework is loaded."""

import os
import subprocess
import sys

import pytest

ROOMS = ["layers", "losses", "models", "optimizers"]


@pytest.mark.parametrize(("room", "backend"), [*((room, "jax") for room in ROOMS), ("layers", "torch")])
def test_another_backend_is_refused_when_a_room_is_imported(room, backend):
    environment = {**os.environ, "KERAS_BACKEND": backend}
    code = f"import tf_repro.{room}"
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert found.returncode == 1
    assert found.stderr.strip().splitlines()[-1] == (
        "ImportError: tf_repro's layers, losses, models and optimizers need Keras on TensorFlow. "
        f"Received: KERAS_BACKEND='{backend}'; set KERAS_BACKEND=tensorflow before the first import of keras."
    )


def test_a_backend_that_keras_was_configured_with_is_refused_as_well():
    environment = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    code = (
        "import sys, types; jax = types.ModuleType('keras'); "
        "jax.backend = types.SimpleNamespace(backend=lambda: 'jax'); sys.modules['keras'] = jax; import tf_repro.losses"
    )
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert found.stderr.strip().splitlines()[-1].startswith("ImportError: tf_repro's layers, losses,")
    assert "Received: keras.backend.backend()='jax'" in found.stderr
