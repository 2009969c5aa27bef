"""The port's line as it would read with an exchange, where the exchange is one call, operator or number on one line."""

from __future__ import annotations

import ast

import numpy as np

from tf_repro.migrate.bisection.graft import Along, Constant, Operation, Shaped
from tf_repro.migrate.bisection.trace import Place
from tf_repro.migrate.diagnosis.exchange import Exchange
from tf_repro.migrate.diagnosis.kinds import SILENT

FUNCTIONS = {
    "Relu": "tf.nn.relu", "Relu6": "tf.nn.relu6", "Elu": "tf.nn.elu", "Selu": "tf.nn.selu", "Tanh": "tf.tanh",
    "Sigmoid": "tf.sigmoid", "Softplus": "tf.nn.softplus", "Softmax": "tf.nn.softmax", "Mean": "tf.reduce_mean",
    "Sum": "tf.reduce_sum", "Max": "tf.reduce_max", "AvgPool": "tf.nn.avg_pool2d", "MaxPool": "tf.nn.max_pool2d",
    "StopGradient": "tf.stop_gradient", "Neg": "-", "Square": "tf.square", "Abs": "tf.abs",
}  # fmt: skip
OPERATORS = {"AddV2": "+", "Add": "+", "Sub": "-", "Mul": "*", "RealDiv": "/"}


def line_after(exchange: Exchange, place: Place, line: str) -> str | None:
    """The line with the exchange made, or None where it cannot be written so simply."""
    if place.column is None or place.end is None:
        return None
    segment = line[place.column : place.end]
    try:
        call = ast.parse(segment, mode="eval").body
    except SyntaxError:
        return None
    text = _changed(exchange, segment, call)
    if text is None or text == segment:
        return None
    return line[: place.column] + text + line[place.end :]


def _changed(exchange: Exchange, segment: str, call: ast.expr) -> str | None:
    expression, dropped = exchange.edit.expression, [n for n in exchange.edit.dropped if n.type not in SILENT]
    while isinstance(expression, Operation) and expression.type in SILENT and len(expression.inputs) < 3:
        expression = expression.inputs[0]
    if isinstance(expression, Shaped):
        return None
    if not isinstance(expression, Operation):
        return _without(expression, segment, call) if len(dropped) == 1 else None
    if not dropped:
        return _with(exchange, expression, segment, call)
    if len(dropped) > 1:
        return None
    if expression.type == dropped[0].type:
        return _other_number(exchange, segment, call) or _other_text(exchange, segment)
    if isinstance(call, ast.Call) and expression.type in FUNCTIONS:
        function = ast.get_source_segment(segment, call.func)
        return FUNCTIONS[expression.type] + segment[len(function or "") :]
    return None


def _without(leaf: object, segment: str, call: ast.expr) -> str | None:
    """The operand that is left when the call or the operator goes."""
    slot = leaf.path[0] if isinstance(leaf, Along) and len(leaf.path) == 1 else None
    if isinstance(call, ast.Call) and call.args:
        return ast.get_source_segment(segment, call.args[slot or 0])
    if isinstance(call, ast.BinOp) and slot is not None:
        return ast.get_source_segment(segment, (call.left, call.right)[slot])
    if isinstance(call, ast.Subscript):
        return ast.get_source_segment(segment, call.value)
    return None


def _with(exchange: Exchange, expression: Operation, segment: str, call: ast.expr) -> str | None:
    """The call wrapped into TF1's operation."""
    numbers = [each for each in expression.inputs if isinstance(each, Constant)]
    same_kind = expression.type == exchange.traces[1].nodes[exchange.edit.port.node].type
    if same_kind and numbers:
        return _other_number(exchange, segment, call)
    if expression.type in OPERATORS and len(numbers) == 1 and numbers[0].value.size == 1:
        whole = segment if isinstance(call, (ast.Call, ast.Name, ast.Subscript)) else f"({segment})"
        return f"{whole} {OPERATORS[expression.type]} {float(np.ravel(numbers[0].value)[0]):g}"
    if expression.type in FUNCTIONS and all(isinstance(each, Along) for each in expression.inputs):
        return f"{FUNCTIONS[expression.type]}({segment})"
    return None


def _other_number(exchange: Exchange, segment: str, call: ast.expr) -> str | None:
    """TF1's number for the port's, where just one differs."""
    expression = exchange.edit.expression
    if not isinstance(expression, Operation):
        return None
    node = exchange.traces[1].nodes[exchange.edit.port.node]
    has = [float(np.ravel(v)[0]) for ref in node.inputs
           if exchange.traces[1].nodes[ref.node].type == "Const"
           and (v := exchange.traces[1].value(ref)) is not None and v.size == 1]  # fmt: skip
    wanted = [float(np.ravel(e.value)[0]) for e in expression.inputs if isinstance(e, Constant) and e.value.size == 1]
    if len(has) != 1 or len(wanted) != 1:
        return None
    places = [each for each in ast.walk(call) if isinstance(each, ast.Constant)
              and isinstance(each.value, float | int) and np.float32(each.value) == np.float32(has[0])]  # fmt: skip
    if len(places) != 1:
        return None
    return segment[: places[0].col_offset] + f"{wanted[0]:g}" + segment[places[0].end_col_offset :]


def _other_text(exchange: Exchange, segment: str) -> str | None:
    """TF1's padding for the port's."""
    (dropped,) = (node for node in exchange.edit.dropped if node.type not in SILENT)
    for name in ("padding",):
        has, wanted = dropped.attributes.get(name), getattr(exchange.edit.expression, "attributes", {}).get(name)
        if has != wanted and isinstance(wanted, str):
            for quote in "\"'":
                if f"{quote}{has}{quote}" in segment:
                    return segment.replace(f"{quote}{has}{quote}", f"{quote}{wanted}{quote}")
    return None
