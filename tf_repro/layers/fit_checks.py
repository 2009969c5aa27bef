"""What ``fit`` and ``evaluate`` would lose or misread of a head that returns a loss, refused in one line."""

import inspect
from types import FrameType
from typing import Any

import tensorflow as tf

from tf_repro.keras_backend import keras

# Keras hands the weights and the metrics of `fit` to the compiled loss, never to a layer. So the layer looks for the
# step that calls it. A step of the user's own is left alone: there the weights may well be used.
# What their frames hold is private to Keras: where a name of it moves, nothing is refused, and
# tests/test_private_api.py says which.
_CALLERS = (keras.Model.train_step, keras.Model.test_step, keras.Model.fit, keras.Model.evaluate)
_CODES = frozenset(getattr(inspect.unwrap(caller), "__code__", None) for caller in _CALLERS)


def refuse_what_fit_would_lose(name: str, adds_loss: bool) -> None:
    """Raise where the step of Keras that calls the head ``name`` would drop weights or feed metrics with losses.

    Args:
        name: the head's.
        adds_loss: whether it adds its loss to the model, instead of returning losses one by one.

    Raises:
        ValueError: weights are given and go nowhere, or a metric of predictions would be given losses.
    """
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        model = frame.f_locals.get("self")
        if frame.f_code in _CODES and isinstance(model, keras.Model):
            _check_metrics(model, name)
            weights = (frame.f_locals.get("sample_weight"), frame.f_locals.get("class_weight"))
            if adds_loss and any(weight is not None for weight in weights):
                _check_weights(model, name)
        frame = frame.f_back


def _check_weights(model: Any, name: str) -> None:
    if model.loss is not None or type(model).compute_loss is not keras.Model.compute_loss:
        return
    raise ValueError(
        "sample_weight and class_weight of fit do not reach a loss that a layer adds to the model: give the weights as "
        "the third input of the head, or use reduction='none' with tf_repro.losses.LossesAsOutput. Received: weights "
        f"for model {model.name!r}, whose head {name!r} adds its loss"
    )


def _check_metrics(model: Any, name: str) -> None:
    if getattr(model, "output_names", None) != [name]:
        return
    try:
        with tf.init_scope():  # the optimizer's configuration holds values of variables
            compiled = model.get_compile_config()
    except (NotImplementedError, OSError, TypeError, ValueError):  # what is compiled cannot be written down: a lambda
        return
    misled = _stock_metrics([compiled.get("metrics"), compiled.get("weighted_metrics")])
    if misled:
        raise ValueError(
            "metrics of compile would take the head's losses for predictions: use those of the head itself, as in "
            f"metrics=['accuracy']. Received: metrics={misled!r} in model {model.name!r}, whose output is head {name!r}"
        )


def _stock_metrics(compiled: Any) -> list[str]:
    """Names of Keras' own metrics in the configuration of ``compile``; one's own may well be of losses."""
    if isinstance(compiled, str):
        return [compiled]
    if isinstance(compiled, dict) and "class_name" in compiled:
        own = str(compiled.get("module")).startswith("keras.")
        return [compiled["class_name"]] if own else []
    parts = compiled.values() if isinstance(compiled, dict) else compiled or ()
    return [name for part in parts for name in _stock_metrics(part)]
