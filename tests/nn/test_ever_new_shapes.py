"""Shapes that are new in every call are neither compiled nor traced again in eager mode."""

import numpy as np
import pytest
import tensorflow as tf

from tests.nn.oracles import value_and_gradient
from tf_repro import nn
from tf_repro.nn import cross_entropy_rows, engines


@pytest.mark.parametrize("function", [nn.softmax, nn.log_softmax])
def test_eager_rows_are_neither_compiled_nor_traced(function, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("traced")

    monkeypatch.setattr(tf, "function", refuse)
    for length in (3, 64, 65, 129):
        attention = tf.zeros([2, 2, length, length])
        value_and_gradient(function, attention, attention)
    large = tf.zeros([engines.WORTH_COMPILING // 100, 100])
    value_and_gradient(function, large, large)


def test_a_graph_of_static_shapes_is_compiled_from_a_size_on():
    """The test above can fail: in a graph the same large matrix is compiled."""

    def compiled_parts(rows):
        graph = tf.function(nn.log_softmax).get_concrete_function(tf.TensorSpec([rows, 100])).graph
        return [op for op in graph.get_operations() if "PartitionedCall" in op.type]

    assert len(compiled_parts(engines.WORTH_COMPILING // 100)) == 1
    assert not compiled_parts(engines.WORTH_COMPILING // 100 - 1)


def test_eager_losses_have_one_graph_for_all_shapes_and_a_bounded_number_of_them():
    cross_entropy_rows.graph_of.cache_clear()
    for classes in range(2, 12):
        logits = tf.zeros([3, classes])
        nn.sparse_softmax_cross_entropy_with_logits([0, 1, 1], logits)
        nn.softmax_cross_entropy_with_logits(np.ones([3, classes]) / classes, logits)
    assert cross_entropy_rows.graph_of.cache_info().currsize == 2
    assert cross_entropy_rows.graph_of.cache_info().maxsize <= 32
