"""Oracle: legacy_tf1/recordings/optimizers-tf-1.15.5.json, recorded on genuine TensorFlow 1.15.5."""

import os
import subprocess
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import legacy_tf1
from legacy_tf1 import optimizers as legacy
from tf_repro import optimizers
from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.core.ulp import distance
from tf_repro.suite.recordings import load_recording

RECORDINGS = Path(legacy_tf1.__file__).parent / "recordings"


@pytest.fixture(scope="module")
def genuine():
    return load_recording(RECORDINGS / "optimizers-tf-1.15.5.json")["optimizers"]


def make(name):
    kind, arguments = legacy.OPTIMIZERS[name]
    return getattr(optimizers, kind)(**arguments)


def follow(name, compiled, make=make):
    """The optimizer ``name`` on the recorded gradients, as ``legacy_tf1.optimizers.run`` returns it."""
    optimizer = make(name)
    variables = {key: tf.Variable(value, name=key) for key, value in legacy.initial_values().items()}
    optimizer.build(list(variables.values()))

    def step(given):
        table = tf.IndexedSlices(given["table"], tf.constant(legacy.ROWS), tf.constant([5, 3]))
        optimizer.apply([given["w"], given["double"], table], list(variables.values()))

    step = tf.function(step) if compiled else step
    moments = {}
    for number, given in enumerate(legacy.gradients(), 1):
        step({key: tf.constant(value) for key, value in given.items()})
        if number in legacy.RECORDED_STEPS:
            moments[f"{name} after step {number}"] = values(optimizer, variables)
    return moments


def values(optimizer, variables):
    slots = {
        f"{key}/{slot}": optimizer.slot(variable, slot).numpy()
        for key, variable in variables.items()
        for slot in optimizer.initial_slots()
    }
    return {key: variable.numpy().copy() for key, variable in variables.items()} | slots


def recorded(genuine, name):
    return Record({moment: genuine[moment] for moment in genuine if moment.startswith(f"{name} after")})


def hold_against(genuine, moments, name):
    """Every bit equal, but in the eight elements of ``w`` for which TF1 takes approximate roots."""
    drift = 0
    for moment, quantities in recorded(genuine, name).items():
        for quantity, expected in quantities.items():
            received, expected = moments[moment][quantity].ravel(), expected.ravel()
            lanes = 8 if quantity.startswith("w") else 0
            np.testing.assert_array_equal(received[lanes:], expected[lanes:], f"{moment}: {quantity}")
            pairs = zip(received[:lanes], expected[:lanes], strict=True)
            drift = max([drift, *(distance(a, b) for a, b in pairs)])
    assert drift <= make(name).packet_ulp


@pytest.mark.parametrize("name", legacy.OPTIMIZERS)
def test_hundred_steps_follow_genuine_tf1(genuine, name):
    hold_against(genuine, follow(name, compiled=False), name)


@pytest.mark.parametrize("name", ["adam", "ftrl_regularized"])
def test_in_graph_mode_too(genuine, name):
    hold_against(genuine, follow(name, compiled=True), name)


@pytest.mark.parametrize("name", ["adam", "rmsprop_momentum", "ftrl_regularized"])
def test_bit_equal_to_the_session_program_on_this_tensorflow(name):
    assert Record(follow(name, compiled=False)) == Record(legacy.run(name))


def test_planted_epsilon_is_seen(genuine):
    wrong = follow("adam", False, lambda name: optimizers.Adam(0.01, epsilon=1e-7))
    with pytest.raises(AssertionError, match="adam after step 1"):
        hold_against(genuine, wrong, "adam")


@pytest.mark.genuine_tf1
def test_genuine_tf1_still_records_the_same(genuine, tf1_python, tmp_path):
    out = tmp_path / "again.json"
    recorder = [tf1_python, "-W", "ignore", "-m", "legacy_tf1.record", out, "--program", "optimizers"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(recorder, cwd=RECORDINGS.parents[1], env=environment, check=True, capture_output=True)
    again = load_recording(out)["optimizers"]
    if again.provenance["tensorflow"] != "1.15.5":
        pytest.skip(f"the recording is of 1.15.5, the interpreter has {again.provenance['tensorflow']}")
    assert again == genuine


def test_session_program_still_agrees_with_its_recording(genuine):
    assert Record(legacy.run("momentum")) == recorded(genuine, "momentum")


@pytest.mark.parametrize("name", legacy.OPTIMIZERS)
def test_survives_serialization(name):
    original = make(name)
    content = keras.saving.serialize_keras_object(original)
    restored = keras.saving.deserialize_keras_object(content)
    assert type(restored) is type(original)
    assert restored.get_config() == original.get_config()


def test_trains_in_compile_and_resumes_from_a_saved_model(tmp_path):
    features = np.random.RandomState(0).randn(32, 3).astype(np.float32)
    targets = features @ np.float32([[1], [-2], [0.5]])

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizers.Adam(0.05), "mse")
    before = model.evaluate(features, targets, verbose=0)
    model.fit(features, targets, epochs=5, batch_size=8, shuffle=False, verbose=0)
    assert model.evaluate(features, targets, verbose=0) < before

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Keras 3.15 on NumPy 2 gives one
        model.save(tmp_path / "model.keras")
    resumed = keras.saving.load_model(tmp_path / "model.keras")
    for each in (model, resumed):
        each.fit(features, targets, epochs=2, batch_size=8, shuffle=False, verbose=0)
    np.testing.assert_array_equal(resumed.layers[0].kernel.numpy(), model.layers[0].kernel.numpy())


def test_takes_keras_schedules_and_clipping():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    w = tf.Variable([1.0])
    optimizer = optimizers.GradientDescent(schedule, clipvalue=1.0)
    for _ in range(2):
        optimizer.apply([tf.constant([10.0])], [w])
    np.testing.assert_array_equal(w.numpy(), [0.25])


def test_whole_number_is_a_learning_rate():
    w = tf.Variable([1.0])
    optimizers.GradientDescent(1).apply([tf.constant([1.0])], [w])
    assert w.numpy() == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.Adagrad(0.1, initial_accumulator_value=0.0), "must be positive. Received: .*=0.0"),
        (lambda: optimizers.Ftrl(0.1, learning_rate_power=1.0), "must be negative or zero. Received: .*=1.0"),
        (lambda: optimizers.Ftrl(0.1, l1_regularization_strength=-1.0), "positive or zero. Received: l1.*=-1.0"),
        (lambda: optimizers.RMSProp(0.1).slot(None, "rms"), "once the optimizer is built. Received: rmsprop"),
    ],
)
def test_errors_say_rule_and_offender(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_unknown_slot_names_the_known_ones():
    w = tf.Variable([1.0])
    optimizer = optimizers.Adam()
    optimizer.build([w])
    with pytest.raises(InputError, match=r"slot must be one of m, v\. Received: 'momentum'"):
        optimizer.slot(w, "momentum")
