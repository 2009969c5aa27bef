"""Private names of TensorFlow and Keras that are used, each by name: a release that moves one fails here first."""

import importlib

import keras
import pytest
import tensorflow as tf

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
    "tf_repro.migrate.draws: the random kernels": ("tensorflow.python.ops.gen_random_ops", "truncated_normal"),
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
    "tf_repro.programs.port: a variable's place in an optimizer": (
        "keras.src.optimizers.base_optimizer",
        "BaseOptimizer",
        "_get_variable_index",
    ),
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
