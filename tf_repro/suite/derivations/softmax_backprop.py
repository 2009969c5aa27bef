"""One step of descent on ``mean((softmax(x·w) - y_true)²)``, by hand in float64."""

from __future__ import annotations

from typing import Any

from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record
from tf_repro.core.rounding import exactly
from tf_repro.suite.derivations.softmax import softmax

X = (1.0, 2.0, 3.0, 4.0, 5.0)
Y_TRUE = (3.0, 4.0, 5.0, 6.0, 7.0)


def run(*, x: Any = X, y_true: Any = Y_TRUE, learning_rate: float = 1.0, steps: int = 1) -> Record:
    """The document's figures to float64.

    The gradient by ``w`` is ``x · y (dy - Σ dy·y)``, the whole Jacobian applied to
    ``dy = (2/n)(y - y_true)``. ``after/w_of_diagonal_only`` is what the asker took for the new weights: the gradient
    itself, from the Jacobian's diagonal alone, unsubtracted.

    Args:
        x: float64[n], the inputs.
        y_true: float64[n], the targets.
        learning_rate: the step size.
        steps: how many steps of descent.

    Returns:
        A Record with the moments ``before`` and ``after``, each with ``logits``, ``y``, ``loss``, ``cost`` and ``w``.

    Example:
        >>> run()["after"]["w"].round(6) + 0.0
        array([-0.16, -0.16,  0.  ,  0.32,  0.8 ])
    """
    x = as_array("x", x, dtype="float64", ndim=1)
    y_true = as_array("y_true", y_true, dtype="float64", ndim=1)
    return Record(descend(x, y_true, learning_rate, as_count("steps", steps)))


def descend(x: Any, y_true: Any, learning_rate: float, steps: int) -> dict[str, dict[str, Any]]:
    """The moments ``before`` and ``after``, in whatever numbers ``x`` and ``y_true`` are."""
    w = 0.0 * x
    before = forward(x, y_true, w)
    for _ in range(steps):
        y = forward(x, y_true, w)["y"]
        dy = 2 / x.size * (y - y_true)
        diagonal_only = dy * y * (1 - y) * x
        w = w - learning_rate * (x * ((dy - (dy * y).sum()) * y))
    return {"before": before, "after": forward(x, y_true, w) | {"w_of_diagonal_only": diagonal_only}}


def bounds(precision: str, data: str = "digits") -> dict[str, dict[str, Any]]:
    """How far any evaluation of the document's figures may be off; see :class:`tf_repro.core.rounding.Rounded`."""
    number = exactly(precision)
    return descend(number(X), number(Y_TRUE), 1.0, 1)


def forward(x: Any, y_true: Any, w: Any) -> Any:
    """Every quantity that the document prints, from the weights ``w``."""
    logits = x * w
    y = softmax(logits)
    loss = (y - y_true) ** 2
    return {"logits": logits, "y": y, "loss": loss, "cost": loss.mean(), "w": w}
