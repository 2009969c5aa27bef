"""Train a classifier of many classes on several workers, each of which holds its part of the classes.

Start every worker with one command; here two, on one machine::

    python examples/several_workers/train.py 0 localhost:4000 localhost:4001
    python examples/several_workers/train.py 1 localhost:4000 localhost:4001

A worker that was lost is started again with the same command. The others start themselves again, and all go on from
the last step that each of them has saved.
"""

import json
import os
import sys

import numpy as np
import tensorflow as tf

from tf_repro import nn

INPUTS, WIDTH, CLASSES, BATCH, RATE, EVERY = 20, 32, 1000, 64, 0.5, 10
STEPS = int(os.environ.get("STEPS", 100))


def batch(step, worker, workers):
    """The worker's examples of a step: the class is what a fixed map makes of the inputs."""
    random = np.random.RandomState(step)
    x = random.randn(BATCH, INPUTS).astype(np.float32)[worker::workers]
    return x, (x @ np.random.RandomState(0).randn(INPUTS, CLASSES)).argmax(-1)


def train(worker, workers):
    """Train to the last step; the batch of a step and so every bit depends on nothing but the step's number."""
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    random = np.random.RandomState(1)
    with strategy.scope():  # equal on all workers
        body = tf.Variable(random.randn(INPUTS, WIDTH).astype(np.float32) / INPUTS**0.5)
    shard = CLASSES // workers  # a variable made outside the scope is the worker's own
    kernel, done = tf.Variable(tf.zeros([WIDTH, shard])), tf.Variable(0, dtype=tf.int64)

    @tf.function
    def step(x, labels):
        with tf.GradientTape() as tape:
            features = tf.tanh(x @ body)
            losses = nn.sharded_linear_softmax_cross_entropy(features, kernel, labels)
            loss = tf.nn.compute_average_loss(losses, global_batch_size=BATCH)
        by_body, by_kernel = tape.gradient(loss, [body, kernel])
        replica = tf.distribute.get_replica_context()
        loss, by_body = replica.all_reduce(tf.distribute.ReduceOp.SUM, [loss, by_body])
        body.assign_sub(RATE * by_body)
        kernel.assign_sub(RATE * by_kernel)  # whole already
        return loss

    folder = f"checkpoints/worker-{worker}"
    checkpoints = tf.train.CheckpointManager(tf.train.Checkpoint(body=body, kernel=kernel, done=done), folder, 2)
    saved = tf.constant([int(path.rsplit("-", 1)[1]) for path in checkpoints.checkpoints[-1:]] or [0])
    common = strategy.gather(strategy.run(lambda: saved), axis=0).numpy().min()
    if common:
        checkpoints.checkpoint.restore(f"{folder}/ckpt-{common}").assert_consumed()
    while done < STEPS:
        losses = strategy.run(step, args=batch(int(done), worker, workers))
        if done.assign_add(1) % EVERY == 0:
            checkpoints.save(int(done))
            print(f"step {int(done)}: loss {float(losses):.6f}", flush=True)


if __name__ == "__main__":
    index, addresses = int(sys.argv[1]), sys.argv[2:]
    task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    os.environ["TF_CONFIG"] = json.dumps(task)
    try:
        train(index, len(addresses))
    except tf.errors.OpError as error:  # a peer is gone, and with it what TensorFlow knew of the cluster
        print(f"starting again after {type(error).__name__}", flush=True)
        os.execv(sys.executable, [sys.executable, *sys.argv])
