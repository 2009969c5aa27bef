"""The benchmark command runs, saves what it prints, and its measures see what they should."""

import importlib.util
import json

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.accuracy import measure_accuracy
from benchmarks.cases import build, inputs, truth
from benchmarks.run import measure, measure_in_state, peak_growth
from benchmarks.table import markdown
from tests.tolerances import FEW_ROUNDINGS


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # TensorFlow and NumPy 2
def test_quick_run_prints_and_saves_a_table(tmp_path, capsys):
    assert main(["--quick", "--op", "sparse", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    results = json.loads((tmp_path / "RESULTS.json").read_text())
    assert printed.out.strip() == (tmp_path / "RESULTS.md").read_text().strip() == markdown(results).strip()
    assert "[1/2] sparse 64 × 10" in printed.err
    absent = "PyTorch is not installed here, and is left out: pip install torch\n"
    assert (absent in printed.err) == (importlib.util.find_spec("torch") is None)
    assert results["provenance"]["tensorflow"]
    for row in results["rows"]:
        for entry in row["implementations"].values():
            assert entry["seconds"] > 0
            assert max(entry["error"]) < 1e-4


def test_accuracy_tells_an_exact_gradient_from_one_that_cancels():
    errors = {name: entry["error"] for name, entry in measure_accuracy(1000, 20, 0)["implementations"].items()}
    assert errors["tf_repro"] < 1e-6
    assert errors["tf.nn"] > 0.5, "as large as the gradient, on any kernel"


@pytest.mark.parametrize("operation", ["softmax", "dense"])
def test_truth_is_what_tf_nn_approximates(operation):
    arrays = inputs(operation, (5, 7))
    for found, expected in zip(build(operation, "tf.nn", arrays)(), truth(operation, arrays), strict=True):
        np.testing.assert_allclose(np.reshape(found, expected.shape), expected, atol=FEW_ROUNDINGS)


@pytest.mark.slow
def test_memory_is_measured_in_fresh_processes():
    result = measure("sparse", (1000, 10000), seconds=0, rounds=1)
    for entry in result["implementations"].values():
        assert 40e6 < entry["peak_bytes"] < 200e6  # the logits are 40 MB


@pytest.mark.slow
@pytest.mark.parametrize("onednn", ["on", "off"])
def test_a_row_says_in_which_state_of_onednn_it_was_measured(onednn):
    row = measure_in_state(onednn, "sparse", (64, 10), seconds=0, rounds=1)
    assert row["onednn"] == onednn
    assert f"| 64 × 10 | {onednn} | tf.nn |" in markdown({"provenance": {}, "rows": [row]})


@pytest.mark.slow
def test_pytorchs_chunked_head_gives_the_value_and_gradients():
    pytest.importorskip("torch", reason="PyTorch is no requirement of the tests")
    from benchmarks.torch_cases import CHUNKED, has_chunked_head

    if not has_chunked_head():
        pytest.skip("this PyTorch has no linear_cross_entropy with options")
    arrays = inputs("linear", (64, 16, 300))
    for found, expected in zip(build("linear", CHUNKED, arrays)(), truth("linear", arrays), strict=True):
        np.testing.assert_allclose(
            np.asarray(found).reshape(expected.shape), expected, atol=1e-5
        )  # only a sanity check


def test_memory_of_a_known_buffer_is_seen():
    assert 60e6 < peak_growth(lambda: np.ones(8_000_000)) < 90e6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rounds", "0"], "--rounds: must be at least 1"),
        (["--out", "/nowhere"], "no such directory: /nowhere"),
    ],
)
def test_wrong_usage(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert message in capsys.readouterr().err
