"""The one table of tolerances: half a unit in the last place of 1, by dtype. Tests allow multiples of it."""

UNIT_ROUNDOFF = {"float16": 2**-11, "bfloat16": 2**-8, "float32": 2**-24, "float64": 2**-53}
