"""A worker of the sharded head's tests: its losses and gradients, in every way to call it, go to one file.

``head_worker.py FOLDER MODES`` is one process of several, described by TF_CONFIG; ``head_worker.py FOLDER MODES N`` is
N replicas in one process.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.distribution.problem import CLASSES, RATE, ROWS, STEPS, classes_of, problem, rows_of
from tf_repro import losses, nn

# How a class number's loss is had of features and kernel: the losses, and the head that is not divided.
LOSSES = {
    "dense": lambda x, kernel, labels: losses.SoftmaxCrossEntropy(reduction="none")(
        tf.one_hot(labels, CLASSES), x @ kernel
    ),
    "sparse": lambda x, kernel, labels: losses.SparseSoftmaxCrossEntropy(reduction="none")(labels, x @ kernel),
    "head": lambda x, kernel, labels: nn.linear_softmax_cross_entropy(x, kernel, labels, reduction="none"),
}


def train(strategy, loss_of):
    """Data parallel: the losses of each step on each replica, and the kernel that all have at the end."""
    features, start, _, labels, _ = problem()
    with strategy.scope():
        kernel = tf.Variable(start, aggregation=tf.VariableAggregation.SUM)

    @tf.function
    def step(x, labels):
        with tf.GradientTape() as tape:
            loss = tf.nn.compute_average_loss(loss_of(x, kernel, labels), global_batch_size=ROWS)
        kernel.assign_sub(RATE * tape.gradient(loss, kernel))
        return loss

    count = strategy.num_replicas_in_sync
    values = features, np.maximum(labels, 0)
    part = [of_each_replica(strategy, lambda i, full=full: full[rows_of(i, count)]) for full in values]
    steps = [strategy.run(step, args=part) for _ in range(STEPS)]
    return [strategy.reduce("SUM", loss, axis=None).numpy() for loss in steps], kernel.numpy()


def replica_variable(value):
    """A variable with a value of its own on each replica."""
    return tf.Variable(
        tf.zeros(value.shape),
        synchronization=tf.VariableSynchronization.ON_READ,
        trainable=False,
        aggregation=tf.VariableAggregation.NONE,
    )


def step(kernel, bias, x, labels, weight, replicated):
    """Losses and the gradients of ``Σ weight·losses``."""
    with tf.GradientTape() as tape:
        tape.watch([x, kernel, bias])
        losses = nn.sharded_linear_softmax_cross_entropy(
            x, kernel, labels, bias, ignore_class=-1, chunk_size=16, replicated=replicated
        )
        total = tf.reduce_sum(weight * losses)
    return losses, *tape.gradient(total, [x, kernel, bias])


def of_each_replica(strategy, value_of):
    """A value for each replica that runs in this process."""
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(value_of(context.replica_id_in_sync_group))
    )


def results(strategy, modes):
    """The results of each replica that runs here, by their names."""
    count = strategy.num_replicas_in_sync
    features, full_kernel, full_bias, labels, weight = problem()
    whole = full_kernel, full_bias
    with strategy.scope():
        kernel, bias = (replica_variable(full[..., classes_of(0, count)]) for full in whole)
    shards = [of_each_replica(strategy, lambda i, full=full: full[..., classes_of(i, count)]) for full in whole]
    strategy.run(lambda k, b: (kernel.assign(k), bias.assign(b)), args=shards)
    found = {}
    for replicated in (False, True):
        part = [
            of_each_replica(strategy, lambda i, full=full, r=replicated: full if r else full[rows_of(i, count)])
            for full in (features, labels, weight)
        ]
        for mode in modes:
            run = {"eager": lambda f: f, "function": tf.function}[mode]
            outputs = strategy.run(run(lambda *a, r=replicated: step(kernel, bias, *a, r)), args=part)
            for name, output in zip(("losses", "features", "kernel", "bias"), outputs, strict=True):
                for local in strategy.experimental_local_results(output):
                    found.setdefault(f"{mode} {replicated} {name}", []).append(local.numpy())
    for name, loss_of in LOSSES.items():
        trained = train(strategy, loss_of)
        for what, value in zip(("losses", "kernel"), trained, strict=True):
            found[f"trained {name} {what}"] = [value] * len(strategy.extended.worker_devices)
    found["kernel bytes"] = [local.numpy().nbytes for local in strategy.experimental_local_results(kernel)]
    return found


def main(folder, modes, count=None):
    if count is None:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        first = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    else:
        devices = [tf.config.LogicalDeviceConfiguration()] * int(count)
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
        strategy, first = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(int(count))]), 0
    found = results(strategy, modes.split(","))
    for i in range(len(found["kernel bytes"])):
        np.savez(Path(folder) / f"replica-{first + i}.npz", **{name: values[i] for name, values in found.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
