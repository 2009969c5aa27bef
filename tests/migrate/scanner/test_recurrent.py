"""What ``tf-repro scan`` says about recurrent cells; the oracles are TF1's own kernels, still in TF2."""

import keras
import numpy as np
import tensorflow as tf

from tests.tolerances import FEW_ROUNDINGS, VISIBLE

RANDOM = np.random.RandomState(5)
STEPS, UNITS, WIDTH = 3, 4, 2
X = RANDOM.randn(2, STEPS, WIDTH).astype(np.float32)
ZEROS = np.zeros([2, UNITS], np.float32)


def drawn(*shape):
    return RANDOM.randn(*shape).astype(np.float32)


def called(layer, weights):
    layer.build(X.shape)
    layer.set_weights(weights)
    return layer(X).numpy()


def reordered(kernel, order):
    """The blocks of a kernel's or a bias' last axis in another order."""
    blocks = np.split(kernel, len(order), axis=-1)
    return np.concatenate([blocks[place] for place in order], axis=-1)


def test_lstm_gates_are_reordered():
    kernel, bias = drawn(WIDTH + UNITS, 4 * UNITS), drawn(4 * UNITS)
    cell, hidden = ZEROS, ZEROS
    for step in range(STEPS):
        done = tf.raw_ops.LSTMBlockCell(
            x=X[:, step], cs_prev=cell, h_prev=hidden, w=kernel, b=bias, forget_bias=1.0,
            wci=ZEROS[0], wcf=ZEROS[0], wco=ZEROS[0],
        )  # fmt: skip
        cell, hidden = done.cs, done.h
    order = [0, 2, 1, 3]  # i, j, f, o to i, f, j, o
    moved = reordered(bias, order)
    moved[UNITS : 2 * UNITS] += 1.0
    weights = [reordered(kernel[:WIDTH], order), reordered(kernel[WIDTH:], order), moved]
    ours = called(keras.layers.LSTM(UNITS, unit_forget_bias=False), weights)
    np.testing.assert_allclose(ours, hidden, atol=FEW_ROUNDINGS)
    as_they_stand = called(keras.layers.LSTM(UNITS), [kernel[:WIDTH], kernel[WIDTH:], bias])
    assert np.abs(as_they_stand - hidden).max() > VISIBLE


def test_gru_resets_before_the_product():
    gates, gates_bias = drawn(WIDTH + UNITS, 2 * UNITS), drawn(2 * UNITS)
    candidate, candidate_bias = drawn(WIDTH + UNITS, UNITS), drawn(UNITS)
    hidden = ZEROS
    for step in range(STEPS):
        hidden = tf.raw_ops.GRUBlockCell(
            x=X[:, step], h_prev=hidden, w_ru=gates, w_c=candidate, b_ru=gates_bias, b_c=candidate_bias
        ).h
    kernel = np.concatenate([reordered(gates, [1, 0]), candidate], axis=-1)  # r, u, c to z, r, h
    bias = np.concatenate([reordered(gates_bias, [1, 0]), candidate_bias])
    weights = [kernel[:WIDTH], kernel[WIDTH:], bias]
    ours = called(keras.layers.GRU(UNITS, reset_after=False), weights)
    np.testing.assert_allclose(ours, hidden, atol=FEW_ROUNDINGS)
    after = called(keras.layers.GRU(UNITS), [*weights[:2], np.stack([bias, np.zeros_like(bias)])])
    assert np.abs(after - hidden).max() > VISIBLE


def test_simple_rnn_splits_its_kernel():
    """The oracle is BasicRNNCell's definition: tanh of [input, state] times one kernel, plus a bias."""
    kernel, bias = drawn(WIDTH + UNITS, UNITS), drawn(UNITS)
    hidden = ZEROS
    for step in range(STEPS):
        hidden = np.tanh(np.concatenate([X[:, step], hidden], axis=1) @ kernel + bias)
    ours = called(keras.layers.SimpleRNN(UNITS), [kernel[:WIDTH], kernel[WIDTH:], bias])
    np.testing.assert_allclose(ours, hidden, atol=FEW_ROUNDINGS)


def test_outputs_past_the_end():
    """TF1's dynamic_rnn documents zeros there."""
    mask = np.array([[True, True, False], [True, False, False]])
    repeated, zeroed = (
        keras.layers.SimpleRNN(UNITS, return_sequences=True, zero_output_for_mask=zero)(X, mask=mask).numpy()
        if zero
        else keras.layers.SimpleRNN(UNITS, return_sequences=True)(X, mask=mask).numpy()
        for zero in (False, True)
    )
    np.testing.assert_array_equal(zeroed[~mask], 0.0)
    np.testing.assert_array_equal(repeated[0, 2], repeated[0, 1])
