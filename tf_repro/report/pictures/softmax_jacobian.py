"""The three-layer network of ``softmax_jacobian``: how it learns, and which digits it takes for which."""

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

from tf_repro.core.data import Digits, load_digits
from tf_repro.core.record import Record
from tf_repro.report.pictures.drawn import Drawn
from tf_repro.report.pictures.svg import SERIES, Picture, picture, shaded
from tf_repro.suite.derivations.network import network


def learning_curve(record: Record) -> Picture:
    """Loss and accuracy on the training images, before every step and after the last."""
    loss, accuracy = (
        np.append(record["trajectory"][quantity], record["after"][quantity]) for quantity in ("loss", "accuracy")
    )

    def draw(figure: Figure) -> None:
        upper, lower = figure.subplots(2, sharex=True)
        upper.plot(loss, color=SERIES[0])
        lower.plot(100 * accuracy, color=SERIES[1])
        upper.set(ylabel="loss, nats", ylim=(0, None))
        lower.set(ylabel="accuracy, %", xlabel="training step", ylim=(0, 100))

    return picture(
        "softmax-jacobian-learning",
        draw,
        title="The three-layer network learns",
        alt=f"Over {loss.size - 1} steps the mean cross-entropy falls from {loss[0]:.3f} to {loss[-1]:.3f} nats and "
        f"the accuracy on the training images goes from {accuracy[0]:.1%} to {accuracy[-1]:.1%}.",
        caption="Full-batch descent by the gradients of the document's backward pass.",
        height=3.8,
    )


def confusion(record: Record, digits: Digits) -> Picture:
    """Which held-out images the trained network takes for which digit.

    Args:
        record: with the trained weights in the moment ``after``.
        digits: the data that it was trained on, whose test images are drawn.
    """
    trained = network(digits.test_features, digits.test_labels, record["after"])
    true, taken = digits.test_labels.argmax(axis=1), trained["probability"].argmax(axis=1)
    counts = confusion_matrix(true, taken, labels=range(10))

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        shaded(axes, shares, np.where(counts, counts, "").tolist(), range(10), range(10))
        axes.set(xlabel="digit that the network says", ylabel="digit that it is")

    right = int(np.trace(counts))
    wrong = counts - np.diag(np.diag(counts))
    digit, said = np.unravel_index(wrong.argmax(), wrong.shape)
    most = f" The commonest mistake is {said} for {digit}, {wrong.max()} times." if wrong.any() else ""
    return picture(
        "softmax-jacobian-confusion",
        draw,
        title="Confusion matrix of the three-layer network",
        alt=f"Of {counts.sum()} images that it has not seen, the network reads {right} rightly "
        f"({right / counts.sum():.1%}).{most}",
        caption="How many held-out images of each digit (row) the network takes for which (column), "
        "coloured by the share of the row.",
        height=4.0,
    )


def draw(drawn: Drawn) -> list[Picture]:
    """How the network learns, and what it takes for what."""
    record = drawn.record
    return [] if record is None else [learning_curve(record), confusion(record, load_digits(drawn.data))]
