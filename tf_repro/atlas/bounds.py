"""Whether a recording is what its probe's formula gives, but for rounding."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from legacy_tf1.atlas import composed, kernels
from tf_repro.atlas.formulas import FORMULAS, Outputs
from tf_repro.atlas.formulas.terms import Constants
from tf_repro.atlas.recordings import Atlas, values_of


@cache
def bounded(probe: str, dtype: str) -> Outputs:
    """The formula's outputs of a probe, each with its bound; empty where there is no formula.

    Args:
        probe: its name.
        dtype: ``"float32"`` or ``"float64"``.
    """
    if probe not in FORMULAS:
        return {}
    number = Constants(dtype)
    inputs = [number(values) for values in _inputs().get(probe, {}).values()]
    return FORMULAS[probe](*inputs, number=number)


def within(probe: str, dtype: str, output: str, content: Mapping[str, Any]) -> bool | None:
    """Whether every recorded value is within the bound; None where no formula says.

    Args:
        probe: its name.
        dtype: the precision.
        output: which output.
        content: a recorded output.
    """
    expected = bounded(probe, dtype).get(output)
    # the recorder gives a number the shape [1]
    if expected is None or content["shape"] != (list(expected.shape) or [1]):
        return None
    sample = expected if expected.value.ndim == 0 else _sampled(expected, content["stride"])
    return bool(np.all(sample.contains(values_of(content).reshape(sample.shape))))


def judge(atlas: Atlas) -> None:
    """Note in each recorded output of a probe with a formula whether it is within the bound.

    Args:
        atlas: whose contents get ``"within"``.
    """
    for (probe, _, dtype, output), series in atlas.series.items():
        for content in series.versions:
            if "within" not in content and "values" in content:
                inside = within(probe, dtype, output, content)
                if inside is not None:
                    content["within"] = inside


def _sampled(expected: Any, stride: int) -> Any:
    return type(expected)(expected.value.ravel()[::stride], expected.error.ravel()[::stride], expected.precision)


@cache
def _inputs() -> dict[str, Mapping[str, Any]]:
    return {probe.name: probe.inputs for probe in kernels.probes() + composed.probes() if hasattr(probe, "inputs")}
