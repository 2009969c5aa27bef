import pytest
import tensorflow as tf

from tf_repro.nn import cross_entropy_rows
from tf_repro.nn.linear import orders


@pytest.fixture
def checked_numerics():
    """TensorFlow checks each result; the graphs traced so are forgotten, or they would go on checking."""
    tf.debugging.enable_check_numerics()
    yield
    tf.debugging.disable_check_numerics()
    cross_entropy_rows.graph_of.cache_clear()
    orders._graph.cache_clear()
