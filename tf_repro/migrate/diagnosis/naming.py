"""What kind of fault an exchange mends: told by the operations on both sides, and by where their values go."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tf_repro.migrate.bisection.graft import Along, Known, Source
from tf_repro.migrate.bisection.trace import Node, Ref, ancestors
from tf_repro.migrate.diagnosis.exchange import Exchange
from tf_repro.migrate.diagnosis.kinds import (
    ACTIVATIONS,
    COMPARISONS,
    CONVOLUTIONS,
    ENTROPIES,
    LOSSES,
    ORDERINGS,
    PADS,
    POOLS,
    REDUCTIONS,
    RESIZES,
    SCALINGS,
    SMOOTH,
    SUMS,
    leaves_of,
)
from tf_repro.migrate.diagnosis.reductions import is_along_another_axis, is_another_reduction, is_mean_for_sum


def _activation(exchange: Exchange) -> bool:
    """Whether one activation stands for another, also for one of several operations such as GELU."""
    if _only(exchange, ACTIVATIONS):
        return True
    sides = set(exchange.added), set(exchange.dropped)
    return any(
        one and one <= ACTIVATIONS and other <= ACTIVATIONS | SMOOTH | SCALINGS | SUMS | {"Neg"} and other & SMOOTH
        for one, other in (sides, sides[::-1])
    )


def _distance(exchange: Exchange) -> bool:
    """Whether one measure of distance stands for another before a mean or a sum."""
    used = exchange.consumers(0, 1) | exchange.consumers(1, 1)
    return _only(exchange, {"Square", "Abs", "SquaredDifference"}) and bool(used & REDUCTIONS)


def _only(exchange: Exchange, kinds: set[str]) -> bool:
    return bool(exchange.kinds) and exchange.kinds <= kinds


def _pooling_over_padding(exchange: Exchange) -> bool:
    return "AvgPool" in exchange.added and "AvgPool" in exchange.dropped and bool(exchange.kinds & PADS)


def _padding(exchange: Exchange) -> bool:
    windows = CONVOLUTIONS | POOLS
    return bool(exchange.kinds & windows) and (
        bool(exchange.kinds & PADS) or exchange.attribute_differs("padding", "explicit_paddings")
    )


def _stored_order(exchange: Exchange) -> bool:
    """Whether a variable is used as it is in one program and reordered in the other."""
    if not exchange.kinds or not exchange.kinds <= ORDERINGS:
        return False
    return all({kind for kind, _ in exchange.sources(side)} == {"Variable"} for side in (0, 1))


def _flatten(exchange: Exchange) -> bool:
    return _only(exchange, {"Transpose"}) and bool({"Reshape"} & (exchange.consumers(0, 1) | exchange.consumers(1, 1)))


def _penalty(exchange: Exchange) -> bool:
    """Whether only variables, and no feed, go into what is exchanged, or what is added to a loss."""
    apart = set(exchange.added - exchange.dropped) | set(exchange.dropped - exchange.added)
    if apart & (REDUCTIONS | {"GatherV2"}) and not apart & (SUMS | {"L2Loss"}):
        return False  # nothing is added on one side only: the penalty is on both
    if exchange.kinds & LOSSES:
        return False  # another loss, and the penalty beside it
    if "L2Loss" in exchange.kinds or exchange.said("l2_loss", "regulari", "weight_decay", "penalty"):
        return _about_weights(exchange)
    return False


def _fed_factor(exchange: Exchange) -> bool:
    """Whether one side multiplies what hangs on variables by what hangs on feeds alone."""
    for trace, nodes in zip(exchange.traces, (exchange.edit.added, exchange.edit.dropped), strict=True):
        for node in nodes:
            if node.type == "Mul":
                sides = [{trace.nodes[each.node].type for each in ancestors(trace, [ref])} for ref in node.inputs]
                if any("Variable" in a and "Variable" not in b and "Placeholder" in b
                       for a, b in (sides, sides[::-1])):  # fmt: skip
                    return exchange.added["Mul"] != exchange.dropped["Mul"]
    return False


def _masked(exchange: Exchange) -> bool:
    """Whether that factor comes from a comparison."""
    refs = [
        (trace, ref)
        for trace, nodes in zip(exchange.traces, (exchange.edit.added, exchange.edit.dropped), strict=True)
        for node in nodes
        for ref in node.inputs
    ]
    return any(trace.nodes[each.node].type in COMPARISONS for trace, ref in refs for each in ancestors(trace, [ref]))


def _about_weights(exchange: Exchange) -> bool:
    parts = []
    for leaf in leaves_of(exchange.edit.expression):
        ref = _ref_of(exchange, leaf)
        if ref is not None:
            parts.append({exchange.traces[1].nodes[r.node].type for r in ancestors(exchange.traces[1], [ref])})
    parts += [
        {exchange.traces[1].nodes[r.node].type for r in ancestors(exchange.traces[1], [ref])}
        for node in exchange.edit.dropped
        for ref in node.inputs
    ]
    return any("Variable" in part and "Placeholder" not in part for part in parts)


def _ref_of(exchange: Exchange, leaf: object) -> Ref | None:
    trace = exchange.traces[1]
    if isinstance(leaf, Along):
        ref = Ref(exchange.edit.port.node, leaf.output)
        for slot in leaf.path:
            ref = trace.nodes[ref.node].inputs[slot]
        return ref
    if isinstance(leaf, Known):
        from tf_repro.migrate.bisection.graft import keys

        return Ref(keys(trace)[leaf.key], leaf.output)
    if isinstance(leaf, Source):
        numbers = [n for n, node in enumerate(trace.nodes) if (node.type, node.name) == (leaf.type, leaf.name)]
        return Ref(numbers[0]) if numbers else None
    return None


def _other_labels(exchange: Exchange) -> bool:
    """Whether one cross-entropy of the same logits is given scaled and shifted labels, and the other is not."""
    found = [
        [node for node in nodes if node.type in ENTROPIES] for nodes in (exchange.edit.added, exchange.edit.dropped)
    ]
    if [len(each) for each in found] != [1, 1] or found[0][0].type != found[1][0].type:
        return False
    (logits, labels), (other_logits, other_labels) = found[0][0].inputs[:2], found[1][0].inputs[:2]
    if other_logits not in exchange.difference.matches.of_legacy.get(logits, ()):
        return False
    smoothed = [{trace.nodes[each.node].type for each in ancestors(trace, [ref])}
                for trace, ref in zip(exchange.traces, (labels, other_labels), strict=True)]  # fmt: skip
    return "Variable" not in smoothed[0] | smoothed[1] and any(each & SCALINGS and each & SUMS for each in smoothed)


def _labels(exchange: Exchange) -> bool:
    """Whether scaled and shifted feeds go into a cross-entropy."""
    fed = all(kind == "Placeholder" for side in (0, 1) for kind, _ in exchange.sources(side))
    entropies = ENTROPIES | {"Log", "Log1p", "LogSoftmax"}
    return fed and exchange.kinds <= SCALINGS | SUMS | {"StopGradient", "OneHot"} and bool(
        (exchange.consumers(0, 6) | exchange.consumers(1, 6)) & entropies
    )  # fmt: skip


def _epsilon(exchange: Exchange) -> bool:
    """Whether a small number is added under a root, or before a logarithm or a division."""
    if not _only(exchange, SUMS | {"Maximum", "Rsqrt", "Sqrt"}):
        return False
    numbers = [c for node in (*exchange.edit.added, *exchange.edit.dropped) for c in _constants(exchange, node)]
    used = exchange.consumers(0, 1) | exchange.consumers(1, 1) | exchange.kinds
    return bool(numbers) and max(map(abs, numbers)) <= 0.1 and bool(used & {"Rsqrt", "Sqrt", "Log", "RealDiv"})


def _constants(exchange: Exchange, node: Node) -> list[float]:
    side = 0 if any(node is each for each in exchange.edit.added) else 1
    found = []
    for ref in node.inputs:
        source, value = exchange.traces[side].nodes[ref.node], exchange.traces[side].value(ref)
        if source.type == "Const" and value is not None and value.size == 1 and value.dtype.kind == "f":
            found.append(float(np.ravel(value)[0]))
    return found


def _gated(exchange: Exchange) -> bool:
    """Whether a gate, a slice of one product, is part of it."""
    near = {exchange.traces[side].nodes[ref.node].type
            for side, nodes in ((0, exchange.edit.added), (1, exchange.edit.dropped))
            for node in nodes for ref in node.inputs}  # fmt: skip
    return bool(near & {"Split", "SplitV", "Unpack"})


def _forget_bias(exchange: Exchange) -> bool:
    """Whether another number, or none, is added to a gate."""
    gates = _gated(exchange) or any(
        isinstance(leaf, Along) and leaf.output > 0 for leaf in leaves_of(exchange.edit.expression)
    )
    return (
        gates
        and _only(exchange, {"AddV2", "Add", "Sigmoid"})
        and (exchange.added != exchange.dropped or _constants_differ(exchange))
    )


def _mode(exchange: Exchange) -> bool:
    """Whether moving statistics stand on one side and those of the batch on the other."""
    paired = exchange.difference.matches.variables  # TF1's name to the port's
    names = [
        {paired.get(name, name) if side == 0 else name for kind, name in exchange.sources(side) if kind == "Variable"}
        for side in (0, 1)
    ]
    borders = [
        {
            paired.get(name, name) if side == 0 else name
            for node in nodes
            for ref in node.inputs
            for name in [exchange.traces[side].nodes[ref.node].name]
            if exchange.traces[side].nodes[ref.node].type == "Variable"
        }
        for side, nodes in ((0, exchange.edit.added), (1, exchange.edit.dropped))
    ]
    moving = {name for name in names[0] ^ names[1] | borders[0] ^ borders[1] if "moving" in name or "mean" in name
              or "variance" in name}  # fmt: skip
    return bool(moving)


def _loss_scale(exchange: Exchange) -> bool:
    at_the_end = (
        not (exchange.consumers(1, 1) - {"Identity"}) or exchange.edit.port in exchange.traces[1].roots.values()
    )
    return _only(exchange, SCALINGS | {"Neg"}) and at_the_end


def _probabilities(exchange: Exchange) -> bool:
    """Whether a softmax or a sigmoid too many or too few goes into a cross-entropy, or logits into a logarithm."""
    one_off = _only(exchange, {"Softmax", "Sigmoid", "Log"}) and exchange.consumers(1, 4) & (ENTROPIES | {"Log"})
    of_logits = "Log" in exchange.dropped and not {"Softmax", "Sigmoid", "Exp"} & set(exchange.dropped)
    return bool(one_off) or (of_logits and bool(ENTROPIES & set(exchange.added)))


def _bias(exchange: Exchange) -> bool:
    """Whether one side adds a vector of variables."""
    if not exchange.kinds or not exchange.kinds <= SUMS | {"BiasAdd"}:
        return False
    for trace, nodes in zip(exchange.traces, (exchange.edit.added, exchange.edit.dropped), strict=True):
        for ref in (ref for node in nodes if node.type in SUMS | {"BiasAdd"} for ref in node.inputs):
            value = trace.value(ref)
            if trace.nodes[ref.node].type == "Variable" and value is not None and value.ndim == 1:
                return True
    return False


def _residual(exchange: Exchange) -> bool:
    return exchange.kinds <= SUMS and sum(exchange.added.values()) + sum(exchange.dropped.values()) == 1


def _written(exchange: Exchange, *words: str) -> bool:
    """Whether the difference is in what is assigned to a variable of such a name."""
    return exchange.difference.kind.startswith("write") and any(
        word in exchange.difference.name.lower().replace("_", "") for word in words
    )


def _bessel(exchange: Exchange) -> bool:
    """Whether TF1's value is the port's times n / (n - 1), or the other way round, for a whole number n."""
    left, right = (
        trace.value(ref) for trace, ref in zip(exchange.traces, (exchange.edit.legacy, exchange.edit.port), strict=True)
    )
    if left is None or right is None or left.size != right.size or not _written(exchange, "var"):
        return False
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.ravel(left).astype(np.float64) / np.ravel(right)
    ratio = max(ratios[0], 1 / ratios[0]) if np.isfinite(ratios[0]) and ratios[0] > 0 else 0.0
    if not np.allclose(ratios, ratios[0], rtol=1e-4) or not 1 < ratio <= 2:
        return False
    count = ratio / (ratio - 1)
    return bool(abs(count - round(count)) < count * count * 1e-6)


RULES: tuple[tuple[str, Callable[[Exchange], bool]], ...] = (
    ("EMA num_updates", lambda t: _written(t, "movingaverage", "ema", "average") and "Minimum" in t.kinds),
    ("EMA decay", lambda t: _written(t, "exponentialmovingaverage", "ema", "average")),
    ("Bessel's factor", _bessel),
    ("batch normalization momentum", lambda t: _written(t, "mean", "var", "moving") and _only(t, SCALINGS | SUMS)),
    ("keep_prob for rate", lambda t: t.said("dropout")),
    ("pos_weight", lambda t: t.said("pos_weight", "weighted_cross_entropy")),
    ("align_corners", lambda t: bool(t.kinds & RESIZES) and t.attribute_differs("align_corners", "half_pixel_centers")),
    ("average pooling over padding", _pooling_over_padding),
    ("padding", _padding),
    ("strides", lambda t: bool(t.kinds & (CONVOLUTIONS | POOLS)) and t.attribute_differs("strides", "dilations")),
    ("pooling", lambda t: bool(t.kinds & POOLS)),
    ("resizing", lambda t: bool(t.kinds & RESIZES)),
    ("transposed kernel", lambda t: t.attribute_differs("transpose_a", "transpose_b", "adj_x", "adj_y")),
    ("kernel layout", _stored_order),
    ("flatten order", _flatten),
    ("reset_after", lambda t: {"MatMul", "Mul"} <= t.kinds and t.added["MatMul"] != t.dropped["MatMul"]),
    ("forget bias", _forget_bias),
    ("gate order", lambda t: _gated(t) and t.added == t.dropped and len(t.edit.added) > 1),
    ("batch normalization mode", _mode),
    ("activation", _activation),
    ("from_logits", _probabilities),
    ("axis", lambda t: "Softmax" in t.kinds and t.kinds <= ORDERINGS | {"Softmax", "Sub"}),
    ("axis order", lambda t: _only(t, ORDERINGS)),
    ("label smoothing", _other_labels),
    ("loss", lambda t: bool(t.kinds & LOSSES) or _distance(t)),
    ("mask", lambda t: _fed_factor(t) and _masked(t)),
    ("example weights", _fed_factor),
    ("mean for sum", is_mean_for_sum),
    ("reduction", lambda t: _only(t, REDUCTIONS) and is_another_reduction(t)),
    ("axis", lambda t: _only(t, REDUCTIONS)),
    ("regulariser", _penalty),
    ("label smoothing", _labels),
    ("epsilon", _epsilon),
    ("stop_gradient", lambda t: _only(t, {"StopGradient"})),
    ("bias missing", lambda t: _bias(t) and t.added != t.dropped),
    ("loss scale", _loss_scale),
    ("scale", lambda t: _only(t, SCALINGS)),
    ("residual connection", _residual),
    ("axis", is_along_another_axis),
)  # fmt: skip
"""Names of faults, the most specific first."""


def name_of(exchange: Exchange) -> str:
    """The kind of fault that an exchange mends; ``"operation"`` where it is none of the known ones."""
    for name, holds in RULES:
        if holds(exchange):
            if name == "epsilon" and exchange.said("batch_norm", "BatchNorm"):
                return "batch normalization epsilon"
            return name
    same = exchange.added == exchange.dropped
    return "constant" if same and _constants_differ(exchange) else "operation"


def _constants_differ(exchange: Exchange) -> bool:
    numbers = [sorted(c for node in nodes for c in _constants(exchange, node))
               for nodes in (exchange.edit.added, exchange.edit.dropped)]  # fmt: skip
    return numbers[0] != numbers[1]
