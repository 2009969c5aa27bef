"""One step of descent on ``mean((softmax(x·w) - y_true)²)``, by hand in float64."""

import numpy as np

from tf_repro.core.inputs import as_array, as_count
from tf_repro.core.record import Record
from tf_repro.suite.derivations.softmax import jacobian, softmax

X = (1.0, 2.0, 3.0, 4.0, 5.0)
Y_TRUE = (3.0, 4.0, 5.0, 6.0, 7.0)


def run(*, x=X, y_true=Y_TRUE, learning_rate=1.0, steps=1):
    """The document's figures to float64.

    The gradient by ``w`` is ``x · J (2/n)(y - y_true)`` with the whole Jacobian ``J``. ``after/w_of_diagonal_only``
    is what the asker took for the new weights: the gradient itself, from ``J``'s diagonal alone, unsubtracted.

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
    w = np.zeros_like(x)
    before = forward(x, y_true, w)
    for _ in range(as_count("steps", steps)):
        y = forward(x, y_true, w)["y"]
        dy = 2 / x.size * (y - y_true)
        diagonal_only = dy * y * (1 - y) * x
        w = w - learning_rate * x * (jacobian(y) @ dy)
    after = forward(x, y_true, w) | {"w_of_diagonal_only": diagonal_only}
    return Record({"before": before, "after": after})


def forward(x, y_true, w):
    """Every quantity that the document prints, from the weights ``w``."""
    logits = x * w
    y = softmax(logits)
    loss = (y - y_true) ** 2
    return {"logits": logits, "y": y, "loss": loss, "cost": loss.mean(), "w": w}
