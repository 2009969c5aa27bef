"""What the models' programs begin with."""

HEAD = """
import numpy as np
import tensorflow as tf

def weights(name, shape, seed, scale=0.4):
    return tf.get_variable(name, shape, initializer=tf.random_normal_initializer(0.0, scale, seed=seed))
"""

PORT_HEAD = """
import keras
import numpy as np
import tensorflow as tf
from tf_repro import optimizers

def trained(loss_of, optimizer, variables):
    def step(feeds):
        with tf.GradientTape() as tape:
            loss = loss_of(feeds)
        optimizer.apply(tape.gradient(loss, variables), variables)
    return step
"""
