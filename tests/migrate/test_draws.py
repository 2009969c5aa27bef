"""Draws in a compat.v1 Session against draws in eager mode and in tf.function."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.ops import gen_random_ops

from tf_repro import migrate
from tf_repro.core.errors import InputError

v1 = tf.compat.v1
MODES = ["constant", "num_random_ops"]
ONES = np.ones([3, 4], np.float32)

DRAWS = {
    "normal": (lambda: v1.random_normal([3, 4], 1.0, 2.0), lambda: tf.random.normal([3, 4], 1.0, 2.0)),
    "normal float64": (
        lambda: v1.random_normal([5], dtype=tf.float64),
        lambda: tf.random.normal([5], dtype=tf.float64),
    ),
    "normal with seeds": (lambda: v1.random_normal([5], seed=1), lambda: tf.random.normal([5], seed=2)),
    "uniform": (lambda: v1.random_uniform([3, 4], -1.0, 2.0), lambda: tf.random.uniform([3, 4], -1.0, 2.0)),
    "uniform int": (
        lambda: v1.random_uniform([9], 3, 99, tf.int32),
        lambda: tf.random.uniform([9], 3, 99, tf.int32),
    ),
    "truncated_normal": (lambda: v1.truncated_normal([3, 4]), lambda: tf.random.truncated_normal([3, 4])),
    "shuffle": (lambda: v1.random_shuffle(tf.range(20)), lambda: tf.random.shuffle(tf.range(20))),
    "categorical": (lambda: v1.multinomial(tf.zeros([2, 9]), 5), lambda: tf.random.categorical(tf.zeros([2, 9]), 5)),
    "gamma": (lambda: v1.random_gamma([4], [1.0, 2.0]), lambda: tf.random.gamma([4], [1.0, 2.0])),
    "poisson": (lambda: v1.random_poisson([3.0, 30.0], [4]), lambda: tf.random.poisson([4], [3.0, 30.0])),
    "dropout": (lambda: v1.nn.dropout(ONES, keep_prob=0.4), lambda: tf.nn.dropout(ONES, rate=0.6)),
}  # fmt: skip

KERAS_DRAWS = {
    "normal": (DRAWS["normal"][0], lambda: keras.random.normal([3, 4], 1.0, 2.0)),
    "uniform": (DRAWS["uniform"][0], lambda: keras.random.uniform([3, 4], -1.0, 2.0)),
    "truncated_normal": (DRAWS["truncated_normal"][0], lambda: keras.random.truncated_normal([3, 4])),
    "shuffle": (DRAWS["shuffle"][0], lambda: keras.random.shuffle(tf.range(20))),
    "categorical": (DRAWS["categorical"][0], lambda: keras.random.categorical(tf.zeros([2, 9]), 5)),
    "dropout": (DRAWS["dropout"][0], lambda: keras.random.dropout(ONES, 0.6)),
    "layer": (DRAWS["dropout"][0], lambda: keras.layers.Dropout(0.6)(ONES, training=True)),
    "layer with a seed": (DRAWS["dropout"][0], lambda: keras.layers.Dropout(0.6, seed=3)(ONES, training=True)),
}

INITIALIZERS = {
    "random_normal": (lambda: v1.random_normal_initializer(0.5, 2.0), keras.initializers.RandomNormal(0.5, 2.0)),
    "random_uniform": (lambda: v1.random_uniform_initializer(-2.0, 1.0), keras.initializers.RandomUniform(-2.0, 1.0)),
    "truncated_normal": (
        lambda: v1.truncated_normal_initializer(0.0, 0.1),
        keras.initializers.TruncatedNormal(0.0, 0.1),
    ),
    "glorot_uniform": (v1.glorot_uniform_initializer, keras.initializers.GlorotUniform()),
    "glorot_normal": (v1.glorot_normal_initializer, keras.initializers.GlorotNormal()),
    "he_normal": (v1.initializers.he_normal, keras.initializers.HeNormal(seed=1)),
    "he_uniform": (v1.initializers.he_uniform, keras.initializers.HeUniform()),
    "lecun_normal": (v1.initializers.lecun_normal, keras.initializers.LecunNormal()),
    "lecun_uniform": (v1.initializers.lecun_uniform, keras.initializers.LecunUniform()),
    "variance_scaling": (
        lambda: v1.variance_scaling_initializer(2.0, "fan_avg", "untruncated_normal"),
        keras.initializers.VarianceScaling(2.0, "fan_avg", "untruncated_normal"),
    ),
    "orthogonal": (v1.orthogonal_initializer, keras.initializers.Orthogonal()),
}


def in_session(build, times=2, mode="num_random_ops"):
    """What ``times`` draws give, each run twice in one Session."""
    with migrate.deterministic_draws(7, mode), tf.Graph().as_default(), v1.Session() as session:
        fetches = [build() for _ in range(times)]
        session.run(v1.global_variables_initializer())
        first, second = session.run(fetches), session.run(fetches)
    np.testing.assert_array_equal(first, second)
    return first


def in_eager(build, times=2, mode="num_random_ops"):
    with migrate.deterministic_draws(7, mode):
        return [np.array(build()) for _ in range(times)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", DRAWS)
def test_eager_draws_equal_the_sessions(name, mode):
    legacy, native = DRAWS[name]
    expected = in_session(legacy, mode=mode)
    np.testing.assert_array_equal(in_eager(native, mode=mode), expected)
    assert np.array_equal(*expected) == (mode == "constant")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", KERAS_DRAWS)
def test_keras_draws_equal_the_sessions(name, mode):
    legacy, native = KERAS_DRAWS[name]
    np.testing.assert_array_equal(in_eager(native, mode=mode), in_session(legacy, mode=mode))


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializer_draws_as_in_a_session(name):
    make, initializer = INITIALIZERS[name]
    made = iter(["first", "second"])
    expected = in_session(lambda: v1.get_variable(next(made), [5, 4], initializer=make()))
    np.testing.assert_array_equal(in_eager(lambda: initializer([5, 4])), expected)


def test_layers_get_the_kernels_of_the_graphs_variables():
    expected = in_session(lambda: v1.get_variable("kernel", [3, 4]), times=1)

    def kernel():
        layer = keras.layers.Dense(4)
        layer.build([None, 3])
        return layer.kernel.numpy()

    np.testing.assert_array_equal(in_eager(kernel, times=1), expected)


def test_tf_function_draws_alike():
    legacy, native = DRAWS["normal"]
    np.testing.assert_array_equal(in_eager(tf.function(native), times=1), in_session(legacy, times=1))


def test_each_step_draws_afresh_after_reset():
    expected = in_session(lambda: v1.random_normal([3]), times=2)
    with migrate.deterministic_draws(7) as draws:
        for _ in range(2):
            draws.reset()
            np.testing.assert_array_equal([tf.random.normal([3]) for _ in range(2)], expected)
            assert draws.count == 2
        draws.reset(1)
        np.testing.assert_array_equal(tf.random.normal([3]), expected[1])


def test_seeds_differ():
    with migrate.deterministic_draws(1):
        one = tf.random.normal([3])
    with migrate.deterministic_draws(2):
        assert (tf.random.normal([3]).numpy() != one.numpy()).all()


def test_planted_extra_draw_is_seen():
    expected = in_session(DRAWS["normal"][0], times=1)
    with migrate.deterministic_draws(7):
        tf.random.uniform([])
        assert (DRAWS["normal"][1]().numpy() != expected[0]).all()


def test_everything_is_put_back():
    before = dict(vars(gen_random_ops))
    with migrate.deterministic_draws(0):
        assert gen_random_ops.random_uniform is not before["random_uniform"]
    with pytest.raises(ZeroDivisionError), migrate.deterministic_draws(0):
        _ = 1 / 0
    assert vars(gen_random_ops) == before
    assert (tf.random.normal([4]).numpy() != tf.random.normal([4]).numpy()).all()


def test_nested_contexts():
    with migrate.deterministic_draws(7):
        first = tf.random.normal([3])
        with migrate.deterministic_draws(7, mode="constant"):
            np.testing.assert_array_equal(tf.random.normal([3]), first)
        assert (tf.random.normal([3]).numpy() != first.numpy()).all()


def seeded_in_session(**seed):
    with tf.Graph().as_default(), v1.Session() as session:
        v1.set_random_seed(3)
        return session.run(v1.random_normal([4], **seed))


def test_global_seed_alone_draws_otherwise():
    tf.random.set_seed(3)
    assert (tf.random.normal([4]).numpy() != seeded_in_session()).all()


def test_operation_seed_as_well_draws_alike():
    tf.random.set_seed(3)
    np.testing.assert_array_equal(tf.random.normal([4], seed=5), seeded_in_session(seed=5))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "same"}, r"one of constant, num_random_ops\. Received: mode='same'"),
        ({"seed": -1}, r"whole number from 0 to 2147483647\. Received: seed=-1"),
        ({"seed": 0.5}, "Received: seed=0.5"),
        ({"seed": True}, "Received: seed=True"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(InputError, match=message), migrate.deterministic_draws(**arguments):
        pass
