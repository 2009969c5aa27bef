"""The classifier of ``legacy.py`` in TensorFlow 2 and Keras 3."""

import keras
import tensorflow as tf

from tf_repro import optimizers

FEATURES, HIDDEN, CLASSES = 10, 16, 3


def classifier():
    x = keras.Input((FEATURES,))
    hidden = keras.layers.Dense(HIDDEN, use_bias=False, name="hidden")(x)
    hidden = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name="norm")(hidden)
    logits = keras.layers.Dense(CLASSES, name="output")(keras.layers.ReLU()(hidden))
    return keras.Model(x, logits)


def build():
    model = classifier()
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.9)
    optimizer = optimizers.Momentum(rate, 0.9)

    @tf.function
    def fetches(feeds):
        logits = model(feeds["x"], training=True)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(feeds["label"], logits)
        return {"logits": logits, "loss": tf.reduce_mean(loss)}

    def forward(feeds):
        averages = [tf.identity(variable) for variable in model.non_trainable_variables]
        values = fetches(feeds)
        for variable, average in zip(model.non_trainable_variables, averages, strict=True):
            variable.assign(average)  # in TF1, fetching the loss leaves the moving averages alone
        return values

    @tf.function
    def step(feeds):
        with tf.GradientTape() as tape:
            loss = fetches(feeds)["loss"]
        gradients = tape.gradient(loss, model.trainable_variables)
        clipped, _ = tf.clip_by_global_norm(gradients, 1.0)
        optimizer.apply(clipped, model.trainable_variables)

    # All that the checker asks for: the variables, the fetches, a step, and whose gradients to read.
    return {"variables": model, "forward": forward, "step": step, "optimizer": optimizer}
