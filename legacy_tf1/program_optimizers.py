"""The optimizers of a TF1 program: what they apply, their hyperparameters, slots and learning rate."""

import re
from collections import OrderedDict

HYPERPARAMETERS = OrderedDict(
    [
        ("beta1", "_beta1"),
        ("beta2", "_beta2"),
        ("epsilon", "_epsilon"),
        ("decay", "_decay"),
        ("rho", "_rho"),
        ("momentum", "_momentum"),
        ("use_nesterov", "_use_nesterov"),
        ("centered", "_centered"),
        ("initial_accumulator_value", "_initial_accumulator_value"),
        ("learning_rate_power", "_learning_rate_power"),
        ("l1_regularization_strength", "_l1_regularization_strength"),
        ("l2_regularization_strength", "_l2_regularization_strength"),
        ("l2_shrinkage_regularization_strength", "_l2_shrinkage_regularization_strength"),
    ]
)


class captured_optimizers:
    """Note every ``tf.train.Optimizer.apply_gradients``: what is really applied, after clipping, and by whom."""

    def __init__(self, tf):
        self.optimizer = tf.train.Optimizer

    def __enter__(self):
        self.original = original = self.optimizer.apply_gradients
        applied = []

        def apply_gradients(self, grads_and_vars, *arguments, **options):
            pairs = list(grads_and_vars)
            applied.append((self, pairs))
            return original(self, pairs, *arguments, **options)

        self.optimizer.apply_gradients = apply_gradients
        return applied

    def __exit__(self, *_):
        self.optimizer.apply_gradients = self.original


def slot_variables(applied):
    """{"<variable>/<slot>": variable} of every optimizer that was used."""
    slots = OrderedDict()
    for optimizer, pairs in applied:
        for _, variable in pairs:
            for slot in optimizer.get_slot_names():
                found = optimizer.get_slot(variable, slot)
                if found is not None:
                    slots[plain(variable) + "/" + slot] = found
    return slots


def describe(optimizer):
    """The optimizer's kind and those of its hyperparameters that are plain numbers."""
    kind = re.sub("Optimizer$", "", type(optimizer).__name__)
    values = ((name, getattr(optimizer, attribute, None)) for name, attribute in HYPERPARAMETERS.items())
    return {"kind": kind, "hyperparameters": {k: v for k, v in values if isinstance(v, (bool, int, float))}}


def learning_rate(optimizer):
    """The learning rate as a tensor of the graph, or None."""
    for attribute in ("_learning_rate_tensor", "_lr_t"):
        if getattr(optimizer, attribute, None) is not None:
            return getattr(optimizer, attribute)
    return None


def plain(variable):
    """A variable's name without the output's number."""
    return variable.name.split(":")[0]


def rate_is_used(rate, train):
    """Whether a run of the train op computes the tensor."""
    trains = train if isinstance(train, (list, tuple)) else [train]
    seen, left = set(), [each.op if hasattr(each, "op") else each for each in trains]
    while left:
        operation = left.pop()
        if operation is rate.op:
            return True
        if operation not in seen:
            seen.add(operation)
            left.extend([tensor.op for tensor in operation.inputs] + list(operation.control_inputs))
    return False


def in_order_of_use(graph, variables):
    """The names of the variables in the order in which the graph first computes with them."""
    made = {plain(variable): variable.op.name for variable in variables.values()}
    names = {operation: name for name, operation in made.items()}
    reads, found = dict(names), []
    for operation in graph.get_operations():
        for tensor in operation.inputs:
            name = reads.get(tensor.op.name)
            if name is None or "Assign" in operation.type or "IsInitialized" in operation.type:
                continue
            if operation.type in ("Identity", "ReadVariableOp", "Enter", "Switch"):
                reads[operation.name] = name
            elif name not in found:
                found.append(name)
    return found
