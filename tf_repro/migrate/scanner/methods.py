"""Methods of TensorFlow 1 that are known by how they are called, on values of which a program does not say more."""

from __future__ import annotations

import re

import libcst as cst

from tf_repro.migrate.scanner.resolve import DIMENSION, TENSOR
from tf_repro.migrate.scanner.scopes import dotted

_ONLY_TF1 = {  # names that only TensorFlow 1 gives to methods, whatever they are called on
    "make_one_shot_iterator": "tensorflow.data.Dataset",
    "make_initializable_iterator": "tensorflow.data.Dataset",
    "compute_gradients": "tensorflow.train.Optimizer",
}
_SESSION_NAME = re.compile(r"(?:.*[._])?(?:sess|session)\d?", re.IGNORECASE)
_FEEDS = re.compile(r".*feed.*", re.IGNORECASE)
_EVALUATION, _RUN, _OPERATION, _VALUE = (
    "tensorflow.Tensor.eval", "tensorflow.Session.run", "tensorflow.Operation.run", "tensorflow.Dimension.value",
)  # fmt: skip


def method(node: cst.Attribute, call: cst.Call | None, kind: str | None, is_own: bool) -> str | None:
    """The symbol of a method on a value without a known class; None where it is no TensorFlow 1 method.

    Args:
        node: the method's name on its value.
        call: the call of it, if it is called.
        kind: what the value is, as far as it is known: one of the kinds of :mod:`~tf_repro.migrate.scanner.resolve`.
        is_own: whether the program defines a function of that name, so that the name alone tells nothing.
    """
    name = node.attr.value
    if name in _ONLY_TF1:
        return f"{_ONLY_TF1[name]}.{name}"
    if name == "value" and call is None:
        return _VALUE if kind == DIMENSION else None
    if call is None or name not in ("eval", "run"):
        return None
    keywords = {arg.keyword.value for arg in call.args if arg.keyword is not None}
    positional = [arg.value for arg in call.args if arg.keyword is None]
    if name == "eval":
        return _EVALUATION if _is_eval(positional, keywords, kind, is_own) else None
    return _run(node.value, positional, keywords, kind)


def _is_eval(positional: list[cst.BaseExpression], keywords: set[str], kind: str | None, is_own: bool) -> bool:
    """``x.eval()``, with feeds and a session or without; pandas and PyTorch have methods of that name too."""
    if keywords & {"feed_dict", "session"} or any(_is_feed(value) for value in positional[:1]):
        return True
    if kind == TENSOR:
        return len(positional) <= 2
    return not positional and not keywords and not is_own


def _run(
    base: cst.BaseExpression, positional: list[cst.BaseExpression], keywords: set[str], kind: str | None
) -> str | None:
    """``session.run(fetches, feeds)`` or ``operation.run(feeds, session)``."""
    if keywords & {"fetches", "run_metadata"} or (positional and "feed_dict" in keywords):
        return _RUN
    if len(positional) > 1 and _is_feed(positional[1]):
        return _RUN
    if positional and not isinstance(positional[0], cst.Dict) and _SESSION_NAME.fullmatch(dotted(base) or ""):
        return _RUN
    if keywords & {"feed_dict", "session"} or any(isinstance(value, cst.Dict) for value in positional[:1]):
        return _OPERATION
    return _OPERATION if kind == TENSOR and len(positional) <= 2 else None


def _is_feed(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Dict) or _FEEDS.fullmatch(dotted(node) or "") is not None
