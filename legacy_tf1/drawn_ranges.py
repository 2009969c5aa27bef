"""Up to where whole numbers may be drawn for a placeholder: a vocabulary's size, or a number of classes.

It is read off the graph: the placeholder is followed to the operations that look something up by it.
"""

PASSED_ON = {
    "Identity", "Reshape", "ExpandDims", "Squeeze", "Cast", "Transpose", "StridedSlice", "Slice", "ConcatV2", "Pack",
    "Unpack", "Split", "SplitV", "Tile", "Switch", "Enter", "StopGradient", "Unique",
}  # fmt: skip
"""Operations whose results are still the same numbers."""


def bound(tensor, make_ndarray):
    """The number below which every use of an integer tensor stays, or None where no use tells.

    Args:
        tensor: the placeholder.
        make_ndarray: TensorFlow's function of that name.
    """
    found, seen, waiting = [], set(), [tensor]
    while waiting:
        each = waiting.pop()
        if each.name in seen:
            continue
        seen.add(each.name)
        for operation in each.consumers():
            slots = [slot for slot, given in enumerate(operation.inputs) if given.name == each.name]
            found += [length for slot in slots for length in [_length(operation, slot, make_ndarray)] if length]
            if operation.type in PASSED_ON:
                waiting += operation.outputs
    return min(found) if found else None


def _length(operation, slot, make_ndarray):
    """The length of what the operation looks up by this input, or None."""
    kind, given = operation.type, operation.inputs
    if kind in ("Gather", "GatherV2", "ResourceGather") and slot == 1:
        axis = _constant(given[2], make_ndarray) if kind == "GatherV2" else 0
        return None if axis is None else _dimension(given[0], axis)
    if kind in ("SparseSoftmaxCrossEntropyWithLogits", "InTopK", "InTopKV2") and slot == 1:
        return _dimension(given[0], -1)
    if (kind, slot) == ("OneHot", 0):
        return _constant(given[1], make_ndarray)
    if (kind, slot) == ("UnsortedSegmentSum", 1):
        return _constant(given[2], make_ndarray)
    return None


def _dimension(tensor, axis):
    """One length of a tensor's shape, or of the variable's that a handle stands for."""
    if tensor.op.type == "VarHandleOp":
        lengths = [dimension.size for dimension in tensor.op.get_attr("shape").dim]
    else:
        shape = tensor.get_shape()
        lengths = shape.as_list() if shape.ndims else []
    return lengths[axis] if -len(lengths) <= axis < len(lengths) and (lengths[axis] or 0) > 0 else None


def _constant(tensor, make_ndarray):
    """A constant scalar's value, or None."""
    if tensor.op.type != "Const":
        return None
    value = make_ndarray(tensor.op.get_attr("value"))
    return int(value) if value.size == 1 else None
