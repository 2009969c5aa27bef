"""What ``tf-repro scan`` says about numbers; the oracle of each is the Session program on the installed TensorFlow."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tolerances import FEW_ROUNDINGS, VISIBLE
from tf_repro import optimizers

v1 = tf.compat.v1
RANDOM = np.random.RandomState(3)
LOGITS = RANDOM.randn(4, 3).astype(np.float32)
LABELS = np.eye(3, dtype=np.float32)[[0, 2, 1, 1]]
GRADIENTS = RANDOM.randn(20, 11).astype(np.float32)


def session(build):
    """What a Session gives for the tensors that ``build`` returns."""
    with tf.Graph().as_default(), v1.Session() as run:
        fetches = build()
        run.run(v1.global_variables_initializer())
        return run.run(fetches)


def trained(optimizer, rates=None):
    """Twenty steps of a TF2 optimizer."""
    w = tf.Variable(tf.ones([11]))
    for place, gradient in enumerate(GRADIENTS):
        if rates:
            optimizer.learning_rate = rates[place]
        optimizer.apply([tf.constant(gradient)], [w])
    return w.numpy()


def trained_in_session(make, rates=None):
    """Twenty steps of a TF1 optimizer."""
    with tf.Graph().as_default(), v1.Session() as run:
        w = v1.get_variable("w", initializer=tf.ones([11]))
        gradient, rate = v1.placeholder(tf.float32, [11]), v1.placeholder(tf.float32, [])
        train = make(rate).apply_gradients([(gradient, w)])
        run.run(v1.global_variables_initializer())
        for place, value in enumerate(GRADIENTS):
            run.run(train, {gradient: value, rate: rates[place] if rates else 0.1})
        return run.run(w)


def test_keras_sgd_is_gradient_descent():
    expected = trained_in_session(v1.train.GradientDescentOptimizer)
    np.testing.assert_array_equal(trained(keras.optimizers.SGD(0.1)), expected)


def test_keras_momentum_parts_when_the_rate_changes():
    rates = [0.1] * 10 + [0.01] * 10
    expected = trained_in_session(lambda rate: v1.train.MomentumOptimizer(rate, 0.9), rates)
    ours = trained(optimizers.Momentum(0.1, 0.9), rates)
    keras_own = trained(keras.optimizers.SGD(0.1, momentum=0.9), rates)
    np.testing.assert_array_equal(ours, expected)
    assert np.abs(keras_own - expected).max() > VISIBLE


def test_keras_adam_parts():
    expected = trained_in_session(lambda rate: v1.train.AdamOptimizer(rate))
    np.testing.assert_array_equal(trained(optimizers.Adam(0.1)), expected)
    assert (trained(keras.optimizers.Adam(0.1)) != expected).any()


def test_keras_rmsprop_parts_in_the_first_digits():
    expected = trained_in_session(lambda rate: v1.train.RMSPropOptimizer(rate))
    np.testing.assert_array_equal(trained(optimizers.RMSProp(0.1)), expected)
    assert np.abs(trained(keras.optimizers.RMSprop(0.1)) - expected).max() > VISIBLE


def test_staircase_decay():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 4, 0.7, staircase=True)
    optimizer = optimizers.GradientDescent(schedule)
    w = tf.Variable([0.0])
    for step in range(13):
        expected = session(lambda step=step: v1.train.exponential_decay(0.1, tf.constant(step), 4, 0.7, True))
        assert optimizer.learning_rate.numpy() == expected
        assert int(optimizer.iterations.numpy()) == step
        optimizer.apply([tf.constant([1.0])], [w])


def test_gradients_are_those_of_the_tape():
    def loss(x):
        return tf.reduce_sum(tf.tanh(x) * tf.nn.log_softmax(x))

    def build():
        x = tf.constant(LOGITS)
        return v1.gradients(loss(x), x)[0]

    x = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = loss(x)
    np.testing.assert_array_equal(tape.gradient(value, x), session(build))


def test_labels_get_a_gradient_in_tf2():
    def build():
        labels, logits = tf.constant(LABELS), tf.constant(LOGITS)
        loss = v1.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        return loss, v1.gradients(loss, logits)[0], tf.constant(v1.gradients(loss, labels)[0] is None)

    loss, gradient, stopped = session(build)
    labels, logits = tf.constant(LABELS), tf.constant(LOGITS)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([labels, logits])
        plain = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
        native = tf.nn.softmax_cross_entropy_with_logits(tf.stop_gradient(labels), logits)
    assert stopped
    assert tape.gradient(plain, labels) is not None
    assert tape.gradient(native, labels) is None
    np.testing.assert_array_equal(native, loss)
    np.testing.assert_array_equal(tape.gradient(native, logits), gradient)


def test_eval_and_run_are_the_sessions_run():
    with tf.Graph().as_default(), v1.Session() as run:
        x = v1.placeholder(tf.float32, [4, 3])
        w = v1.get_variable("w", initializer=tf.ones([3]))
        y, step = tf.nn.softmax(x * w), w.assign_sub(tf.reduce_sum(x, 0))
        w.initializer.run()
        first = y.eval({x: LOGITS})
        step.op.run(feed_dict={x: LOGITS})
        second = y.eval(feed_dict={x: LOGITS}, session=run)
    variable = tf.Variable(tf.ones([3]))
    np.testing.assert_array_equal(tf.nn.softmax(LOGITS * variable), first)
    variable.assign_sub(tf.reduce_sum(LOGITS, 0))
    np.testing.assert_array_equal(tf.nn.softmax(LOGITS * variable), second)


@pytest.mark.parametrize("which", [True, False])
def test_cond_takes_its_branches_by_other_names(which):
    branches = [lambda: tf.exp(LOGITS), lambda: tf.tanh(LOGITS)]
    expected = session(lambda: v1.cond(tf.constant(which), fn1=branches[0], fn2=branches[1], strict=True))
    by_name = tf.cond(tf.constant(which), true_fn=branches[0], false_fn=branches[1])
    by_statement = tf.function(lambda: branches[0]() if which else branches[1]())()
    np.testing.assert_array_equal(by_name, expected)
    np.testing.assert_array_equal(by_statement, expected)


def test_py_func_is_numpy_function():
    expected = session(lambda: v1.py_func(np.cosh, [LOGITS], tf.float32))
    np.testing.assert_array_equal(tf.numpy_function(np.cosh, [LOGITS], tf.float32), expected)
    np.testing.assert_array_equal(tf.py_function(np.cosh, [LOGITS], tf.float32), expected)


def test_regularization_losses_are_the_layers():
    def penalty(kernel):
        return 0.1 * tf.nn.l2_loss(kernel)

    def build():
        v1.get_variable("kernel", initializer=tf.constant(LOGITS), regularizer=penalty)
        return tf.add_n(v1.get_collection(v1.GraphKeys.REGULARIZATION_LOSSES))

    layer = keras.layers.Dense(3, use_bias=False, kernel_regularizer=penalty)
    layer.build([None, 4])
    layer.set_weights([LOGITS])
    (loss,) = layer.losses
    np.testing.assert_array_equal(loss, session(build))


def test_assignments_are_the_variables_methods():
    indices, values = [2, 0], LABELS[:2]

    slices = tf.IndexedSlices(tf.constant(values), tf.constant(indices))
    for legacy, native in [
        (lambda w: v1.assign(w, w * 2.0), lambda w: w.assign(w * 2.0)),
        (lambda w: v1.assign_add(w, LABELS), lambda w: w.assign_add(LABELS)),
        (lambda w: v1.assign_sub(w, LABELS), lambda w: w.assign_sub(LABELS)),
        (lambda w: v1.scatter_update(w, indices, values), lambda w: w.scatter_update(slices)),
        (lambda w: v1.scatter_add(w, indices, values), lambda w: w.scatter_add(slices)),
        (lambda w: v1.scatter_sub(w, indices, values), lambda w: w.scatter_sub(slices)),
    ]:
        with tf.Graph().as_default(), v1.Session() as run:
            w = v1.get_variable("w", initializer=tf.constant(LOGITS), use_resource=True)
            run.run(w.initializer)
            run.run(legacy(w))
            expected = run.run(w)
        variable = tf.Variable(LOGITS)
        native(variable)
        np.testing.assert_array_equal(variable, expected)


def test_total_loss_is_add_n():
    terms = [LOGITS[0, 0], LOGITS[1, 1], LOGITS[2, 2]]

    def build():
        for term in terms:
            v1.losses.add_loss(tf.constant(term))
        return v1.losses.get_total_loss()

    np.testing.assert_array_equal(tf.add_n(terms), session(build))


def test_the_old_decay_is_inverse_time_decay():
    """The oracle is Keras 1 and 2's formula: rate / (1 + decay·iterations)."""
    schedule = keras.optimizers.schedules.InverseTimeDecay(0.5, 1, 0.25)
    for step in range(5):
        assert float(schedule(step)) == np.float32(0.5) / np.float32(1 + 0.25 * step)


def test_weighted_losses_divide_by_other_counts():
    weights = np.float32([1, 1, 0, 0])
    expected = session(lambda: v1.losses.softmax_cross_entropy(LABELS, LOGITS, weights))
    each = keras.losses.CategoricalCrossentropy(from_logits=True)(LABELS, LOGITS, sample_weight=weights)
    np.testing.assert_allclose(2 * each, expected, rtol=FEW_ROUNDINGS)  # two of four weights are zero


def test_dense_is_a_product_and_a_sum():
    layer = keras.layers.Dense(3, activation="relu")
    layer.build([None, 3])
    kernel, bias = LOGITS[:3], LOGITS[3]
    layer.set_weights([kernel, bias])
    expected = session(lambda: tf.nn.relu(v1.nn.xw_plus_b(LOGITS, kernel, bias)))
    np.testing.assert_array_equal(layer(LOGITS), expected)


def test_moving_variance_counts_otherwise():
    x = RANDOM.randn(2, 2, 2, 1).astype(np.float32)  # eight values
    _, _, variance = session(lambda: v1.nn.fused_batch_norm(x, np.float32([1]), np.float32([0]), epsilon=1e-3))
    layer = keras.layers.BatchNormalization(momentum=0.0)
    layer(x, training=True)
    np.testing.assert_allclose(variance, layer.moving_variance.numpy() * 8 / 7, rtol=FEW_ROUNDINGS)


def test_to_float_is_a_cast():
    numbers = np.array([2**24 + 1, -3], np.int64)
    np.testing.assert_array_equal(tf.cast(numbers, tf.float32), session(lambda: v1.to_float(numbers)))


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
def test_resized_images_differ(method):
    image = RANDOM.rand(1, 4, 4, 1).astype(np.float32)
    expected = session(lambda: getattr(v1.image, f"resize_{method}")(image, [8, 8]))
    assert np.abs(tf.image.resize(image, [8, 8], method) - expected).max() > VISIBLE


def test_convolution_and_pooling():
    image, kernel = RANDOM.randn(2, 6, 6, 3).astype(np.float32), RANDOM.randn(3, 3, 3, 4).astype(np.float32)
    expected = session(lambda: v1.nn.conv2d(image, filter=kernel, strides=[1, 1, 1, 1], padding="SAME"))
    np.testing.assert_array_equal(tf.nn.conv2d(image, kernel, 1, "SAME"), expected)
    for name in ("max_pool", "avg_pool"):
        pooled = session(lambda name=name: getattr(v1.nn, name)(image, [1, 2, 2, 1], [1, 2, 2, 1], "VALID"))
        np.testing.assert_array_equal(getattr(tf.nn, f"{name}2d")(image, 2, 2, "VALID"), pooled)


def test_fully_connected_had_a_relu():
    """The oracle is contrib's documented definition: relu, unless another activation is given."""
    kernel, bias = LOGITS[:3], LOGITS[3]
    expected = session(lambda: tf.nn.relu(v1.nn.xw_plus_b(LOGITS, kernel, bias)))
    layers = [keras.layers.Dense(3, activation=activation) for activation in ("relu", None)]
    for layer in layers:
        layer.build([None, 3])
        layer.set_weights([kernel, bias])
    np.testing.assert_array_equal(layers[0](LOGITS), expected)
    assert np.abs(layers[1](LOGITS) - expected).max() > VISIBLE


def test_layer_norm_took_every_axis():
    """The oracle is contrib's own composition: moments over all axes but the first, then batch_normalization."""
    x = RANDOM.randn(2, 3, 4).astype(np.float32)

    def build():
        mean, variance = v1.nn.moments(tf.constant(x), [1, 2], keep_dims=True)
        return tf.nn.batch_normalization(x, mean, variance, None, None, 1e-12)

    expected = session(build)
    np.testing.assert_allclose(
        keras.layers.LayerNormalization(axis=[1, 2], epsilon=1e-12)(x), expected, atol=FEW_ROUNDINGS
    )
    assert np.abs(keras.layers.LayerNormalization()(x) - expected).max() > VISIBLE


def test_multinomial_is_categorical():
    expected = session(lambda: v1.multinomial(LOGITS, 20, seed=3))
    tf.random.set_seed(87654321)  # what a graph without a seed of its own pairs with an operation's seed
    np.testing.assert_array_equal(tf.random.categorical(LOGITS, 20, seed=3), expected)


def test_iterators_are_loops():
    data = tf.data.Dataset.from_tensor_slices(LOGITS).map(tf.nn.softmax).batch(2)
    with tf.Graph().as_default(), v1.Session() as run:
        legacy = v1.data.Dataset.from_tensor_slices(LOGITS).map(tf.nn.softmax).batch(2)
        batch = v1.data.make_one_shot_iterator(legacy).get_next()
        expected = [run.run(batch), run.run(batch)]
    for native, each in zip(data, expected, strict=True):
        np.testing.assert_array_equal(native, each)


def test_map_and_batch_is_map_then_batch():
    data = tf.data.Dataset.from_tensor_slices(LOGITS)
    with tf.Graph().as_default(), v1.Session() as run:
        legacy = v1.data.Dataset.from_tensor_slices(LOGITS)
        legacy = legacy.apply(tf.data.experimental.map_and_batch(tf.nn.softmax, 3))
        batch = v1.data.make_one_shot_iterator(legacy).get_next()
        expected = [run.run(batch), run.run(batch)]
    for native, each in zip(data.map(tf.nn.softmax, tf.data.AUTOTUNE).batch(3), expected, strict=True):
        np.testing.assert_array_equal(native, each)
