"""One batch for a head, and the part of it that each replica has; NumPy alone, for workers and tests alike."""

import numpy as np

WIDTH, CLASSES, ROWS = 48, 480, 60
STEPS, RATE = 5, 2.0


def problem():
    """Features, kernel, bias, labels and what each example counts; some labels are confident, some not."""
    random = np.random.default_rng(20261124)
    features = random.normal(size=(ROWS, WIDTH)).astype(np.float32)
    kernel = (random.normal(size=(WIDTH, CLASSES)) * 0.4).astype(np.float32)
    bias = random.normal(size=CLASSES).astype(np.float32)
    labels = random.integers(CLASSES, size=ROWS)
    labels[::5] = (features[::5] @ kernel + bias).argmax(-1)
    labels[3::7] = -1
    weight = random.uniform(0.5, 2, ROWS).astype(np.float32)
    return features, kernel, bias, labels, weight


def rows_of(replica, count):
    """The examples of a replica, as a slice: parts that are not equally large."""
    ends = [ROWS * i // count + (i % 2) for i in range(count)] + [ROWS]
    return slice(ends[replica], ends[replica + 1])


def classes_of(replica, count):
    """The classes of a replica, as a slice."""
    shard = CLASSES // count
    return slice(replica * shard, (replica + 1) * shard)
