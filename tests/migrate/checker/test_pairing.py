"""Variables that names do not tell apart are paired by their use."""

from tests.migrate.checker.programs import LEGACY, PORT, changed, written
from tf_repro import migrate


def test_variables_are_paired_in_the_order_of_use(tmp_path):
    port = changed(PORT, ("variables = [w1, b1, w2, b2]", "variables = [w2, b2, w1, b1]"))
    port = changed(port, ('"variables": variables', '"variables": dict(zip(("p", "q", "r", "s"), variables))'))
    report = migrate.check(*written(tmp_path, port=port), steps=2)
    assert report.passed, str(report)
    assert report.name_map == {"w1": "r", "b1": "s", "w2": "p", "b2": "q"}


def test_keras_names_are_the_same_in_each_build(tmp_path):
    """Such a port finds its layer in the first build only where the names go on counting."""
    named = "keras.layers.Dense(6); assert keras.layers.Dense(6).name == 'dense_1'; variables = [w1"
    port = changed(PORT, ("variables = [w1", named))
    assert migrate.check(*written(tmp_path, LEGACY, port), steps=2).passed
