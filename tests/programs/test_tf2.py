import re

import numpy as np
import pytest
import tensorflow as tf

from legacy_tf1.documents import DOCUMENTS
from tf_repro.core.errors import InputError
from tf_repro.programs import tf2


def descent(rate=0.5):
    """Descend w² from 8, with a gradient that is returned and a loss that is recorded."""
    w = tf.Variable(8.0)

    def forward(feeds):
        return {"loss": feeds["scale"] * w * w, "w": tf.identity(w)}

    def step(feeds):
        before = forward(feeds)["loss"]
        gradient = 2.0 * feeds["scale"] * w
        w.assign_sub(rate * gradient)
        return {"w": gradient, "loss": before}

    return {"variables": {"w": w}, "forward": forward, "step": step, "feeds": {"scale": np.float32(1)}}


@pytest.mark.parametrize("engine", tf2.ENGINES)
def test_a_program_becomes_a_record(engine):
    numbers = []
    record = tf2.run(descent, {"rate": 0.25}, engine=engine, steps=3, on_step=numbers.append)
    assert list(record) == ["before", "trajectory", "after"]
    assert (record["before"]["w"], record["after"]["w"], record["after"]["loss"]) == (8, 1, 1)
    assert list(record["trajectory"]) == ["loss"], "what a step returns by a variable's name is its gradient"
    np.testing.assert_array_equal(record["trajectory"]["loss"], [64, 16, 4])
    assert numbers == [1, 2, 3]
    assert record.provenance["engine"] == engine


def test_a_program_without_training_has_one_moment():
    record = tf2.run(lambda: {"variables": {}, "forward": lambda feeds: {"one": tf.constant(1)}})
    assert list(record) == ["before"]
    assert record["before"]["one"].dtype == np.int32


@pytest.mark.parametrize(
    ("engine", "execution"),
    [
        ("eager", "eager: no graph was made"),
        ("function", r"tf.function: graphs of \d+ and \d+ operations, each traced once"),
        ("xla", r"XLA: modules of \d+ and \d+ instructions, each compiled"),
    ],
)
def test_the_record_says_how_it_was_executed(engine, execution):
    assert re.fullmatch(execution, tf2.run(descent, engine=engine).provenance["execution"])


@pytest.mark.parametrize("engine", ["function", "xla"])
def test_an_engine_that_is_not_what_it_says_is_found(engine, monkeypatch):
    original = tf.function
    faults = {
        "tf.function is gone": lambda function, **_: function,
        "nothing is compiled": lambda function, **how: original(function, **how | {"jit_compile": False}),
        "run eagerly": lambda function, **how: _eager(original(function, **how)),
    }
    for name, fault in faults.items():
        if (engine, name) == ("function", "nothing is compiled"):
            continue
        monkeypatch.setattr(tf, "function", fault)
        tf.config.run_functions_eagerly(name == "run eagerly")
        try:
            with pytest.raises(RuntimeError, match=f"engine '{engine}' must be"):
                tf2.run(descent, engine=engine)
        finally:
            tf.config.run_functions_eagerly(False)


def _eager(function):
    return function


def test_an_eager_run_inside_a_graph_is_found():
    def forward(feeds):
        return {"one": tf.constant(1.0)}

    executed = tf2.Executed(forward, "eager")
    tf.function(lambda: executed({})["one"])()
    with pytest.raises(RuntimeError, match="must run eagerly at every call"):
        executed.operations({})


def test_unknown_engines_and_bad_counts_are_refused():
    with pytest.raises(InputError, match=r"engine must be one of eager, function, xla. Received: 'cuda'"):
        tf2.run(descent, engine="cuda")
    with pytest.raises(InputError, match=r"steps must be a whole number of at least 1. Received: 0"):
        tf2.run(descent, steps=0)


def test_the_documents_inputs_are_the_same_on_both_sides():
    """Programs stand alone, so each side has its own copy of the inputs."""
    from importlib import import_module
    from inspect import signature

    for document, runs in DOCUMENTS.items():
        port = import_module(f"tf_repro.ports.{document}")
        derivation = import_module(f"tf_repro.suite.derivations.{document}")
        for name in ("X", "W", "Y_TRUE", "TRUTH", "POINT", "LARGE", "LOGITS", "EXAMPLE", "STEP"):
            assert getattr(port, name, None) == getattr(derivation, name, None), (document, name)
        for _, program, inputs, _ in runs:
            assert set(inputs) <= set(signature(getattr(port, program)).parameters), (document, program)


def forward_alone(feeds):
    return {"one": tf.constant(1)}


def growing():
    calls = iter(range(9))
    return {"variables": {}, "forward": forward_alone, "step": lambda feeds: {"loss": tf.zeros(next(calls))}}


@pytest.mark.parametrize(
    ("build", "inputs", "message"),
    [
        (lambda: None, {}, "Received: NoneType from"),
        (lambda: {"variables": {}}, {}, "Received: the keys variables"),
        (lambda: {"variables": {}, "forward": 3}, {}, "forward must be a function of the feeds. Received: 3"),
        (lambda: {"variables": {}, "forward": forward_alone, "stop": 1}, {}, "Received: the keys variables, forward"),
        (descent, {"speed": 1}, "inputs must be among rate. Received: speed"),
        (
            growing,
            {},
            "step.. must return the same quantities each time. Received: {'loss': .0,.}, then {'loss': .1,.}",
        ),
        (
            lambda: {"variables": {}, "forward": lambda _: {"s": tf.constant("x")}},
            {},
            "before/s of dtype",
        ),
    ],
)
def test_what_is_no_program_is_refused_in_one_line(build, inputs, message):
    with pytest.raises(InputError, match=message) as caught:
        tf2.run(build, inputs, steps=2)
    assert "\n" not in str(caught.value)
