"""What decides the statements on softmax's Jacobian, overflow and the backward pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_repro.core.rounding import exactly
from tf_repro.suite.derivations.softmax import jacobian, naive_softmax, softmax
from tf_repro.suite.derivations.softmax_jacobian import LOGITS


def decide(record: Any) -> dict[str, dict[str, Any]]:
    """The statements of question and answers that a number decides, from any engine's Record."""
    taken, overflow = record["jacobian"], record["overflow"]
    y, jac = taken["y"], taken["jacobian"]
    return {
        "jacobian": {
            "entries": jac.size,
            "asymmetry": np.abs(jac - jac.T).max(),
            "row_sums": jac.sum(axis=1),
            "y_sum": y.sum(),
            **distances(taken["logits"], y, jac),
        },
        "small": on_small_input(np.asarray)
        | {
            "asked_code_compiles": _compiles("gradient[i] = value[i] * (1 - input[i))"),
            "asked_code_compiles_with_bracket": _compiles("gradient[i] = value[i] * (1 - input[i])"),
        },
        "overflow": {
            "naive_has_nan": bool(np.isnan(overflow["naive"]).any()),
            "shifted_has_nan": bool(np.isnan(overflow["shifted"]).any()),
        },
        "before": differences(record.get("before", {})),
    }


def bounds(precision: str) -> dict[str, dict[str, Any]]:
    """How far any evaluation of the distances may be off; see :class:`tf_repro.core.rounding.Rounded`."""
    number = exactly(precision)
    y = softmax(number(LOGITS))
    return {"jacobian": distances(number(LOGITS), y, jacobian(y), asked=at_once), "small": on_small_input(number)}


def distances(x: Any, y: Any, jac: Any, asked: Any = None) -> dict[str, Any]:
    """The largest difference to the Jacobian of each form that is said to be it; the asker's vector to its last column.

    Args:
        x: the logits, [n].
        y: their softmax, [n].
        jac: the Jacobian, [n, n].
        asked: the asker's form; :func:`asked_gradient` by default.
    """
    asked = asked or asked_gradient
    forms = {
        "loop_minus_jacobian": asked(y, y) - jac,
        "one_line_minus_jacobian": jacobian(y) - jac,
        "sentence_minus_jacobian": sentence(y, y[:, None]) - jac,
        "sentence_minus_jacobian_with_k": sentence(y, y) - jac,
        "asked_minus_jacobian": asked(y, x)[:, -1] - jac[:, -1],
        "asked_minus_jacobian_on_values": asked(y, y) - jac,
    }
    return {name: abs(difference).max() for name, difference in forms.items()}


def differences(quantities: Any) -> Any:
    """The largest difference of each gradient by hand from the tape's, over its largest value."""
    by_hand = {key.removeprefix("hand_"): value for key, value in quantities.items() if key.startswith("hand_")}
    return {
        f"{name}_difference": np.abs(gradient - quantities[name]).max() / np.abs(gradient).max()
        for name, gradient in by_hand.items()
    }


def asked_gradient(value: Any, factor: Any) -> Any:
    """The asker's double loop, into n × n: ``v_i (1 - f_i)`` where i = j, else ``-v_i f_j``.

    The asker takes the input for ``f`` and writes into a vector, whose entries keep the last column's value alone.
    """
    return np.array(
        [
            [value[i] * (1 - factor[i]) if i == j else -value[i] * factor[j] for j in range(value.size)]
            for i in range(value.size)
        ]
    )


def at_once(value: Any, factor: Any) -> Any:
    """The double loop's operations on whole matrices: ``v_i (δ_ij - f_j)``."""
    return value[:, None] * (np.eye(value.size, dtype="float32") - factor)


def sentence(value: Any, last_factor: Any) -> Any:
    """``SM_i (δ_ik - f)`` for every i and k, where the answer's sentence takes ``SM_i`` for ``f``, not ``SM_k``."""
    return value[:, None] * (np.eye(value.size, dtype="float32") - last_factor)


def on_small_input(number: Any, logits: Any = (1.0, 2.0, 3.0)) -> dict[str, Any]:
    """Both softmaxes where none overflows, and the sum of all entries of the second one of a matrix."""
    matrix = number([logits, logits[::-1]])
    return {
        "naive_minus_shifted": abs(naive_softmax(number(logits)) - softmax(number(logits))).max(),
        "matrix_sum": naive_softmax(matrix - matrix.max()).sum(),
    }


def _compiles(code: str) -> Any:
    try:
        compile(code, "question", "exec")
    except SyntaxError:
        return False
    return True
