"""Every value of a TF1 program's graph, on any TensorFlow 1.x: ``python graph.py REQUEST.json FOLDER``.

Like ``run.py``, beside which it lies, it needs Python 3.6, NumPy and TensorFlow, and nothing else.
"""

import json
import os
import sys
from collections import OrderedDict

import numpy as np

if __package__:
    from legacy_tf1 import run as runner
    from legacy_tf1.program_optimizers import captured_optimizers, plain
    from legacy_tf1.version_1 import version_1
else:  # a script in an interpreter of its own, which must not see what else lies beside this file
    beside = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, beside)
    import run as runner
    from program_optimizers import captured_optimizers, plain
    from version_1 import version_1

    sys.path[:] = [place for place in sys.path if os.path.abspath(place) != beside]

MOST_ELEMENTS = 20000000
SOURCES = ("Const", "Placeholder", "PlaceholderWithDefault", "PlaceholderV2")
VARIABLES = ("VariableV2", "Variable", "VarHandleOp")
WRITES = ("Assign", "AssignSub", "AssignAdd", "AssignVariableOp", "AssignSubVariableOp", "AssignAddVariableOp")


def record(path, tf, seed, feeds, start, inputs=None, script=None):
    """Build the program and read every value that leads to its fetches, losses, gradients and updates.

    Args:
        path: the file with ``build()``.
        tf: TensorFlow's version 1 API.
        seed: of the graph.
        feeds: arrays by placeholder name, of one step.
        start: values of the variables by name.
        inputs: keyword arguments of ``build()``, or None.
        script: what to take of a script; see :func:`legacy_tf1.run.run`.

    Returns:
        (nodes, roots, values): what each operation is, as JSON; ``[kind, name, tensor]`` for each root; the arrays by
        tensor name.
    """
    losses = []
    with runner.command_line_of(path), runner.graph_of_its_own(tf, seed), captured_optimizers(tf) as applied:
        with noted_losses(tf, losses):
            program = runner.built(path, "build", inputs or {}, tf, script)
        graph = runner.graph_of(tf, program)
        with graph.as_default():
            roots = roots_of(tf, program, applied, losses)
            operations = ancestors(root for _, _, root in roots)
            before = ancestors(root for kind, _, root in roots if not kind.startswith("write"))
            after = [operation for operation in operations if operation not in before]
            given = program["placeholders"], feeds, start
            values = values_of(tf, graph, before, *given)
            values.update(values_of(tf, graph, after, *given))  # apart, as what is assigned may hang on a step
    named = {tensor.op.name: name for name, tensor in program["placeholders"].items()}
    nodes = [described(operation, path, named) for operation in operations]
    return nodes, [[kind, name, root.name] for kind, name, root in roots], values


def values_of(tf, graph, operations, placeholders, feeds, start):
    """The values of all outputs that can be read, by name, in one run."""
    read = [t for operation in operations for t in operation.outputs if is_readable(graph, t)]
    variables = OrderedDict((plain(v), v) for v in tf.global_variables())
    with runner.session_of(tf) as session:
        runner.restore(session, tf, variables, {k: v for k, v in start.items() if k in variables})
        fed = {placeholders[name]: value for name, value in feeds.items()}
        return session.run({tensor.name: tensor for tensor in read}, fed)


class noted_losses:
    """Note what optimizers and ``tf.gradients`` differentiate."""

    def __init__(self, tf, losses):
        self.optimizer, self.losses = tf.train.Optimizer, losses

    def __enter__(self):
        self.original = original = self.optimizer.compute_gradients
        losses = self.losses

        def compute_gradients(self, loss, *arguments, **options):
            losses.append(loss)
            return original(self, loss, *arguments, **options)

        self.optimizer.compute_gradients = compute_gradients

    def __exit__(self, *_):
        self.optimizer.compute_gradients = self.original


def roots_of(tf, program, applied, losses):
    """(kind, name, tensor) of what the ladder compares: fetches, losses, gradients, and what updates assign."""
    roots = [("fetch", name, tensor) for name, tensor in program["fetches"].items()]
    roots += [("loss", str(n), loss) for n, loss in enumerate(losses) if hasattr(loss, "op")]
    gradients = OrderedDict(
        (plain(v), tf.convert_to_tensor(g)) for _, pairs in applied for g, v in pairs if g is not None
    )
    gradients.update(program.get("gradients") or {})
    roots += [("gradient", name, tensor) for name, tensor in gradients.items()]
    train = program.get("train")
    for operation in ancestors([train], control=True) if hasattr(train, "graph") else []:
        if operation.type in WRITES:
            name = operation.inputs[0].op.name
            roots.append(("write " + operation.type.replace("VariableOp", ""), name, operation.inputs[1]))
    return roots


def ancestors(roots, control=False):
    """The operations that lead to the roots, in the order in which they were made."""
    found, waiting = {}, [getattr(root, "op", root) for root in roots]
    while waiting:
        operation = waiting.pop()
        if operation in found:
            continue
        found[operation] = operation._id if hasattr(operation, "_id") else operation._id_value
        waiting += [tensor.op for tensor in operation.inputs]
        if control:
            waiting += list(operation.control_inputs)
    return sorted(found, key=found.get)


def is_readable(graph, tensor):
    """Whether a Session can read the tensor, and it is dense, numeric and of a size to keep."""
    dtype, elements = tensor.dtype.base_dtype, tensor.shape.num_elements() if tensor.shape.ndims is not None else None
    context = tensor.op._get_control_flow_context()
    inside = context is not None and context.IsWhileContext()
    return (
        (dtype.is_floating or dtype.is_integer or dtype.is_bool)
        and graph.is_fetchable(tensor)
        and not inside
        and (elements is None or elements <= MOST_ELEMENTS)
    )


def described(operation, path, placeholders):
    """An operation as JSON."""
    kind = operation.type
    name = placeholders.get(operation.name, operation.name)
    return {
        "name": name,
        "type": "Variable" if kind in VARIABLES else "Placeholder" if kind in SOURCES[1:] else kind,
        "inputs": [tensor.name for tensor in operation.inputs],
        "outputs": [tensor.name for tensor in operation.outputs],
        "attributes": attributes(operation),
        "line": line_of(operation, path),
    }


def attributes(operation):
    """The attributes that are plain: numbers, truth values, text, dtypes by name, shapes, and lists of those."""
    plain = {}
    for name, value in operation.node_def.attr.items():
        field = value.WhichOneof("value")
        if name.startswith("_") or field in (None, "tensor", "func", "placeholder"):
            continue
        if field == "list":
            items = [(key.name, list(items)) for key, items in value.list.ListFields()]
            plain[name] = [plain_value(key, item) for key, items in items for item in items]
        else:
            plain[name] = plain_value(field, getattr(value, field))
    return plain


def plain_value(field, value):
    """An attribute's value as JSON."""
    import tensorflow

    if field == "type":
        return tensorflow.as_dtype(value).name
    if field == "s":
        return value.decode("utf-8", "replace")
    if field == "shape":
        return None if value.unknown_rank else [dim.size for dim in value.dim]
    return value


def line_of(operation, path):
    """The line of the program that made the operation, or None."""
    lines = [frame[1] for frame in operation.traceback or [] if frame[0] == path]
    return lines[-1] if lines else None


def main(arguments):
    """Read the request, record, and write ``graph.json`` and ``graph.npz`` into the folder."""
    request_path, folder = arguments
    with open(request_path, encoding="utf-8") as file:
        request = json.load(file)
    sys.path.insert(0, os.path.dirname(os.path.abspath(request["path"])))
    arrays = {}
    try:
        given = {}
        for kind in ("feeds", "start"):
            with np.load(request[kind]) as archive:
                given[kind] = {name: archive["a%d" % n] for n, name in enumerate(request[kind + " names"])}
        with version_1() as tf:
            tf.logging.set_verbosity(tf.logging.ERROR)
            options = request["seed"], given["feeds"], given["start"], request["inputs"], request.get("script")
            nodes, roots, values = record(request["path"], tf, *options)
        arrays = OrderedDict(("a%d" % n, value) for n, value in enumerate(values.values()))
        answer = {"nodes": nodes, "roots": roots, "values": list(values)}
    except Exception as error:  # noqa: BLE001 - a program raises what it likes
        answer = {"error": runner.explain(error, request["path"])}
    np.savez(os.path.join(folder, "graph.npz"), **arrays)
    with open(os.path.join(folder, "graph.json"), "w", encoding="utf-8") as file:
        json.dump(answer, file)


if __name__ == "__main__":
    main(sys.argv[1:])
