"""A script without build() is run as it is; the oracle is the same program with a build() of its own."""

import numpy as np
import pytest

from tf_repro.programs.tf1 import run_legacy

REGRESSION = """
import numpy as np
import tensorflow as tf

random = np.random.RandomState(0)
images, digits = random.randn(40, 6).astype(np.float32), np.eye(3, dtype=np.float32)[random.randint(0, 3, 40)]
x = tf.placeholder(tf.float32, [None, 6])
y_ = tf.placeholder(tf.float32, [None, 3])
W = tf.Variable(tf.random_normal([6, 3], seed=1))
b = tf.Variable(tf.zeros([3]))
y = tf.nn.softmax(tf.matmul(x, W) + b)
cost = tf.reduce_mean(-tf.reduce_sum(y_ * tf.log(y), 1))
train_step = tf.train.AdamOptimizer(0.1).minimize(cost)
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1)), tf.float32))
"""

LOOP = """
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    step = 0
    while True:  # it is ended behind the steps that are recorded
        batch = slice(10 * (step % 4), 10 * (step % 4) + 10)
        _, loss = sess.run([train_step, cost], feed_dict={x: images[batch], y_: digits[batch]})
        assert np.isfinite(loss)
        step += 1
        if step == 2:
            print(accuracy.eval({x: images, y_: digits}))
"""

BUILD = (
    "def build():\n"
    + "".join(f"    {line}\n" for line in REGRESSION.splitlines())
    + """
    return {"placeholders": {"x": x, "y_": y_}, "fetches": {"cost": cost, "accuracy": accuracy}, "train": train_step,
            "feeds": {"x": images.reshape(4, 10, 6), "y_": digits.reshape(4, 10, 3)}}
"""
)

MONITORED = """
import numpy as np
import tensorflow as tf

def main(_):
    data = np.arange(24, dtype=np.float32).reshape(12, 2)
    features, targets = tf.data.Dataset.from_tensor_slices((data, data[:, 0])).repeat().batch(3)\\
        .make_one_shot_iterator().get_next()
    w = tf.get_variable("w", [2, 1], initializer=tf.zeros_initializer())
    loss = tf.reduce_mean(tf.square(tf.matmul(features, w)[:, 0] - targets))
    step = tf.train.get_or_create_global_step()
    train = tf.train.GradientDescentOptimizer(0.001).minimize(loss, global_step=step)
    with tf.train.MonitoredTrainingSession(hooks=[tf.train.StopAtStepHook(last_step=50)]) as session:
        while not session.should_stop():
            session.run(train)

if __name__ == "__main__":
    tf.app.run()
"""

MODEL = """
import tensorflow as tf

class Model(object):
    def __init__(self):
        self.x = tf.placeholder(tf.float32)
        self.w = tf.get_variable("w", [2], initializer=tf.zeros_initializer())
        self.loss = tf.reduce_sum(tf.square(self.w - self.x))
        self.moves = self.w.assign_sub(0.1 * tf.gradients(self.loss, self.w)[0])
        self.restored = self.w.assign([3.0, 4.0])

def main():
    model = Model()
    saver = tf.train.Saver()
    with tf.Session() as session:
        tf.summary.FileWriter("logs", session.graph)
        session.run(tf.global_variables_initializer())
        session.run(model.restored.op if False else model.w.initializer)
        for rate in (1.0, 2.0):
            session.run([model.moves], {model.x: [rate, rate]})
            saver.save(session, "model/checkpoint")

if __name__ == "__main__":
    main()
"""

TWO_OPS = (
    REGRESSION
    + """
other = tf.train.GradientDescentOptimizer(0.5).minimize(-cost)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(3):
        feeds = {x: images[step:step + 4], y_: digits[step:step + 4]}
        sess.run(train_step, feeds)
        sess.run([other, y], feeds)
"""
)


def taken(folder, text, steps=3, **script):
    """The Record of a script, and its description."""
    file = folder / "script.py"
    file.write_text(text, encoding="utf-8")
    return run_legacy(file, steps=steps, seed=0, feeds=None, script=script)


def test_script_is_what_its_build_would_be(tmp_path):
    script, described = taken(tmp_path, REGRESSION + LOOP, steps=4)
    build, expected = taken(tmp_path, BUILD, steps=4)
    assert script == build
    assert described["order"] == expected["order"]
    assert described["optimizers"] == expected["optimizers"]


@pytest.mark.parametrize("loop", ["train_step.run(fed)", "sess.run(train_step, fed)"])
def test_interactive_session(tmp_path, loop):
    start = "fed = {x: images, y_: digits}\nsess = tf.InteractiveSession()\ntf.global_variables_initializer().run()\n"
    record, _ = taken(tmp_path, f"{REGRESSION}{start}for step in range(2):\n    {loop}\nsess.close()\n")
    assert list(record["feeds"]) == ["x", "y_"]
    assert list(record["before"]) == ["cost"]  # nothing is fetched, so what is minimised is compared
    assert "step 3" in record  # the script takes two, whose feeds begin again


def test_what_a_pipeline_makes_is_fed(tmp_path):
    record, _ = taken(tmp_path, MONITORED, steps=5)
    data = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    np.testing.assert_array_equal(record["feeds"]["features"], data[[0, 1, 2, 3, 0]])
    np.testing.assert_array_equal(record["feeds"]["targets"], data[[0, 1, 2, 3, 0], :, 0])
    assert list(record["before"]) == ["loss"]  # and not the count of steps, which a hook fetches
    assert record["before"]["loss"] == np.mean(data[0, :, 0] ** 2)


def test_update_by_hand_and_names_of_a_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record, _ = taken(tmp_path, MODEL, steps=2)
    assert list(record["feeds"]) == ["x"]
    assert record["feeds"]["x"].tolist() == [[1.0, 1.0], [2.0, 2.0]]
    np.testing.assert_array_equal(record["step 1"]["w"], np.float32([0.2, 0.2]))
    assert [path.name for path in tmp_path.iterdir()] == ["script.py"]  # neither summaries nor checkpoints


def test_values_that_a_script_assigns_before_it_trains_are_the_initial_ones(tmp_path):
    changed = MODEL.replace("model.restored.op if False else model.w.initializer", "model.restored.op")
    assert changed != MODEL
    record, _ = taken(tmp_path, changed, train="moves")
    np.testing.assert_array_equal(record["initial"]["w"], np.float32([3.0, 4.0]))


def test_function_of_a_module(tmp_path):
    text = MODEL.replace('if __name__ == "__main__":\n    main()\n', "")
    record, _ = taken(tmp_path, text, function="main")
    assert list(record["feeds"]) == ["x"]


def test_named_fetches(tmp_path):
    record, _ = taken(tmp_path, REGRESSION + LOOP, fetches=["y", "accuracy"])
    assert list(record["before"]) == ["y", "accuracy"]


def test_named_train_op(tmp_path):
    record, _ = taken(tmp_path, TWO_OPS, train="other", steps=2)
    assert record["step 2"]["Variable"].shape == (6, 3)
    assert list(record["before"]) == ["y", "cost", "Neg_1"]  # the last has no name in the script


BAD = {
    "several train ops": (TWO_OPS, {}, r"script\.py, which runs train_step, other; choose one with --train"),
    "no such train op": (REGRESSION + LOOP, {"train": "absent"}, r"--train must name an op .* Received: 'absent'"),
    "no such fetch": (REGRESSION + LOOP, {"fetches": ["z"]}, r"--fetch must name a .* Received: 'z'; it has .*cost"),
    "no session": ("import tensorflow as tf\n", {}, r"must define build\(\), or be a script that runs a tf\.Session"),
    "raises": (REGRESSION + LOOP.replace("[batch]", "[batc]"), {}, r"up to its steps .*script\.py, line 21: NameError"),
    "exits": ("import sys\nsys.exit(3)\n", {}, r"must .*script\.py, line 2: SystemExit: 3"),
    "shapes": (
        TWO_OPS.replace("step + 4", "2 * step + 4"), {"train": "other"},
        r"one shape in all steps\. Received: 'x' of shape \(4, 6\) and \(5, 6\); take fewer --steps",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_a_script_lacks_is_one_line(tmp_path, name):
    text, script, message = BAD[name]
    with pytest.raises(ValueError, match=message) as caught:
        taken(tmp_path, text, **script)
    assert "\n" not in str(caught.value)


def test_inputs_are_those_of_build(tmp_path):
    file = tmp_path / "script.py"
    file.write_text(REGRESSION + LOOP, encoding="utf-8")
    with pytest.raises(ValueError, match=r"inputs are those of build\(\)\. Received: rate for script\.py"):
        run_legacy(file, steps=1, seed=0, feeds=None, inputs={"rate": 1})


ESTIMATOR = """
import numpy as np
import tensorflow as tf

def model_fn(features, labels, mode):
    net = tf.layers.dense(features["x"], 3)
    loss = tf.losses.sparse_softmax_cross_entropy(labels=labels, logits=net)
    train_op = tf.train.AdagradOptimizer(0.1).minimize(loss, global_step=tf.train.get_global_step())
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train_op)

def batches():
    data = {"x": np.ones([8, 2], np.float32)}, np.arange(8) % 3
    return tf.data.Dataset.from_tensor_slices(data).repeat().batch(4).make_one_shot_iterator().get_next()

tf.estimator.Estimator(model_fn).train(batches, steps=100)
"""


@pytest.mark.genuine_tf1
def test_on_genuine_tf1(tf1_python, tmp_path):
    records = []
    for text in (REGRESSION + LOOP, BUILD, ESTIMATOR):
        (tmp_path / "script.py").write_text(text, encoding="utf-8")
        record, _ = run_legacy(tmp_path / "script.py", steps=4, seed=0, feeds=None, tf1_python=tf1_python)
        records.append(record)
    script, build, estimator = records
    assert script == build
    assert list(estimator["feeds"]) == ["x", "labels"]
    assert estimator["feeds"]["labels"].tolist() == [[0, 1, 2, 0], [1, 2, 0, 1]] * 2
    assert list(estimator["before"]) == ["loss"]
