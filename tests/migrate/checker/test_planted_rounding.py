"""What rounds otherwise is told from what is wrong: layers whose kernels differ, graphs, and entries that cancel."""

import pytest

from tests.migrate.checker.programs import PORT, changed, written
from tf_repro import migrate

NORMALIZED_LEGACY = """
import tensorflow as tf

def build():
    x = tf.placeholder(tf.float32, [16, 4])
    kernel = tf.get_variable("kernel", [4, 3], initializer=tf.random_normal_initializer(seed=1))
    moving_mean = tf.get_variable("moving_mean", [3], initializer=tf.zeros_initializer(), trainable=False)
    moving_variance = tf.get_variable("moving_variance", [3], initializer=tf.ones_initializer(), trainable=False)
    hidden = tf.matmul(x, kernel)
    mean, variance = tf.nn.moments(hidden, [0])
    updates = [
        tf.assign(moving_mean, 0.9 * moving_mean + 0.1 * mean),
        tf.assign(moving_variance, 0.9 * moving_variance + 0.1 * variance),
    ]
    loss = tf.reduce_sum(tf.nn.relu(tf.nn.batch_normalization(hidden, mean, variance, None, None, 1e-3)))
    with tf.control_dependencies(updates):
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    return {"placeholders": {"x": x}, "fetches": {"loss": loss}, "train": train}
"""
NORMALIZED_PORT = """
import keras
import tensorflow as tf
from tf_repro import optimizers

def build():
    dense = keras.layers.Dense(3, use_bias=False)
    norm = keras.layers.BatchNormalization(momentum=0.9, center=False, scale=False)
    model = keras.Sequential([keras.Input((4,)), dense, norm])
    optimizer = optimizers.GradientDescent(0.1)

    @tf.function
    def loss_of(feeds):
        return tf.reduce_sum(tf.nn.relu(model(feeds["x"], training=True)))

    def forward(feeds):
        averages = [tf.identity(variable) for variable in model.non_trainable_variables]
        loss = loss_of(feeds)
        for variable, average in zip(model.non_trainable_variables, averages):
            variable.assign(average)
        return {"loss": loss}

    def step(feeds):
        with tf.GradientTape() as tape:
            loss = loss_of(feeds)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    return {"variables": [*dense.weights, norm.moving_mean, norm.moving_variance],
            "forward": forward, "step": step, "optimizer": optimizer}
"""
CENTRED_FIRST = """
    def loss_of(feeds):
        hidden = dense(feeds["x"])
        mean, variance = tf.nn.moments(hidden, [0])
        for moving, batch in ((norm.moving_mean, mean), (norm.moving_variance, variance)):
            moving.assign(0.9 * moving + 0.1 * batch)
        return tf.reduce_sum(tf.nn.relu((hidden - mean) / tf.sqrt(variance + 1e-3)))
"""
LOSS_OF = NORMALIZED_PORT[NORMALIZED_PORT.index("\n    def loss_of") : NORMALIZED_PORT.index("\n    def forward")]

CONVOLUTION_LEGACY = """
import tensorflow as tf

def build():
    x = tf.placeholder(tf.float32, [8, 28, 28, 1])
    kernel = tf.get_variable("kernel", [5, 5, 1, 8], initializer=tf.random_normal_initializer(seed=1))
    bias = tf.get_variable("bias", [8], initializer=tf.random_normal_initializer(seed=2))
    maps = tf.nn.relu(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME") + bias)
    loss = tf.reduce_mean(tf.square(maps))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    return {"placeholders": {"x": x}, "fetches": {"loss": loss}, "train": train}
"""
CONVOLUTION_PORT = """
import tensorflow as tf
from tf_repro import optimizers

def build():
    variables = kernel, bias = tf.Variable(tf.zeros([5, 5, 1, 8])), tf.Variable(tf.zeros([8]))
    optimizer = optimizers.GradientDescent(0.1)

    def forward(feeds):
        maps = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(feeds["x"], kernel, 1, "SAME"), bias))
        return {"loss": tf.reduce_mean(tf.square(maps))}

    def step(feeds):
        with tf.GradientTape() as tape:
            loss = forward(feeds)["loss"]
        optimizer.apply(tape.gradient(loss, variables), variables)

    return {"variables": {"kernel": kernel, "bias": bias}, "forward": forward, "step": step, "optimizer": optimizer}
"""


def strictly(*files, **options):
    """A check for equal bits, unless a number of ULP is given: what is only rounding is then accused and named."""
    return migrate.check(*files, **({} if "max_ulp" in options else {"strict": True}), **options)


def causes(report):
    return [cause.name for cause in report.failed.causes]


def test_correct_port_in_keras_layers(tmp_path):
    report = strictly(*written(tmp_path, NORMALIZED_LEGACY, NORMALIZED_PORT))
    assert report.passed, str(report)


@pytest.mark.slow
def test_momentum_of_the_moving_averages(tmp_path):
    port = changed(NORMALIZED_PORT, ("momentum=0.9", "momentum=0.99"))
    report = strictly(*written(tmp_path, NORMALIZED_LEGACY, port))
    assert report.failed.name == "one step"
    assert set(causes(report)) == {"batch normalization momentum"}, str(report)
    assert "momentum 0.9" in report.failed.causes[0].change


@pytest.mark.slow
def test_epsilon_of_a_keras_layer(tmp_path):
    port = changed(NORMALIZED_PORT, ("momentum=0.9", "momentum=0.9, epsilon=1e-5"))
    report = strictly(*written(tmp_path, NORMALIZED_LEGACY, port))
    assert (report.failed.name, causes(report)) == ("forward", ["batch normalization epsilon"]), str(report)


@pytest.mark.slow
def test_gradient_that_is_nothing_but_rounding(tmp_path):
    """A bias before batch normalization has no gradient; what is computed for it is what does not cancel."""
    bias = '    bias = tf.get_variable("bias", [3], initializer=tf.zeros_initializer())\n    moving_mean ='
    legacy = changed(NORMALIZED_LEGACY, ("    moving_mean =", bias), ("matmul(x, kernel)", "matmul(x, kernel) + bias"))
    port = changed(NORMALIZED_PORT, (LOSS_OF, CENTRED_FIRST), ("use_bias=False", "use_bias=True"))
    report = strictly(*written(tmp_path, legacy, port), max_ulp=64)
    assert report.failed.tensor == "bias"
    assert causes(report) == ["rounding"], str(report)
    why = "since one ULP in each variable moves the port about as far as the two programs are apart"
    assert f"cause: rounding: {why}, only rounding is left (" in str(report)
    assert "rounding: allow for it with --max-ulp N, or --scaled --max-ulp N" in str(report)


def test_fault_is_not_taken_for_rounding(tmp_path):
    port = changed(NORMALIZED_PORT, ("tf.reduce_sum(tf.nn.relu", "1.0001 * tf.reduce_sum(tf.nn.relu"))
    report = strictly(*written(tmp_path, NORMALIZED_LEGACY, port))
    assert causes(report) == ["loss scale"], str(report)
    assert "--max-ulp" not in str(report)


@pytest.mark.parametrize("ours", ["bias_add", pytest.param("+", marks=pytest.mark.slow)])
def test_bias_that_is_added_by_another_kernel(tmp_path, ours):
    programs = CONVOLUTION_LEGACY, CONVOLUTION_PORT
    plain, kernel = 'tf.nn.conv2d({}, "SAME") + bias', 'tf.nn.bias_add(tf.nn.conv2d({}, "SAME"), bias)'
    if ours == "+":
        programs = (
            changed(programs[0], [text.format("x, kernel, [1, 1, 1, 1]") for text in (plain, kernel)]),
            changed(programs[1], [text.format('feeds["x"], kernel, 1') for text in (kernel, plain)]),
        )
    report = strictly(*written(tmp_path, *programs))
    assert (report.failed.name, causes(report)) == ("gradients", ["bias addition"]), str(report)
    assert report.failed.causes[0].passes


@pytest.mark.slow
def test_what_running_eagerly_mends_is_not_laid_on_another_change(tmp_path):
    port = changed(
        PORT,
        ("    def forward", "    @tf.function\n    def forward"),
        (
            "        loss = tf.reduce_mean(",
            "        loss = (1.0 if tf.executing_eagerly() else 1.01) * tf.reduce_mean(",
        ),
    )
    report = strictly(*written(tmp_path, port=port))
    assert causes(report) == ["graph optimiser"], str(report)


@pytest.mark.slow
def test_line_of_a_module_beside_the_port(tmp_path):
    loss = 'tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(feeds["y"], logits))'
    (tmp_path / "loss.py").write_text(
        "import tensorflow as tf\n\ndef loss_of(labels, logits):\n"
        "    return tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(labels, logits))\n"
    )
    port = changed(PORT, ("import keras", "import keras, loss as losses"), (loss, 'losses.loss_of(feeds["y"], logits)'))
    report = strictly(*written(tmp_path, port=port))
    assert "mean for sum: with tf.reduce_mean for tf.reduce_sum on loss.py:4, the rung passes" in str(report)


@pytest.mark.slow
def test_bias_that_is_added_inside_a_layer(tmp_path):
    legacy = changed(CONVOLUTION_LEGACY, ("[8, 28, 28, 1]", "[64, 8]"), ("[5, 5, 1, 8]", "[8, 8]"))
    legacy = changed(legacy, ('tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME")', "tf.matmul(x, kernel)"))
    port = changed(
        CONVOLUTION_PORT,
        ("import tensorflow", "import keras\nimport tensorflow"),
        (
            "    variables = kernel, bias = tf.Variable(tf.zeros([5, 5, 1, 8])), tf.Variable(tf.zeros([8]))",
            "    dense = keras.layers.Dense(8)\n    dense.build([None, 8])\n    variables = dense.weights",
        ),
        ('tf.nn.bias_add(tf.nn.conv2d(feeds["x"], kernel, 1, "SAME"), bias)', 'dense(feeds["x"])'),
        ('{"kernel": kernel, "bias": bias}', "dict(zip(('kernel', 'bias'), variables))"),
    )
    report = strictly(*written(tmp_path, legacy, port))
    line = port.splitlines().index('        maps = tf.nn.relu(dense(feeds["x"]))') + 1
    change = f"with + for tf.nn.bias_add (only the order of rounding differs) inside the call on port.py:{line}"
    assert f"bias addition: {change}, the rung passes" in str(report)


@pytest.mark.slow
def test_the_measure_of_rounding_is_no_wider_than_rounding(tmp_path):
    """The perturbation must not enter the gradients by its own slope, which is thousands of times as large."""
    port = changed(PORT, ("(g, 0.5)", "(g, 0.50001)"))
    report = migrate.check(*written(tmp_path, port=port), steps=1)
    assert report.failed.name == "gradients", str(report)
    assert report.failed.causes[0].name == "clipping"
