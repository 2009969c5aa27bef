"""The example for several workers: a worker that is killed and started again changes no bit of the result."""

import re

import numpy as np
import pytest
import tensorflow as tf

from tests.distribution.processes import ROOT, Workers
from tf_repro.core import ulp

EXAMPLE = ROOT / "examples" / "several_workers" / "train.py"
STEPS = 60


def workers(folder, count=2):
    """The workers of the example, each with the command that its docstring shows."""
    folder.mkdir()
    started = Workers(count, folder, {"STEPS": str(STEPS)})
    started.commands = [[EXAMPLE, index, *started.addresses] for index in range(count)]
    return started


def trained(folder, count=2):
    """What each worker has saved after the last step, by variable."""
    readers = [tf.train.load_checkpoint(str(folder / f"checkpoints/worker-{i}/ckpt-{STEPS}")) for i in range(count)]
    return [
        {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map() if "VARIABLE_VALUE" in name}
        for reader in readers
    ]


def losses(log):
    return dict(re.findall(r"^step (\d+): loss (\S+)$", log, re.MULTILINE))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The folder of a run in which nobody is lost, and what its first worker wrote."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    with workers(folder) as running:
        assert running.wait() == [0, 0], running.log(0)
        return folder, running.log(0)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_worker_that_is_killed_and_started_again_changes_no_bit(victim, undisturbed, tmp_path):
    expected, log = undisturbed
    with workers(tmp_path / "run") as running:
        running.until(lambda: "step 20:" in running.log(0))
        running.kill(victim)
        assert len(list((tmp_path / "run" / "checkpoints" / "worker-0").glob(f"ckpt-{STEPS}.*"))) == 0
        running.start(victim)
        codes = running.wait()
        assert codes == [0, 0], running.log(codes.index(max(codes)))
        assert "starting again after" in running.log(1 - victim)
        assert losses(running.log(0)) == losses(log)
    for found, whole in zip(trained(tmp_path / "run"), trained(expected), strict=True):
        assert found.keys() == whole.keys()
        assert all(ulp.same_bits(found[name], whole[name]) for name in whole)


@pytest.mark.slow
def test_the_comparison_sees_a_step_that_is_trained_twice(undisturbed):
    """The workers' kernels are their own, the last two checkpoints differ, and the loss falls."""
    folder, log = undisturbed
    first, second = trained(folder)
    kernel = next(name for name in first if name.startswith("kernel"))
    assert not ulp.same_bits(first[kernel], second[kernel])
    earlier = tf.train.load_checkpoint(str(folder / f"checkpoints/worker-0/ckpt-{STEPS - 10}")).get_tensor(kernel)
    assert not ulp.same_bits(first[kernel], earlier)
    values = [float(value) for value in losses(log).values()]
    assert len(values) == STEPS // 10
    assert np.mean(values[-3:]) < np.mean(values[:3])
