"""TensorFlow's operations by kind, as the names of faults need them."""

from __future__ import annotations

from collections.abc import Iterable

from tf_repro.migrate.bisection.graft import Operation, Shaped

ACTIVATIONS = {"Relu", "Relu6", "Elu", "Selu", "Tanh", "Sigmoid", "Softplus", "Softsign", "LeakyRelu"}
SMOOTH = {"Erf", "Erfc", "Pow", "Exp"}
REDUCTIONS = {"Mean", "Sum", "Max", "Min", "Prod"}
POOLS = {"AvgPool", "MaxPool", "MaxPoolV2"}
CONVOLUTIONS = {"Conv2D", "DepthwiseConv2dNative", "Conv3D", "Conv2DBackpropInput"}
RESIZES = {"ResizeBilinear", "ResizeBicubic", "ResizeNearestNeighbor", "ResizeArea"}
ENTROPIES = {"SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits"}
LOSSES = ENTROPIES | {"Log1p", "LogSoftmax"}
ORDERINGS = {"Transpose", "ReverseV2", "StridedSlice", "GatherV2"}
PADS = {"Pad", "PadV2", "MirrorPad"}
SCALINGS = {"Mul", "RealDiv", "Div"}
COMPARISONS = {"NotEqual", "Equal", "Less", "LessEqual", "Greater", "GreaterEqual"}
SUMS = {"AddV2", "Add", "Sub", "AddN"}
SILENT = {"Identity", "Reshape", "ExpandDims", "Squeeze", "Cast", "Snapshot", "PreventGradient", "ConcatV2", "Shape",
          "Pack", "BroadcastTo", "ReadVariableOp"}  # fmt: skip
"""Operations that are no difference by themselves."""


def types_of(expression: object) -> Iterable[str]:
    """The operations of an expression."""
    if isinstance(expression, Shaped):
        yield from types_of(expression.inner)
    if isinstance(expression, Operation):
        yield expression.type
        for each in expression.inputs:
            yield from types_of(each)


def leaves_of(expression: object) -> list[object]:
    """What an expression is made from."""
    if isinstance(expression, Operation):
        return [leaf for each in expression.inputs for leaf in leaves_of(each)]
    return leaves_of(expression.inner) if isinstance(expression, Shaped) else [expression]
