"""Private names of TensorFlow and Keras that are used, each by name: a release that moves one fails here first."""

import importlib
import inspect
import re
from pathlib import Path

import keras
import pytest
import tensorflow as tf

import tf_repro
from tf_repro.core.errors import InputError
from tf_repro.migrate.diagnosis.substitutions import Substitution
from tf_repro.programs.port import places_in
from tf_repro.programs.private import module_with

PRIVATE = {
    "tf_repro.nn.engines: whether XLA compiles a graph": (
        "tensorflow.python.framework.ops",
        "Graph",
        "_get_control_flow_context",
    ),
    "tf_repro.nn.engines: whether XLA compiles an operation": (
        "tensorflow.python.framework.ops",
        "Operation",
        "_get_control_flow_context",
    ),
    "tf_repro.nn.engines: whether oneDNN is on": ("tensorflow.python.util._pywrap_util_port", "IsMklEnabled"),
    "tf_repro.programs.machine: whether oneDNN is on": ("tensorflow.python.util._pywrap_util_port", "IsMklEnabled"),
    "tf_repro.migrate.checker.perturbation: every operation of a graph": (
        "tensorflow.python.framework.op_callbacks",
        "add_op_callback",
    ),
    "tf_repro.migrate.checker.perturbation: the end of it": (
        "tensorflow.python.framework.op_callbacks",
        "remove_op_callback",
    ),
    "tf_repro.migrate.bisection: an operation's arguments": ("tensorflow.python.framework.op_def_registry", "get"),
    "tf_repro.migrate.bisection: every eager operation": ("tensorflow.python.eager.execute", "execute"),
    "tf_repro.migrate.bisection: the fast path of eager mode": (
        "tensorflow.python.pywrap_tfe",
        "TFE_Py_FastPathExecute",
    ),
    "tf_repro.programs.port: the count of names": ("keras.src.utils.naming", "reset_uids"),
    "tf_repro.migrate.draws: the seed of Keras' own draws": ("keras.src.backend.tensorflow.random", "draw_seed"),
    "tf_repro.migrate.draws: a shuffle that draws its seed there": ("keras.src.backend.tensorflow.random", "shuffle"),
    "tf_repro.migrate.diagnosis.substitutions: dropout": ("keras.src.backend.tensorflow.random", "dropout"),
    "tf_repro.migrate.diagnosis.substitutions: a loss's reduction": ("keras.src.losses.loss", "reduce_values"),
    "tf_repro.programs.port: a variable's place in an optimizer": (
        "keras.src.optimizers.base_optimizer",
        "BaseOptimizer",
        "_var_key",
    ),
    "tf_repro.optimizers.adam: what is done once a step": (
        "keras.src.optimizers.base_optimizer",
        "BaseOptimizer",
        "_backend_update_step",
    ),
} | {
    f"tf_repro.migrate.diagnosis.substitutions: {name}": ("keras.src.backend.tensorflow.nn", name)
    for name in ("categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy")
}


@pytest.mark.parametrize("use", PRIVATE)
def test_a_private_name_is_where_it_was(use):
    module, *names = PRIVATE[use]
    found = importlib.import_module(module)
    for name in names:
        assert hasattr(found, name), f"{use}: {'.'.join(PRIVATE[use])} has moved"
        found = getattr(found, name)


def test_what_a_callback_returns_still_replaces_an_operations_result():
    """What Monte Carlo arithmetic stands on."""
    from tensorflow.python.framework import op_callbacks

    def callback(op_type, inputs, attrs, outputs, op_name=None, graph=None):
        return [outputs[0] + 1.0] if op_type == "Square" and graph is not None else None

    op_callbacks.add_op_callback(callback)
    try:
        with tf.Graph().as_default():
            assert tf.square(3.0).op.type == "AddV2"
    finally:
        op_callbacks.remove_op_callback(callback)


def test_an_optimizer_still_numbers_its_variables():
    optimizer = keras.optimizers.Adam()
    variable = keras.Variable([1.0])
    optimizer.build([variable])
    assert optimizer._trainable_variables_indices[optimizer._var_key(variable)] == 0


def test_a_compiled_function_is_seen_as_one():
    """What the control-flow context is asked for; unseen, softmax would take the slower kernels under XLA."""
    from tf_repro.nn.engines import compiled_by_xla

    seen = []

    @tf.function(jit_compile=True)
    def compiled(x):
        seen.append(compiled_by_xla(x))
        return x

    compiled(tf.constant(1.0))
    assert seen == [True]
    assert not compiled_by_xla(tf.constant(1.0))


def test_the_random_kernels_are_where_they_were():
    from tensorflow.python.ops import gen_random_ops

    from tf_repro.migrate.draws import _STATELESS

    assert not [name for name in _STATELESS if not hasattr(gen_random_ops, name)]


def test_the_optimizer_still_keeps_its_learning_rate():
    """Which `learning_rate` gives evaluated: the cause "staircase" is found by the schedule itself."""
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    assert keras.optimizers.SGD(schedule)._learning_rate is schedule


def test_tensors_still_carry_masks_and_logits():
    """What tf_repro.layers.Softmax and the losses read and hand on."""
    assert keras.layers.Masking()(tf.ones([1, 2, 3]))._keras_mask is not None
    logits = tf.ones([1, 2])
    assert keras.activations.softmax(logits)._keras_logits is logits


@pytest.mark.parametrize("method", ["train_step", "test_step", "fit", "evaluate"])
def test_the_frames_of_fit_still_hold_the_weights(method):
    """What tf_repro.layers.fit_checks looks for in them; unseen, weights that go nowhere would not be refused."""
    code = inspect.unwrap(getattr(keras.Model, method)).__code__
    names = ["self", "sample_weight"] + ["class_weight"] * (method == "fit")
    assert not [name for name in names if name not in code.co_varnames]


def test_a_private_name_that_has_moved_is_told_in_one_line():
    with pytest.raises(InputError, match=r"this needs keras\.src\.nowhere\. Received: keras \S+, which lacks it$"):
        module_with("keras.src.nowhere")
    with pytest.raises(InputError, match=r"this needs keras\.src\.utils\.naming\.gone\. Received: keras \S+, which"):
        module_with("keras.src.utils.naming", "reset_uids", "gone")


def test_without_keras_private_numbers_no_variable_has_a_place():
    assert places_in(object(), {"w": tf.Variable(1.0)}) == {}


def test_what_keras_has_no_more_is_not_exchanged(tmp_path):
    moved = Substitution("", ("keras.src.nowhere:dropout", "keras.src.losses.loss:gone"), "", lambda *_: None)
    with moved.applied(tmp_path / "port.py"):
        assert not hasattr(importlib.import_module("keras.src.losses.loss"), "gone")


def test_what_only_one_release_has_is_asked_for_by_its_name():
    """No file reaches into TensorFlow or Keras but by a name that stands above, or in `module_with`."""
    imported = re.compile(r"^\s*(?:from|import) (tensorflow\.python|keras\.src)[\w.]*(?: import (\w+))?", re.MULTILINE)
    files = Path(tf_repro.__file__).parent.rglob("*.py")
    found = {match[0].strip() for file in files for match in imported.finditer(file.read_text(encoding="utf-8"))}
    assert found == {
        "from tensorflow.python.util import _pywrap_util_port",
        "from keras.src.utils import naming",
    }
