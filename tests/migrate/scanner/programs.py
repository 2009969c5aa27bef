"""What the scanner's tests share: a program, and how one is scanned."""

from pathlib import Path

import legacy_tf1
from tf_repro import migrate

ROOT = Path(legacy_tf1.__file__).parents[1]

PROGRAM = '''
"""Digits, as one wrote it."""
from __future__ import print_function
import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

flags = tf.app.flags
flags.DEFINE_float("learning_rate", 0.01, "step")
FLAGS = flags.FLAGS

class Model(object):
    def __init__(self):
        self.x = tf.placeholder(tf.float32, [None, 784], name="x")
        hidden = tf.contrib.layers.fully_connected(self.x, 256)
        self.logits = tf.layers.dense(tf.nn.dropout(hidden, keep_prob=0.5), 10)
        self.sess = tf.Session()

    def fit(self, y):
        each = tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=self.logits)
        loss = tf.reduce_mean(each, reduction_indices=[0])
        optimizer = tf.train.AdamOptimizer(FLAGS.learning_rate)
        train = optimizer.minimize(tf.log(loss))
        self.sess.run(tf.global_variables_initializer())
        self.sess.run(train, feed_dict={self.x: input_data})
        return tf.matmul(loss, loss)
'''


def scanned(folder, text, name="program.py"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return migrate.scan([path])


def places(hits):
    return [(hit.line, hit.symbol) for hit in hits]
