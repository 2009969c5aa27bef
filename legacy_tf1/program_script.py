"""A TF1 script as a program: it is run as it is, up to its steps of training, and what it asks of a Session is noted.

Nothing in the script is changed. While it runs, ``Session.run`` tells which op trains, what is fed and what is fetched
(``MonitoredSession``, ``Estimator`` and ``Tensor.eval`` end there too), ``tf.train.Optimizer`` tells what is minimised,
and the calling frames tell what the script calls its tensors. Savers and summary writers write nothing meanwhile.
"""

import contextlib
import os
import sys
import types
from collections import OrderedDict

import numpy as np

if __package__:
    from legacy_tf1.program_feeds import ProgramError, is_dense_number
    from legacy_tf1.program_names import Names
    from legacy_tf1.program_optimizers import plain
else:
    from program_feeds import ProgramError, is_dense_number
    from program_names import Names
    from program_optimizers import plain

STEPS = 10
SOURCES = ("IteratorGetNext", "QueueDequeue", "QueueDequeueV2", "QueueDequeueMany", "QueueDequeueManyV2",
           "QueueDequeueUpTo", "QueueDequeueUpToV2")  # fmt: skip
"""Operations whose results the script's own input pipeline makes: they are recorded, and fed to the port."""
VARIABLES = ("Variable", "VariableV2", "VarHandleOp")
READS = ("Identity", "ReadVariableOp")
INITIAL_WRITES = ("Assign", "AssignVariableOp")


class Enough(BaseException):
    """The script has taken the steps that are recorded; no Exception, so that no script goes on after it."""


def content(tf, path, train=None, fetches=None, function=None, steps=STEPS):
    """What ``build()`` of the script would return, and the values that its variables had before the first step.

    Args:
        tf: TensorFlow's version 1 API.
        path: the script's file.
        train: the name of the op that trains, where the script runs several; or None.
        fetches: names of the tensors to compare in place of what the script fetches, or None.
        function: the function to call, None for the script itself as ``__main__``.
        steps: how many of its training steps are noted.

    Returns:
        A dict with ``placeholders``, ``fetches``, ``feeds``, ``start`` and, if it trains, ``train``.
    """
    noted = Noted(tf, path, train, steps)
    with noted.hooks():
        execute(path, function)
    return noted.content(fetches)


class Noted:
    """What a script asked of its Sessions."""

    def __init__(self, tf, path, train, steps):
        self.tf, self.path, self.chosen, self.wanted = tf, path, train, steps
        self.names = Names(os.path.dirname(os.path.abspath(path)))
        self.applied, self.losses = [], []
        self.runs = []  # (ops that train, {tensor: value}) of each training run
        self.asked = OrderedDict()
        self.fed = OrderedDict()  # the first value of all that was ever fed
        self.start = None
        self._leading = {}
        self._inside = False

    @contextlib.contextmanager
    def hooks(self):
        """While it lasts, Sessions and optimizers tell what they are asked, and nothing is written."""
        tf = self.tf
        session = next(kind for kind in tf.Session.__mro__ if "run" in vars(kind))
        optimizer = tf.train.Optimizer
        with contextlib.ExitStack() as stack:

            def replaced(holder, name, wrapper):
                original = getattr(holder, name)
                stack.callback(setattr, holder, name, original)
                setattr(holder, name, wrapper(original))

            replaced(session, "run", self._run)
            replaced(optimizer, "apply_gradients", self._apply_gradients)
            replaced(optimizer, "compute_gradients", self._compute_gradients)
            replaced(tf, "gradients", self._gradients)
            replaced(tf.Graph, "finalize", lambda _: unwritten)
            replaced(tf.train.Saver, "save", lambda _: unwritten)
            replaced(tf.summary, "FileWriter", lambda _: Silent)
            yield

    def _apply_gradients(self, original):
        def apply_gradients(optimizer, *arguments, **options):
            self.names.look(sys._getframe(1))  # an Estimator's model_fn is not there any more when a Session runs
            operation = original(optimizer, *arguments, **options)
            self.applied.append(operation)
            return operation

        return apply_gradients

    def _compute_gradients(self, original):
        def compute_gradients(optimizer, loss, *arguments, **options):
            self.losses.append(loss)
            return original(optimizer, loss, *arguments, **options)

        return compute_gradients

    def _gradients(self, original):
        def gradients(ys, *arguments, **options):
            self.losses += ys if isinstance(ys, (list, tuple)) else [ys]
            return original(ys, *arguments, **options)

        return gradients

    def _run(self, original):
        def run(session, fetches, feed_dict=None, options=None, run_metadata=None):
            if self._inside:
                return original(session, fetches, feed_dict, options, run_metadata)
            self._inside = True
            try:
                self.names.look(sys._getframe(1))
                read, feeds = self._note(session, fetches, feed_dict, original)
                result, values = original(session, [fetches, read], feed_dict, options, run_metadata)
                feeds.update(zip(read, values))
                return result
            finally:
                self._inside = False

        return run

    def _note(self, session, fetches, feed_dict, run):
        """Note a run; what is to be read along with it, and where its values go."""
        elements = list(elements_of(session.graph, fetches))
        feeds = self._feeds(session.graph, feed_dict)
        for tensor, value in feeds.items():
            self.fed.setdefault(tensor, value)
        trains = [element for element in elements if self._trains(element)]
        for element in elements:
            if element not in trains and is_number(element) and not is_read(element):
                self.asked.setdefault(element)
        if self.asked and self.start is None:
            self.start = self._values(session, run)
        if trains and self.chosen and not self.names.exists(self.chosen, session.graph):
            raise ProgramError(
                "--train must name an op that the script runs. Received: {!r}; it has {}".format(
                    self.chosen, self.names.known()
                )
            )
        if not trains or (self.chosen and not any(self.names.are(each, self.chosen) for each in trains)):
            return [], {}
        if not self.runs:
            self.start = self._values(session, run) or self.start
        if sum(others == trains for others, _ in self.runs) == self.wanted:
            raise Enough
        self.runs.append((trains, feeds))
        made = [op for op in leading_to(trains, self._leading) if op.type in SOURCES]
        return [tensor for op in made for tensor in op.outputs if tensor not in feeds and is_number(tensor)], feeds

    def _feeds(self, graph, feed_dict):
        feeds = OrderedDict()
        for key, value in (feed_dict or {}).items():
            if type(key).__name__.startswith("SparseTensor"):
                raise ProgramError(
                    f"feeds of a script must be dense. Received: {key}; make dense feeds of it in a build()"
                )
            feeds[graph.as_graph_element(key, allow_operation=False)] = np.array(value)
        return feeds

    def _trains(self, element):
        """Whether a run of it moves variables: through an optimizer, or, where there is none, by hand."""
        leading = leading_to([element], self._leading)
        applied = {each.op if hasattr(each, "op") else each for each in self.applied}
        return bool(applied & leading) if applied else any(map(is_update, leading))

    def _values(self, session, run):
        """The variables' values by name; None while one of them has none."""
        with session.graph.as_default():
            variables = OrderedDict((plain(v), v) for v in self.tf.global_variables())
        try:
            return run(session, variables) if variables else None
        except self.tf.errors.FailedPreconditionError:
            return None

    def content(self, fetches):
        """What ``build()`` would return."""
        trains = self._train_ops()
        fetched = self._fetches(fetches, trains)
        if not fetched:
            raise ProgramError(
                "a program must define build(), or be a script that runs a tf.Session. Received: "
                f"{os.path.basename(self.path)}, of which nothing can be compared"
            )
        placeholders, feeds = self._inputs(trains, fetched)
        found = {"placeholders": placeholders, "fetches": fetched, "feeds": feeds, "start": self.start}
        if trains:
            with trains[0].graph.as_default():
                found["train"] = trains[0] if len(trains) == 1 else self.tf.group(*trains)
        return found

    def _train_ops(self):
        """The ops of the one kind of training run that there is."""
        kinds = []
        for trains, _ in self.runs:
            if trains not in kinds:
                kinds.append(trains)
        if len(kinds) > 1:
            words = ", ".join(" with ".join(map(self.names.of, trains)) for trains in kinds)
            raise ProgramError(
                "the op that trains must be told where a script runs several. Received: "
                f"{os.path.basename(self.path)}, which runs {words}; choose one with --train NAME"
            )
        if not kinds and self.chosen:
            raise ProgramError(
                f"--train must name an op that the script runs and that trains. Received: {self.chosen!r}"
            )
        return kinds[0] if kinds else []

    def _fetches(self, names, trains):
        """What is compared, by name: what was asked for, and what is minimised."""
        graph = (trains or list(self.asked) or [None])[0]
        graph = getattr(graph, "graph", None)
        if names:
            return OrderedDict((name, self.names.tensor(name, graph)) for name in names)
        tensors = OrderedDict.fromkeys([*self.asked, *(loss for loss in self.losses if is_number(loss))])
        return self.names.by_name(
            tensor for tensor in tensors if tensor.graph is graph and self._can_be_compared(tensor)
        )

    def _can_be_compared(self, tensor):
        """Whether all that it needs was fed, and it is more than a count of the steps."""
        fed = {each.op for each in self._known_feeds()}
        leading = leading_to([tensor], self._leading)
        needed = {op for op in leading if op.type in ("Placeholder", "PlaceholderV2")}
        return needed <= fed and (tensor.dtype.is_floating or bool(leading & fed))

    def _known_feeds(self):
        return [*(self.runs[0][1] if self.runs else ()), *self.fed]

    def _inputs(self, trains, fetched):
        """Placeholders and whatever else is fed, by name, and their values, one for each step."""
        leading = leading_to([*trains, *fetched.values()], self._leading)
        needed = [tensor for tensor in OrderedDict.fromkeys(self._known_feeds()) if tensor.op in leading]
        named, feeds = self.names.by_name(needed), {}
        for name, tensor in named.items():
            values = [fed[tensor] for _, fed in self.runs if tensor in fed] or [self.fed[tensor]]
            shapes = list(OrderedDict.fromkeys(value.shape for value in values))
            if len(shapes) > 1:
                raise ProgramError(
                    "feeds must have one shape in all steps. Received: {!r} of shape {} and {}; take fewer "
                    "--steps".format(name, shapes[0], shapes[1])
                )
            if tensor.get_shape().ndims is None:
                tensor.set_shape([None] * values[0].ndim)
            feeds[name] = np.stack(values)
        return named, feeds


def unwritten(*arguments, **_):
    """In place of ``Saver.save(saver, session, path)``, the path alone; in place of ``Graph.finalize``, nothing."""
    return arguments[2] if len(arguments) > 2 else None


class Silent:
    """A summary writer that writes nothing."""

    def __init__(self, *_, **__):
        pass

    def __getattr__(self, name):
        return lambda *_, **__: None


def execute(path, function):
    """Run the script as ``__main__``, or call a function of it."""
    module = types.ModuleType("legacy_program" if function else "__main__")
    module.__file__ = path
    before = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module
    try:
        with open(path, encoding="utf-8") as file:
            code = compile(file.read(), path, "exec")
        exec(code, module.__dict__)
        if function:
            getattr(module, function)()
    except Enough:
        pass
    except SystemExit as error:
        if error.code not in (None, 0):
            raise
    finally:
        sys.modules.pop(module.__name__)
        if before is not None:
            sys.modules[module.__name__] = before


def elements_of(graph, fetches):
    """The operations and tensors of whatever ``Session.run`` may be given."""
    if isinstance(fetches, dict):
        fetches = list(fetches.values())
    if isinstance(fetches, (list, tuple)):
        for fetch in fetches:
            for element in elements_of(graph, fetch):
                yield element
        return
    with contextlib.suppress(TypeError, ValueError, KeyError):  # sparse tensors, slices and None are not compared
        yield graph.as_graph_element(fetches)


def leading_to(elements, known):
    """The operations that a run of the elements runs, themselves included."""
    found = set()
    for element in elements:
        operation = getattr(element, "op", element)
        if operation not in known:
            seen, waiting = set(), [operation]
            while waiting:
                each = waiting.pop()
                if each not in seen:
                    seen.add(each)
                    waiting += [tensor.op for tensor in each.inputs] + list(each.control_inputs)
            known[operation] = seen
        found |= known[operation]
    return found


def is_update(operation):
    """Whether an operation moves a variable, and is neither its initialiser nor restores it."""
    if operation.type.startswith(("Apply", "ResourceApply", "ScatterSub", "ScatterAdd")):
        return True
    if not operation.type.startswith("Assign") or not operation.inputs:
        return False
    if operation.type not in INITIAL_WRITES:
        return True
    written = operation.inputs[0].op
    return any(op is written or op.type in VARIABLES for op in leading_to([operation.inputs[1]], {}))


def is_number(element):
    """Whether it is a tensor of real numbers or truth values that a Session can give."""
    return hasattr(element, "op") and is_dense_number(element)


def is_read(tensor):
    """Whether the tensor is no more than a variable's value, which is compared as a variable."""
    operation = tensor.op
    while operation.type in READS and operation.inputs:
        operation = operation.inputs[0].op
    return operation.type in VARIABLES
