"""Which subject is a short text about? A convolution over words, as one wrote it for TensorFlow 1.

    python legacy.py --steps=200 --logdir=/tmp/subjects

trains on texts that it makes up, writes summaries and checkpoints, and tests the averaged weights.
"""

from __future__ import print_function

import collections
import os
import time

import numpy as np
import tensorflow as tf

flags = tf.app.flags
flags.DEFINE_integer("steps", 200, "How many training steps.")
flags.DEFINE_integer("batch_size", 32, "Texts in a batch.")
flags.DEFINE_float("learning_rate", 0.003, "Adam's, at the first step.")
flags.DEFINE_float("keep_prob", 0.8, "The share of features that dropout keeps.")
flags.DEFINE_string("logdir", "", "Where summaries and checkpoints go; nowhere without it.")
FLAGS = flags.FLAGS

SUBJECTS = ("weather", "music", "cooking", "chess")
VOCABULARY = 300
LENGTH = 20
PADDING = 0

EMBEDDING = 16
WIDTHS = (2, 3, 4)
FILTERS = 12
HIDDEN = 24

L2 = 1e-3
CLIP = 1.0
DECAY_STEPS = 50
DECAY_RATE = 0.9
AVERAGE = 0.99


# ----------------------------------------------------------------------------------------------------------------------
# Data: every subject has words of its own, and all share the rest.


Texts = collections.namedtuple("Texts", ["words", "lengths", "subjects"])


def make_texts(count, seed):
    """Words int32[count, LENGTH] padded with 0, lengths int32[count], subjects int32[count]."""
    random = np.random.RandomState(seed)
    subjects = random.randint(len(SUBJECTS), size=count)
    lengths = random.randint(LENGTH // 2, LENGTH + 1, size=count)
    words = random.randint(1, VOCABULARY, size=(count, LENGTH))
    own = 1 + 20 * subjects[:, None] + random.randint(20, size=(count, LENGTH))
    words = np.where(random.rand(count, LENGTH) < 0.25, own, words)
    words = np.where(np.arange(LENGTH) < lengths[:, None], words, PADDING)
    return Texts(words.astype(np.int32), lengths.astype(np.int32), subjects.astype(np.int32))


def batches(texts, size, seed):
    """Batches for ever, in a new order each time through."""
    random = np.random.RandomState(seed)
    while True:
        order = random.permutation(len(texts.subjects))
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            yield Texts(*[column[chosen] for column in texts])


# ----------------------------------------------------------------------------------------------------------------------
# Layers


def regularised(name, shape, initializer):
    """A weight whose square counts in the loss."""
    weight = tf.get_variable(name, shape, initializer=initializer)
    tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, L2 * tf.nn.l2_loss(weight))
    return weight


def embed(words):
    """Vectors float32[batch, LENGTH, EMBEDDING] of words; that of the padding is nothing."""
    with tf.variable_scope("embedding"):
        table = tf.get_variable(
            "table", [VOCABULARY, EMBEDDING], initializer=tf.random_uniform_initializer(-0.5, 0.5, seed=1)
        )
        vectors = tf.nn.embedding_lookup(table, words)
        return vectors * tf.expand_dims(tf.to_float(tf.not_equal(words, PADDING)), -1)


def convolve(vectors, width, lengths):
    """The strongest answer of each filter over the windows that lie within the text, float32[batch, FILTERS]."""
    with tf.variable_scope("convolution_%d" % width):
        kernel = regularised(
            "kernel", [width, EMBEDDING, FILTERS], tf.truncated_normal_initializer(stddev=0.1, seed=10 + width)
        )
        bias = tf.get_variable("bias", [FILTERS], initializer=tf.constant_initializer(0.1))
        answers = tf.nn.relu(tf.nn.conv1d(vectors, kernel, stride=1, padding="VALID") + bias)
        within = tf.sequence_mask(lengths - width + 1, LENGTH - width + 1, dtype=tf.float32)
        return tf.reduce_max(answers * tf.expand_dims(within, -1), reduction_indices=[1])


def normalise(features, name):
    """Layer normalisation, by hand."""
    with tf.variable_scope(name):
        scale = tf.get_variable("scale", [features.shape[-1]], initializer=tf.ones_initializer())
        shift = tf.get_variable("shift", [features.shape[-1]], initializer=tf.zeros_initializer())
        mean, variance = tf.nn.moments(features, [-1], keep_dims=True)
        return (features - mean) * tf.rsqrt(variance + 1e-6) * scale + shift


def dense(features, units, name, activation=None):
    """A linear layer."""
    with tf.variable_scope(name):
        kernel = regularised("kernel", [features.shape[-1], units], tf.glorot_uniform_initializer(seed=units))
        bias = tf.get_variable("bias", [units], initializer=tf.zeros_initializer())
        outputs = tf.nn.xw_plus_b(features, kernel, bias)
        return outputs if activation is None else activation(outputs)


# ----------------------------------------------------------------------------------------------------------------------
# Model


def classify(words, lengths, keep_prob, reuse=None):
    """Logits float32[batch, subjects]."""
    with tf.variable_scope("classifier", reuse=reuse):
        vectors = embed(words)
        features = tf.concat([convolve(vectors, width, lengths) for width in WIDTHS], axis=1)
        features = normalise(features, "norm")
        features = tf.nn.dropout(features, keep_prob)
        hidden = dense(features, HIDDEN, "hidden", tf.nn.elu)
        return dense(hidden, len(SUBJECTS), "output")


def losses(logits, subjects):
    """The mean cross-entropy of labels that are smoothed a little, and with the weights' squares on top of it."""
    labels = tf.one_hot(subjects, len(SUBJECTS), on_value=0.91, off_value=0.03)
    cross_entropy = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits))
    return cross_entropy, cross_entropy + tf.add_n(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES))


def training(loss, learning_rate):
    """The train op, the averages of the weights that it keeps, and the rate and the gradients' norm to look at."""
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(learning_rate, step, DECAY_STEPS, DECAY_RATE, staircase=True)
    optimizer = tf.train.AdamOptimizer(rate)
    gradients, variables = zip(*optimizer.compute_gradients(loss))
    clipped, norm = tf.clip_by_global_norm(gradients, CLIP)
    update = optimizer.apply_gradients(zip(clipped, variables), global_step=step)
    averages = tf.train.ExponentialMovingAverage(AVERAGE, num_updates=step)
    with tf.control_dependencies([update]):
        train = averages.apply(tf.trainable_variables())
    return train, averages, rate, norm


# ----------------------------------------------------------------------------------------------------------------------
# Training


def summarise(**scalars):
    """One op that writes the scalars and the spread of every weight."""
    for name, value in scalars.items():
        tf.summary.scalar(name, value)
    for variable in tf.trainable_variables():
        tf.summary.histogram(variable.op.name, variable)
    return tf.summary.merge_all()


def evaluate(session, placeholders, logits, texts):
    """The share of texts whose subject is found."""
    words, lengths, _, keep_prob = placeholders
    found = session.run(tf.argmax(logits, 1), {words: texts.words, lengths: texts.lengths, keep_prob: 1.0})
    return np.mean(found == texts.subjects)


def main(_):
    tf.set_random_seed(0)
    words = tf.placeholder(tf.int32, [None, LENGTH], name="words")
    lengths = tf.placeholder(tf.int32, [None], name="lengths")
    subjects = tf.placeholder(tf.int32, [None], name="subjects")
    keep_prob = tf.placeholder_with_default(1.0, [], name="keep_prob")
    placeholders = (words, lengths, subjects, keep_prob)

    logits = classify(words, lengths, keep_prob)
    cross_entropy, loss = losses(logits, subjects)
    train, averages, rate, norm = training(loss, FLAGS.learning_rate)
    accuracy, update_accuracy = tf.metrics.accuracy(subjects, tf.argmax(logits, 1))

    summaries = summarise(loss=loss, cross_entropy=cross_entropy, rate=rate, norm=norm, accuracy=accuracy)
    saver = tf.train.Saver(max_to_keep=2)
    averaged = tf.train.Saver(averages.variables_to_restore())

    seen, unseen = make_texts(2000, seed=0), make_texts(500, seed=1)
    writer = tf.summary.FileWriter(FLAGS.logdir, tf.get_default_graph()) if FLAGS.logdir else None
    with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        latest = tf.train.latest_checkpoint(FLAGS.logdir) if FLAGS.logdir else None
        if latest:
            saver.restore(session, latest)
        begun = time.time()
        for number, batch in enumerate(batches(seen, FLAGS.batch_size, seed=2), 1):
            feeds = {
                words: batch.words,
                lengths: batch.lengths,
                subjects: batch.subjects,
                keep_prob: FLAGS.keep_prob,
            }
            _, now, _ = session.run([train, loss, update_accuracy], feeds)
            if number % 50 == 0:
                share = session.run(accuracy)
                print("step %d: loss %.4f, accuracy %.3f, %.0f s" % (number, now, share, time.time() - begun))
                session.run(tf.local_variables_initializer())
                if writer:
                    writer.add_summary(session.run(summaries, feeds), number)
                    saver.save(session, os.path.join(FLAGS.logdir, "model"), global_step=number)
            if number == FLAGS.steps:
                break
        print("unseen texts: %.3f" % evaluate(session, placeholders, logits, unseen))
        if writer:
            averaged.restore(session, tf.train.latest_checkpoint(FLAGS.logdir))
            print("with averaged weights: %.3f" % evaluate(session, placeholders, logits, unseen))
            writer.close()


# ----------------------------------------------------------------------------------------------------------------------
# What `tf-repro check` asks for, added for the migration: the graph of main(), without dropout and without the loop.


def build():
    words = tf.placeholder(tf.int32, [None, LENGTH], name="words")
    lengths = tf.placeholder(tf.int32, [None], name="lengths")
    subjects = tf.placeholder(tf.int32, [None], name="subjects")
    logits = classify(words, lengths, keep_prob=1.0)
    cross_entropy, loss = losses(logits, subjects)
    train = training(loss, learning_rate=0.003)[0]
    texts = make_texts(4 * 32, seed=0)
    return {
        "placeholders": {"words": words, "lengths": lengths, "subjects": subjects},
        "fetches": {"logits": logits, "cross_entropy": cross_entropy, "loss": loss},
        "train": train,
        "feeds": {
            "words": texts.words.reshape(4, 32, LENGTH),
            "lengths": texts.lengths.reshape(4, 32),
            "subjects": texts.subjects.reshape(4, 32),
        },
    }


if __name__ == "__main__":
    tf.app.run()
