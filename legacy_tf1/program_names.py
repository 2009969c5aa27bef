"""What a script calls its tensors: the names of its variables, seen in the frames that call a Session."""

import os
from collections import OrderedDict

if __package__:
    from legacy_tf1.program_feeds import ProgramError
else:
    from program_feeds import ProgramError


class Names:
    """Names of tensors and operations, the innermost frame's first.

    Args:
        folder: where the script's files are; frames of other files are not looked at.
    """

    def __init__(self, folder):
        self.folder = folder
        self.seen = OrderedDict()  # of a tensor or an operation: what the script calls it

    def look(self, frame):
        """Note the names in the frame, and in those that called it."""
        while frame is not None:
            if self._is_scripts(frame.f_code.co_filename):
                for scope in (frame.f_locals, frame.f_globals):
                    self._note(scope)
            frame = frame.f_back

    def _is_scripts(self, file):
        return os.path.abspath(file).startswith(self.folder + os.sep) and "site-packages" not in file

    def _note(self, scope):
        for name, value in list(scope.items()):
            if name.startswith("_"):
                continue
            self._see(name, value)
            if not hasattr(value, "graph") and self._is_own(value):
                for attribute, held in list(vars(value).items()):
                    self._see(attribute.lstrip("_"), held)
            elif isinstance(value, dict):
                for key, held in list(value.items()):
                    if isinstance(key, str):
                        self._see(key, held)

    def _is_own(self, value):
        """Whether it is an instance of one of the script's classes, such as a model that holds its tensors."""
        module = type(value).__module__
        return hasattr(value, "__dict__") and module in ("__main__", "legacy_program")

    def _see(self, name, value):
        graph = getattr(value, "graph", None)
        if hasattr(graph, "as_graph_element") and (hasattr(value, "op") or hasattr(value, "node_def")):
            element = graph.as_graph_element(value)  # of what assigns to a variable, what is run
            self.seen.setdefault((id(graph), element.name), name)

    def of(self, element):
        """What the script calls it; else its name in the graph."""
        graph_name = element.name[:-2] if element.name.endswith(":0") else element.name
        return self.seen.get((id(element.graph), element.name), graph_name)

    def are(self, element, name):
        """Whether a user's name means the element."""
        return name in (self.of(element), element.name, element.name.split(":")[0])

    def by_name(self, elements):
        """The elements by name; where two have one name, the later has the graph's."""
        named = OrderedDict()
        for element in elements:
            name = self.of(element)
            named[element.name if name in named else name] = element
        return named

    def known(self):
        """What the script calls its tensors, in one line."""
        return ", ".join(sorted(set(self.seen.values())))[:200]

    def exists(self, name, graph):
        """Whether a user's name means anything there."""
        return name in self.seen.values() or name in {operation.name for operation in graph.get_operations()}

    def tensor(self, name, graph):
        """The tensor of a user's name."""
        for (_, graph_name), own in self.seen.items():
            if own == name:
                name = graph_name
                break
        try:
            element = graph.as_graph_element(name if ":" in name else name + ":0", allow_operation=False)
        except (KeyError, ValueError, TypeError, AttributeError):
            known = ", ".join(sorted(set(self.seen.values())))[:200]
            raise ProgramError(
                f"--fetch must name a tensor of the script. Received: {name!r}; it has {known}"
            ) from None
        return element
