"""What is drawn tells ports apart: numbers of examples, the whole range of integers, training and inference."""

import numpy as np
import pytest
import tensorflow as tf

from legacy_tf1.drawn_ranges import bound
from tests.migrate.checker.programs import LEGACY, PORT, changed, written
from tf_repro import migrate

SUM = changed(LEGACY, ("tf.reduce_mean(tf.nn", "tf.reduce_sum(tf.nn"))
MODE_LEGACY = changed(
    LEGACY,
    ("    w1 =", "    mode = tf.placeholder(tf.bool, [])\n    w1 ="),
    ("tf.matmul(hidden, w2)", "tf.matmul(hidden * (1.0 - 0.5 * tf.cast(mode, tf.float32)), w2)"),
    ('{"x": x,', '{"x": x, "mode": mode,'),
)
MODE_PORT = changed(PORT, ("tf.matmul(hidden, w2)", 'tf.matmul(hidden * (0.5 if feeds["mode"] else 1.0), w2)'))

CLASSES_LEGACY = """
import tensorflow as tf

def build():
    words, label = tf.placeholder(tf.int64, [None, 3]), tf.placeholder(tf.int32, [None])
    table = tf.get_variable("table", [50, 4], initializer=tf.random_uniform_initializer(-1, 1, seed=1))
    kernel = tf.get_variable("kernel", [12, 7], initializer=tf.random_uniform_initializer(-1, 1, seed=2))
    logits = tf.matmul(tf.reshape(tf.nn.embedding_lookup(table, words), [-1, 12]), kernel)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits)
    loss = tf.reduce_sum(losses * tf.gather(tf.constant([1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0]), label))
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    return {"placeholders": {"words": words, "label": label}, "fetches": {"loss": loss}, "train": train}
"""
CLASSES_PORT = """
import tensorflow as tf
from tf_repro import optimizers

def build():
    variables = table, kernel = tf.Variable(tf.zeros([50, 4])), tf.Variable(tf.zeros([12, 7]))
    optimizer = optimizers.GradientDescent(0.01)

    def forward(feeds):
        logits = tf.matmul(tf.reshape(tf.nn.embedding_lookup(table, feeds["words"]), [-1, 12]), kernel)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(feeds["label"], logits)
        weights = tf.gather(tf.constant([1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0]), feeds["label"])
        return {"loss": tf.reduce_sum(losses * weights)}

    def step(feeds):
        with tf.GradientTape() as tape:
            loss = forward(feeds)["loss"]
        optimizer.apply(tape.gradient(loss, variables), variables)

    return {"variables": {"table": table, "kernel": kernel}, "forward": forward, "step": step, "optimizer": optimizer}
"""


def test_a_hard_coded_number_of_examples_parts_in_the_forward_pass(tmp_path):
    port = changed(PORT, ("tf.reduce_mean(tf.nn", "8.0 * tf.reduce_mean(tf.nn"))
    report = migrate.check(*written(tmp_path, SUM, port))
    assert report.failed.name == "forward"
    assert report.failed.detail == "1 of 2 tensors apart with another number of examples, or in inference mode: loss"


def test_a_port_that_takes_one_number_of_examples_only_fails_the_rung(tmp_path):
    port = changed(PORT, ("tf.matmul(hidden, w2)", "tf.matmul(tf.reshape(hidden, [8, 6]), w2)"))
    report = migrate.check(*written(tmp_path, port=port))
    assert report.failed.name == "forward"
    assert "not another number of examples" in report.failed.detail


def test_a_program_that_takes_one_number_of_examples_only_is_fed_no_other(tmp_path):
    legacy = changed(LEGACY, ("tf.matmul(hidden, w2)", "tf.matmul(tf.reshape(hidden, [8, 6]), w2)"))
    report = migrate.check(*written(tmp_path, legacy), steps=4)
    assert report.passed, str(report)
    assert report.verdict.endswith("on drawn inputs (x: normal, y: normal)")


def test_classes_that_are_weighted_and_words_up_to_the_last(tmp_path):
    report = migrate.check(*written(tmp_path, CLASSES_LEGACY, CLASSES_PORT), steps=3)
    assert report.passed, str(report)
    assert "words: 0 … 49 (8, 5, 3 examples), label: 0 … 6 (8, 5, 3 examples)" in report.verdict
    report = migrate.check(*written(tmp_path, CLASSES_LEGACY, changed(CLASSES_PORT, ("losses * weights", "losses"))))
    assert (report.failed.name, report.failed.tensor) == ("forward", "loss")


@pytest.mark.slow
def test_training_and_inference(tmp_path):
    report = migrate.check(*written(tmp_path, MODE_LEGACY, MODE_PORT), steps=3)
    assert report.passed, str(report)
    assert "mode: True in training, False in inference" in report.verdict
    report = migrate.check(*written(tmp_path, MODE_LEGACY, changed(MODE_PORT, (' if feeds["mode"] else 1.0', ""))))
    assert report.failed.name == "forward"
    assert "in inference mode" in report.failed.detail


def test_feeds_that_are_given_are_not_called_drawn(tmp_path):
    feeds = {name: np.ones((8, 6), np.float32) for name in ("x", "y")}
    report = migrate.check(*written(tmp_path), feeds=feeds, steps=2)
    assert report.passed
    assert "drawn" not in report.verdict


USES = {
    "a table": (lambda v1, ids: v1.gather(v1.zeros([30, 2]), ids), 30),
    "another axis": (lambda v1, ids: v1.gather(v1.zeros([30, 4]), ids, axis=1), 4),
    "one-hot": (lambda v1, ids: v1.one_hot(ids, 9), 9),
    "two uses": (lambda v1, ids: [v1.one_hot(ids, 9), v1.gather(v1.zeros([5]), v1.cast(ids, tf.int64))], 5),
    "a reshaped use": (lambda v1, ids: v1.one_hot(v1.reshape(ids, [-1]), 6), 6),
    "classes": (
        lambda v1, ids: v1.nn.sparse_softmax_cross_entropy_with_logits(labels=ids, logits=v1.zeros([2, 11])),
        11,
    ),
    "a resource": (lambda v1, ids: v1.gather(v1.get_variable("t", [12, 2], use_resource=True), ids), 12),
    "arithmetic": (lambda v1, ids: v1.one_hot(ids + 1, 9), None),
    "nothing": (lambda v1, ids: ids * 2, None),
}


@pytest.mark.parametrize("use", USES)
def test_the_range_is_read_off_the_graph(use):
    function, expected = USES[use]
    with tf.Graph().as_default():
        ids = tf.compat.v1.placeholder(tf.int32, [2])
        function(tf.compat.v1, ids)
        assert bound(ids, tf.make_ndarray) == expected
