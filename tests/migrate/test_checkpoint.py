"""Oracle: tests/data/tf1_checkpoint, saved and trained on by genuine TensorFlow 1.15.5 (legacy_tf1/checkpoint.py)."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from legacy_tf1 import checkpoint as legacy
from tests.tolerances import FEW_ROUNDINGS
from tf_repro import migrate, optimizers
from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.programs.port import tf1_slots
from tf_repro.suite.recordings import load_recording

DATA = Path(__file__).parents[1] / "data" / "tf1_checkpoint"


@pytest.fixture(scope="module")
def genuine():
    return load_recording(DATA / "continuation.json")


def port(name):
    """The program's variables, empty, and its optimizer."""
    kind, arguments = legacy.OPTIMIZERS[name]
    variables = {key: tf.Variable(tf.zeros(shape), name=key) for key, shape in legacy.SHAPES.items()}
    decay = (legacy.DECAY_STEPS, legacy.DECAY)
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, *decay, staircase=True)
    return variables, getattr(optimizers, kind)(rate, **arguments)


def values(variables, optimizer):
    slots = {
        f"{key}/{slot}": optimizer.slot(variable, slot).numpy()
        for key, variable in variables.items()
        for slot in optimizer.initial_slots()
    }
    return {key: variable.numpy() for key, variable in variables.items()} | slots


def train_on(variables, optimizer):
    factors, targets = legacy.values(1), legacy.values(2)
    for _ in range(legacy.CONTINUED - legacy.SAVED):
        with tf.GradientTape() as tape:
            loss = sum(tf.reduce_sum(tf.square(v * factors[key] - targets[key])) for key, v in variables.items())
        optimizer.apply(tape.gradient(loss, list(variables.values())), list(variables.values()))


@pytest.mark.parametrize("name", legacy.OPTIMIZERS)
def test_training_goes_on_bit_for_bit(genuine, name):
    variables, optimizer = port(name)
    report = migrate.load_tf1_checkpoint(DATA / name, variables, optimizer=optimizer)
    assert report.complete
    assert report.restored
    moments = {"saved": values(variables, optimizer)}
    train_on(variables, optimizer)
    moments["continued"] = values(variables, optimizer)
    assert Record(moments) == genuine[name]


@pytest.mark.parametrize("lost", ["slots", "powers", "iterations"])
def test_planted_loss_is_seen(genuine, lost):
    variables, optimizer = port("adam")
    migrate.load_tf1_checkpoint(DATA / "adam", variables, optimizer=optimizer)
    if lost == "slots":
        optimizer.slot(variables["hidden/bias"], "v").assign(tf.zeros([3]))
    if lost == "powers":
        optimizer.powers["beta2"].assign(0.999)
    if lost == "iterations":
        optimizer.iterations.assign(0)
    train_on(variables, optimizer)
    assert Record({"continued": values(variables, optimizer)}) != Record({"continued": genuine["adam"]["continued"]})


def test_session_program_still_agrees_with_its_recording(genuine):
    with tf.Graph().as_default():
        assert Record(legacy.run("nesterov")) == genuine["nesterov"]


def test_report_names_every_tensor():
    variables, optimizer = port("adam")
    report = migrate.load_tf1_checkpoint(DATA / "adam", variables, optimizer=optimizer)
    assert report.matched["hidden/kernel/Adam_1"] == "hidden/kernel/v"
    assert report.matched["beta1_power"] == "beta1_power"
    assert report.matched["global_step"] == "iterations"
    assert len(report.matched) == 4 + 8 + 2 + 1
    assert report.ignored == ()
    assert "hidden/bias/Adam → hidden/bias/m" in str(report)


def test_weights_alone_into_a_keras_model(genuine):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    report = migrate.load_tf1_checkpoint(DATA / "adam", model)
    assert report.restored
    assert "hidden/kernel/Adam" in report.ignored
    np.testing.assert_array_equal(model.layers[1].kernel.numpy(), genuine["adam"]["saved"]["output/kernel"])


def test_compiled_model_takes_weights_and_slots(genuine):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    model.compile(optimizers.Adam(), "mse")
    migrate.load_tf1_checkpoint(DATA / "adam", model, optimizer=model.optimizer)
    slot = model.optimizer.slot(model.layers[0].kernel, "v").numpy()
    np.testing.assert_array_equal(slot, genuine["adam"]["saved"]["hidden/kernel/v"])


def unchanged(variables):
    return all(not v.numpy().any() for v in variables.values())


def test_shape_that_disagrees_changes_nothing_unless_told_so():
    variables, _ = port("adam")
    variables["hidden/kernel"] = tf.Variable(tf.zeros([3, 2]), name="hidden/kernel")
    report = migrate.load_tf1_checkpoint(DATA / "adam", variables)
    assert not report.restored
    assert unchanged(variables)
    (difference,) = report.disagreements
    assert str(difference) == "hidden/kernel is float32 [2, 3], hidden/kernel is float32 [3, 2]"
    report = migrate.load_tf1_checkpoint(DATA / "adam", variables, allow_incomplete=True)
    assert report.restored
    assert variables["hidden/bias"].numpy().any()
    assert not variables["hidden/kernel"].numpy().any()


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        (lambda v: v.update(extra=tf.Variable([0.0, 0.0])), "missing", ("extra",)),
        (lambda v: v.pop("output/bias"), "unused", ("output/bias",)),
    ],
)
def test_incomplete_match_changes_nothing(change, field, expected):
    variables, _ = port("adam")
    change(variables)
    report = migrate.load_tf1_checkpoint(DATA / "adam", variables)
    assert getattr(report, field) == expected
    assert not report.restored
    assert unchanged(variables)


def test_missing_slots_are_told():
    variables, _ = port("adam")
    report = migrate.load_tf1_checkpoint(DATA / "nesterov", variables, optimizer=optimizers.Adam())
    assert not report.restored
    assert {"hidden/bias/m", "hidden/bias/v", "beta1_power"} <= set(report.missing)


def test_slots_under_a_name_given_to_the_optimizer(tmp_path):
    path = saved(tmp_path, w=[1.0], w__mine=[2.0], w__mine_1=[3.0], beta1_power=0.5, beta2_power=0.25)
    w, optimizer = tf.Variable([0.0]), optimizers.Adam()
    assert migrate.load_tf1_checkpoint(path, {"w": w}, optimizer=optimizer).restored
    assert [optimizer.slot(w, name).numpy().item() for name in "mv"] == [2, 3]
    assert optimizer.powers["beta2"].numpy() == 0.25


def test_dtype_that_disagrees():
    variables, _ = port("adam")
    variables["hidden/bias"] = tf.Variable(tf.zeros([3], tf.float64))
    report = migrate.load_tf1_checkpoint(DATA / "adam", variables)
    assert [each.port_form for each in report.disagreements] == ["float64 [3]"]


def saved(folder, **arrays):
    """A checkpoint of these variables by compat.v1's Saver."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, value in arrays.items():
            tf.compat.v1.get_variable(name.replace("__", "/"), initializer=value)
        session.run(tf.compat.v1.global_variables_initializer())
        return tf.compat.v1.train.Saver().save(session, str(folder / "model.ckpt"), write_meta_graph=False)


def test_ambiguous_names_change_nothing_until_mapped(tmp_path):
    path = saved(tmp_path, first=[1.0, 2.0], second=[3.0, 4.0])
    variables = {"b": tf.Variable([0.0, 0.0]), "a": tf.Variable([0.0, 0.0])}
    report = migrate.load_tf1_checkpoint(path, variables)
    assert report.ambiguous == ("first", "second")
    assert unchanged(variables)
    report = migrate.load_tf1_checkpoint(tmp_path, variables, {"first": "a", "second": "b"})
    assert report.restored
    np.testing.assert_array_equal(variables["b"], [3, 4])


def test_layers_that_tf1_counted_up(tmp_path):
    path = saved(tmp_path, dense__kernel=[[1.0]], dense_1__kernel=[[2.0]], dense__bias=[3.0], dense_1__bias=[4.0])
    names = ["net/dense/kernel", "net/dense_1/kernel", "net/dense/bias", "net/dense_1/bias"]
    variables = {name: tf.Variable(tf.zeros([1, 1] if "kernel" in name else [1])) for name in names}
    assert migrate.load_tf1_checkpoint(path, variables).restored
    assert [v.numpy().item() for v in variables.values()] == [1, 2, 3, 4]


def test_cells_of_a_stack(tmp_path):
    """All kernels are of one form, and the port lists them in another order."""
    cells = {f"rnn__multi_rnn_cell__cell_{n}__lstm_cell__kernel": [[float(n)]] for n in range(11)}
    path = saved(tmp_path, **cells)
    variables = {f"stack/{n}/kernel": tf.Variable([[-1.0]]) for n in reversed(range(11))}
    report = migrate.load_tf1_checkpoint(path, variables)
    assert report.restored, str(report)
    assert [v.numpy().item() for v in variables.values()] == list(range(10, -1, -1))


def test_numbers_that_begin_elsewhere_decide_nothing(tmp_path):
    path = saved(tmp_path, dense_1__kernel=[[1.0]], dense_2__kernel=[[2.0]])
    variables = {name: tf.Variable([[0.0]]) for name in ("dense_1/kernel_a", "dense/kernel_b")}
    assert not migrate.load_tf1_checkpoint(path, variables).restored


GAN = {"generator": (0.5, 3), "discriminator": (0.9, 5)}
"""The β1 of each part's Adam, and the steps that it takes."""


def trained_gan(folder):
    """A checkpoint of two parts with an optimizer each, and what a variable and a slot of each then are."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        trains, prints = {}, {}
        for part, (beta, _) in GAN.items():
            with v1.variable_scope(part):
                w = v1.get_variable("dense/kernel", initializer=[[1.0, 2.0]])
            optimizer = v1.train.AdamOptimizer(0.1, beta1=beta)
            trains[part] = optimizer.minimize(tf.reduce_sum(w * w), var_list=[w])
            prints[part] = w, optimizer.get_slot(w, "m")
        session.run(v1.global_variables_initializer())
        for part, (_, steps) in GAN.items():
            for _ in range(steps):
                session.run(trains[part])
        path = v1.train.Saver().save(session, str(folder / "gan.ckpt"), write_meta_graph=False)
        return path, session.run(prints)


def test_sub_models_with_an_optimizer_each(tmp_path):
    """Keras calls the variables of both parts dense/kernel."""
    path, expected = trained_gan(tmp_path)
    models = {
        part: keras.Sequential([keras.Input([1]), keras.layers.Dense(2, use_bias=False, name="dense")]) for part in GAN
    }
    adams = {part: optimizers.Adam(0.1, beta1=beta) for part, (beta, _) in GAN.items()}
    report = migrate.load_tf1_checkpoint(path, models, optimizer=adams)
    assert report.restored, str(report)
    for part, (kernel, m) in expected.items():
        beta, steps = GAN[part]
        (w,) = models[part].weights
        np.testing.assert_array_equal(w, kernel)
        np.testing.assert_array_equal(adams[part].slot(w, "m"), m)
        assert adams[part].powers["beta1"].numpy() == np.prod(np.full(steps + 1, beta, np.float32))  # begins at β


def test_optimizers_of_no_sub_model(tmp_path):
    path, _ = trained_gan(tmp_path)
    with pytest.raises(InputError, match=r"must have the keys of the sub-models .* Received: 'critic'"):
        migrate.load_tf1_checkpoint(path, {"w": tf.Variable([[0.0, 0.0]])}, optimizer={"critic": optimizers.Adam()})


def test_left_out_by_the_name_map(tmp_path):
    path = saved(tmp_path, w=[1.0], unused=[[2.0]])
    w = tf.Variable([0.0])
    assert not migrate.load_tf1_checkpoint(path, {"w": w}).restored
    report = migrate.load_tf1_checkpoint(path, {"w": w}, {"unused": None})
    assert report.restored
    assert report.ignored == ("unused",)


KERAS_OPTIMIZERS = {
    "adam": (lambda: keras.optimizers.Adam(0.1, epsilon=1e-8), ("m", "v")),
    "rmsprop": (lambda: keras.optimizers.RMSprop(0.1, momentum=0.5, centered=True), ("rms", "mg", "momentum")),
}


@pytest.mark.parametrize("name", KERAS_OPTIMIZERS)
def test_slots_of_keras_own_optimizer(genuine, name):
    make, slots = KERAS_OPTIMIZERS[name]
    (variables, _), optimizer = port(name), make()
    report = migrate.load_tf1_checkpoint(DATA / name, variables, optimizer=optimizer)
    assert report.restored
    kept = tf1_slots(optimizer)
    assert tuple(kept) == slots
    restored = {f"{key}/{slot}": kept[slot][place].numpy() for place, key in enumerate(variables) for slot in slots}
    saved_by_tf1 = {key: value for key, value in genuine[name]["saved"].items() if key not in variables}
    assert Record({"saved": restored}) == Record({"saved": saved_by_tf1})
    assert int(optimizer.iterations.numpy()) == legacy.SAVED


def test_keras_adam_trains_on_as_tf1(genuine):
    variables, _ = port("adam")
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, legacy.DECAY_STEPS, legacy.DECAY, staircase=True)
    optimizer = keras.optimizers.Adam(rate, epsilon=1e-8)
    migrate.load_tf1_checkpoint(DATA / "adam", variables, optimizer=optimizer)
    train_on(variables, optimizer)
    for key, variable in variables.items():
        expected = genuine["adam"]["continued"][key]
        np.testing.assert_allclose(variable.numpy(), expected, rtol=0, atol=FEW_ROUNDINGS * np.abs(expected).max())


def test_keras_rmsprop_without_momentum_leaves_that_slot():
    variables, _ = port("rmsprop")
    optimizer = keras.optimizers.RMSprop(0.1, centered=True)
    report = migrate.load_tf1_checkpoint(DATA / "rmsprop", variables, optimizer=optimizer)
    assert report.restored
    assert {name for name in report.ignored if name.startswith("hidden/bias/")} == {"hidden/bias/RMSProp_2"}


@pytest.mark.parametrize("optimizer", [keras.optimizers.RMSprop(0.1), optimizers.RMSProp(0.1)])
def test_slots_of_another_form_of_the_optimizer_are_not_mistaken(optimizer):
    """A centered RMSProp has three slots, and its second is another one's momentum."""
    variables, _ = port("rmsprop")
    report = migrate.load_tf1_checkpoint(DATA / "rmsprop", variables, optimizer=optimizer)
    assert not report.restored
    assert "hidden/bias/rms" in report.missing
    assert unchanged(variables)


def test_keras_adam_needs_the_count_of_steps(tmp_path):
    path = saved(tmp_path, w=[1.0], w__Adam=[2.0], w__Adam_1=[3.0], beta1_power=0.5, beta2_power=0.25)
    w = tf.Variable([0.0], name="w")
    report = migrate.load_tf1_checkpoint(path, {"w": w}, optimizer=keras.optimizers.Adam())
    assert (report.restored, report.missing) == (False, ("iterations",))


@pytest.mark.parametrize(
    "optimizer", [keras.optimizers.Nadam(), keras.optimizers.SGD(momentum=0.9), keras.optimizers.Adam(amsgrad=True)]
)
def test_optimizer_whose_slots_are_others(optimizer):
    variables, _ = port("adam")
    name = type(optimizer).__name__
    with pytest.raises(InputError, match=rf"one of tf_repro\.optimizers, or one of Keras' .* Received: {name}"):
        migrate.load_tf1_checkpoint(DATA / "adam", variables, optimizer=optimizer)
