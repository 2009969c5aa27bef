"""What decides the statements on softmax's Jacobian, overflow and the backward pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_repro.suite.derivations.softmax import jacobian, naive_softmax, softmax
from tf_repro.suite.statements import agree


def decide(record: Any) -> dict[str, dict[str, Any]]:
    """The statements of question and answers that a number decides, from any engine's Record."""
    taken, overflow = record["jacobian"], record["overflow"]
    x, y, jac = taken["logits"], taken["y"], taken["jacobian"]

    def is_jacobian(candidate: Any) -> Any:
        return agree(candidate, jac, roundings=6)  # a difference and a product; on the tape a sum as well

    return {
        "jacobian": {
            "entries": jac.size,
            "asymmetry": np.abs(jac - jac.T).max(),
            "row_sums": jac.sum(axis=1),
            "y_sum": y.sum(),
            "loop_is_jacobian": is_jacobian(asked_gradient(y, y)),
            "one_line_is_jacobian": is_jacobian(jacobian(y)),
            "sentence_is_jacobian": is_jacobian(sentence(y, y[:, None])),
            "sentence_is_jacobian_with_k": is_jacobian(sentence(y, y)),
            "asked_is_jacobian": is_jacobian(asked_gradient(y, x)[:, -1]),
            "asked_is_jacobian_on_values": is_jacobian(asked_gradient(y, y)),
        },
        "small": on_small_input(),
        "overflow": {
            "naive_has_nan": bool(np.isnan(overflow["naive"]).any()),
            "shifted_has_nan": bool(np.isnan(overflow["shifted"]).any()),
        },
        "before": differences(record.get("before", {})),
    }


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


def sentence(value: Any, last_factor: Any) -> Any:
    """``SM_i (δ_ik - f)`` for every i and k, where the answer's sentence takes ``SM_i`` for ``f``, not ``SM_k``."""
    return value[:, None] * (np.eye(value.size, dtype=value.dtype) - last_factor)


def on_small_input(logits: Any = (1.0, 2.0, 3.0)) -> Any:
    """Both softmaxes where none overflows, the second one on a matrix, and the asker's line as it stands."""
    matrix = np.array([logits, logits[::-1]])
    whole = naive_softmax(matrix - matrix.max())
    return {
        "naive_is_shifted": agree(naive_softmax(np.array(logits)), softmax(np.array(logits)), roundings=20),
        "matrix_is_normalised_as_a_whole": agree(whole.sum(), np.ones(()), roundings=20)
        and not agree(whole.sum(axis=1), np.ones(2), roundings=20),
        "asked_code_compiles": _compiles("gradient[i] = value[i] * (1 - input[i))"),
        "asked_code_compiles_with_bracket": _compiles("gradient[i] = value[i] * (1 - input[i])"),
    }


def _compiles(code: str) -> Any:
    try:
        compile(code, "question", "exec")
    except SyntaxError:
        return False
    return True
