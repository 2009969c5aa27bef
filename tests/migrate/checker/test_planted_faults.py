"""Every planted fault is caught on its rung, with its cause, by the change that mends it."""

import pytest

from tests.migrate.checker.programs import LEGACY, PORT, changed, written
from tf_repro import migrate
from tf_repro.programs import processes

GRADIENT_DESCENT = "tf.train.GradientDescentOptimizer(rate)"
APPLY = "optimizer.apply([tf.clip_by_norm(g, 0.5) for g in gradients], variables)"
LOSS = 'tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(feeds["y"], logits))'
HIDDEN = 'tf.nn.relu(tf.matmul(feeds["x"], w1) + b1)'
LOGITS = "tf.matmul(hidden, w2) + b2"

NORMALIZED = "tf.nn.batch_normalization(hidden, *tf.nn.moments(hidden, [0]), None, None, {})"

# name: rung, cause, whether the mended rung is bit-equal, changes to the TF1 program, changes to the port
FAULTS = {
    "wrong epsilon": (
        "one step",
        "epsilon",
        True,
        [(GRADIENT_DESCENT, "tf.train.AdamOptimizer(rate)")],
        [("optimizers.GradientDescent(rate)", "optimizers.Adam(rate, epsilon=1e-5)")],
    ),
    "Keras' Adam": (
        "one step",
        "optimizer",
        True,
        [(GRADIENT_DESCENT, "tf.train.AdamOptimizer(rate)")],
        [("optimizers.GradientDescent(rate)", "keras.optimizers.Adam(rate)")],
    ),
    "RMSProp slot at zero": (
        "one step",
        "RMSProp slot",
        False,
        [(GRADIENT_DESCENT, "tf.train.RMSPropOptimizer(rate)")],
        [("optimizers.GradientDescent(rate)", "keras.optimizers.RMSprop(rate)")],
    ),
    "sign": ("gradients", "sign changed", True, [], [("tf.clip_by_norm(g, 0.5) for", "-tf.clip_by_norm(g, 0.5) for")]),
    "sum for mean": ("forward", "mean for sum", True, [], [("tf.reduce_mean", "tf.reduce_sum")]),
    "loss of the batch twice averaged": (
        "gradients",
        "mean for sum",
        True,
        [(", 0.5), v)", ", 5000.0), v)")],
        [("(g, 0.5)", "(g / 8, 5000.0)")],
    ),
    "from_logits": (
        "forward",
        "from_logits",
        True,
        [],
        [(LOSS, 'tf.reduce_mean(keras.losses.categorical_crossentropy(feeds["y"], logits))')],
    ),
    "softmax twice": (
        "forward",
        "from_logits",
        True,
        [],
        [('(feeds["y"], logits)', '(feeds["y"], tf.nn.softmax(logits))')],
    ),
    "transposed square kernel": (
        "forward",
        "transposed kernel",
        True,
        [],
        [('tf.matmul(feeds["x"], w1)', 'tf.matmul(feeds["x"], w1, transpose_b=True)')],
    ),
    "transposed kernel": (
        "variables",
        "transposed kernel",
        True,
        [('"w1", [6, 6]', '"w1", [6, 5]'), ('"b1", [6]', '"b1", [5]'), ('"w2", [6, 6]', '"w2", [5, 6]')],
        [
            ("w1 = tf.Variable(tf.zeros([6, 6])", "w1 = tf.Variable(tf.zeros([5, 6])"),
            ("b1 = tf.Variable(tf.zeros([6])", "b1 = tf.Variable(tf.zeros([5])"),
            ("w2 = tf.Variable(tf.zeros([6, 6])", "w2 = tf.Variable(tf.zeros([5, 6])"),
            ("w1) + b1", "w1, transpose_b=True) + b1"),
        ],
    ),
    "swapped variables": (
        "forward",
        "swapped variables",
        True,
        [],
        [('"variables": variables', '"variables": {"w1": w2, "b1": b1, "w2": w1, "b2": b2}')],
    ),
    "decay one step early": (
        "N steps",
        "off-by-one decay",
        True,
        [],
        [("optimizers.GradientDescent(rate)", "optimizers.GradientDescent(rate); optimizer.iterations.assign(1)")],
    ),
    "clip by value": (
        "gradients",
        "clip by value for norm",
        True,
        [],
        [("clip_by_norm(g, 0.5)", "clip_by_value(g, -0.5, 0.5)")],
    ),
    "clip by norm for global norm": (
        "gradients",
        "clip by value for norm",
        True,
        [
            (
                "clipped = [(tf.clip_by_norm(g, 0.5), v) for g, v in gradients]",
                "clipped = zip(tf.clip_by_global_norm([g for g, _ in gradients], 0.5)[0], [v for _, v in gradients])",
            )
        ],
        [],
    ),
    "keep_prob for rate": (
        "forward",
        "keep_prob for rate",
        True,
        [("tf.matmul(x, w1) + b1)", "tf.matmul(x, w1) + b1); hidden = tf.nn.dropout(hidden, keep_prob=0.75, seed=7)")],
        [(HIDDEN, f"tf.nn.dropout({HIDDEN}, 0.75, seed=7)")],
    ),
    "float64 leak": (
        "forward",
        "float64 leak",
        True,
        [],
        [(LOGITS, "tf.cast(tf.matmul(tf.cast(hidden, tf.float64), tf.cast(w2, tf.float64)), tf.float32) + b2")],
    ),
    "float64 variable": (
        "variables",
        "float64 leak",
        True,
        [],
        [("b2 = tf.Variable(tf.zeros([6])", "b2 = tf.Variable(tf.zeros([6], tf.float64)")],
    ),
    "stale initial value": (
        "forward",
        "stale initial value",
        True,
        [],
        [("    def forward", "    frozen = w1.numpy()\n\n    def forward"), ('"x"], w1)', '"x"], frozen)')],
    ),
    "wrong learning rate": (
        "one step",
        "learning_rate",
        True,
        [("(rate)", "(0.1)")],
        [("GradientDescent(rate)", "GradientDescent(0.2)")],
    ),
    "wrong initial accumulator": (
        "one step",
        "initial_accumulator_value",
        True,
        [(GRADIENT_DESCENT, "tf.train.AdagradOptimizer(rate)")],
        [("optimizers.GradientDescent(rate)", "optimizers.Adagrad(rate, initial_accumulator_value=0.2)")],
    ),
    "staircase": ("N steps", "staircase", True, [], [("0.5, staircase=True", "0.5, staircase=False")]),
    "another decay": (
        "N steps",
        "learning rate schedule",
        True,
        [],
        [("ExponentialDecay(0.1, 2, 0.5", "ExponentialDecay(0.1, 2, 0.6")],
    ),
    "batch normalization epsilon": (
        "forward",
        "batch normalization epsilon",
        True,
        [("    logits", f"    hidden = {NORMALIZED.format(1e-3)}\n    logits")],
        [("        logits", f"        hidden = {NORMALIZED.format(1e-5)}\n        logits")],
    ),
    "numerics": (
        "gradients",
        "numerics",
        True,
        [("tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits)", "tf.square(tf.nn.softmax(logits) - y)")],
        [
            ("import numpy as np", "from tf_repro import nn"),
            (
                'tf.nn.softmax_cross_entropy_with_logits(feeds["y"], logits)',
                'tf.square(nn.softmax(logits, numerics="tf1") - feeds["y"])',
            ),
        ],
    ),
}


QUICK = ("sign", "from_logits", "wrong epsilon")
"""One for each kind of rung; the others are slow."""


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in FAULTS]
)
def test_fault_is_caught_on_its_rung_with_its_cause(tmp_path, name):
    rung, cause, bit_equal, legacy, port = FAULTS[name]
    strict = name in ("float64 leak", "numerics")  # which change nothing but how the port rounds
    report = migrate.check(*written(tmp_path, changed(LEGACY, *legacy), changed(PORT, *port)), steps=4, strict=strict)
    assert not report.passed
    assert report.failed.name == rung, str(report)
    assert (cause, bit_equal) in {(each.name, each.passes) for each in report.failed.causes}, str(report)
    assert report.failed.causes[0].name in (cause, "optimizer"), str(report)


def test_failed_rung_names_tensor_index_values_and_line(tmp_path):
    report = migrate.check(*written(tmp_path, port=changed(PORT, ("tf.reduce_mean", "tf.reduce_sum"))))
    assert report.failed.tensor == "loss"
    difference = report.failed.difference
    assert difference.index == ()
    assert difference.received == pytest.approx(8 * difference.expected)
    assert difference.ulp > 0
    assert difference.relative == pytest.approx(7)
    line = PORT.splitlines().index(next(text for text in PORT.splitlines() if "reduce_mean" in text)) + 1
    assert f"mean for sum: with tf.reduce_mean for tf.reduce_sum on port.py:{line}, the rung passes" in str(report)


@pytest.mark.slow
def test_an_optimizer_that_brings_the_learning_rates_excludes_no_schedule(tmp_path):
    legacy = changed(LEGACY, (GRADIENT_DESCENT, "tf.train.AdamOptimizer(rate)"))
    keras_adam = ("optimizers.GradientDescent(rate)", "keras.optimizers.Adam(rate)")
    port = changed(PORT, keras_adam, ("staircase=True", "staircase=False"))
    report = migrate.check(*written(tmp_path, legacy, port), steps=4, keep_going=True)
    (rung,) = (rung for rung in report.rungs if rung.name == "N steps")
    assert [cause.name for cause in rung.causes] == ["optimizer"], str(report)
    assert "the learning rates replaced by TF1's too (so a wrong schedule is not excluded)" in rung.causes[0].change
    names = {each.name for each in rung.ruled_out}
    assert not names & {"staircase", "learning rate schedule", "off-by-one decay", "epsilon"}


@pytest.mark.slow
def test_stops_at_the_first_failed_rung_unless_told_otherwise(tmp_path):
    files = written(tmp_path, port=changed(PORT, ("[tf.clip_by_norm", "[-tf.clip_by_norm")))
    statuses = [rung.status for rung in migrate.check(*files, steps=2).rungs]
    assert statuses == ["passed"] * 3 + ["failed"] + ["not reached"] * 3
    statuses = [rung.status for rung in migrate.check(*files, steps=2, keep_going=True).rungs]
    assert statuses == ["passed"] * 3 + ["failed"] * 3 + ["skipped"]


@pytest.mark.slow
def test_unknown_fault_is_not_given_a_cause(tmp_path):
    port = changed(PORT, (LOGITS, f"{LOGITS} + tf.reduce_sum([tf.sin(hidden * n) for n in range(30)], 0)"))
    report = migrate.check(*written(tmp_path, port=port))
    assert report.failed.name == "forward"
    assert not report.failed.causes
    assert len(report.failed.ruled_out) > 5
    assert "cause: unknown" in str(report)
    assert "tested and ruled out: " in str(report)


@pytest.mark.slow
def test_a_step_by_hand_has_no_optimizer_that_could_be_exchanged(tmp_path):
    by_hand = (APPLY, "[v.assign_sub(2 * rate(0) * tf.clip_by_norm(g, 0.5)) for g, v in zip(gradients, variables)]")
    port = changed(PORT, by_hand, ('"optimizer": optimizer', '"optimizer": None'))
    report = migrate.check(*written(tmp_path, port=port), steps=1)
    assert report.failed.name == "one step", str(report)
    assert "optimizer" not in {each.name for each in report.failed.not_tested}


def test_changes_that_there_was_no_time_for_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tf_repro.migrate.diagnosis.causes.RUNS", 0)
    with processes.in_this_process():  # where the budget is patched
        report = migrate.check(*written(tmp_path, port=changed(PORT, ("tf.reduce_mean", "tf.reduce_sum"))))
    assert not report.failed.causes
    assert {each.name for each in report.failed.ruled_out} == {"rounding"}
    assert "mean for sum" in report.failed.untested
    assert "not tested, the runs were used up: " in str(report)
    assert '"mean for sum"' in report.to_json()


def test_distance_is_that_of_the_tensor_that_is_named(tmp_path):
    legacy = changed(LEGACY, ('"loss": loss}', '"loss": loss, "zero": tf.constant([1.0, 0.0])}'))
    port = changed(PORT, ('"loss": loss}', '"loss": loss + 1.0, "zero": tf.constant([1.0, 1e-30])}'))
    report = migrate.check(*written(tmp_path, legacy, port))
    assert report.failed.tensor == "loss"
    assert report.failed.ulp == report.failed.difference.ulp
    assert report.failed.detail == "2 of 3 tensors apart: loss, zero"
