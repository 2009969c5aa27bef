"""What an expression stands for: a TensorFlow symbol, an instance of one, or a value that TensorFlow made."""

from __future__ import annotations

import libcst as cst

from tf_repro.migrate.scanner.scopes import CONVENTION, ROOTS, Binding, Element, Program, Scope, dotted

# Kinds of values without a name of their own; no symbol begins so.
TENSOR, SHAPE, DIMENSION = "tensorflow.?Tensor()", "tensorflow.?Shape()", "tensorflow.?Dimension()"
_SESSION = "tensorflow.Session()"
_RETURNS = {  # functions that return an instance whose methods matter
    "tensorflow.get_default_session": _SESSION,
    "tensorflow.train.Supervisor().managed_session": _SESSION,
    "tensorflow.train.Supervisor().prepare_or_wait_for_session": _SESSION,
    "tensorflow.train.SessionManager().prepare_session": _SESSION,
}
_FARTHEST = 8  # names followed from one to the next, before an expression counts as unknown


class Resolver:
    """Follows names through a program's scopes; what each stands for is settled once."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._bound: dict[tuple[int, str], str | None] = {}

    def resolve(self, node: Binding, scope: Scope) -> str | None:
        """The dotted name that an expression stands for, ``()`` after a class that has been called; None if none."""
        match node:
            case str():
                return node
            case cst.Name():
                return self.lookup(node.value, scope)
            case cst.Attribute():
                return self._attribute(node, scope)
            case cst.Call():
                return self._call(node, scope)
            case cst.Subscript():
                return self._element(self.resolve(node.value, scope), _is_slice(node))
            case Element():
                return self._element(self.resolve(node.of, scope), sliced=False)
        return None

    def _attribute(self, node: cst.Attribute, scope: Scope) -> str | None:
        name = node.attr.value
        if isinstance(node.value, cst.Name) and node.value.value == "self":
            found = self.lookup(f"self.{name}", scope)
        elif self._program.assigned and (chain := dotted(node)) in self._program.assigned:
            return self._settle(0, f"={chain}", self._program.assigned[chain], scope)
        else:
            base = self.resolve(node.value, scope)
            found = base and (f"{base}.{name}" if not is_kind(base) else TENSOR if base == TENSOR else None)
        if name == "shape" and (found is None or is_kind(found)):
            return SHAPE
        return SHAPE if name == "dims" and self.resolve(node.value, scope) == SHAPE else found

    def _call(self, node: cst.Call, scope: Scope) -> str | None:
        if isinstance(node.func, cst.Attribute):
            if node.func.attr.value == "get_shape":
                return SHAPE
            if node.func.attr.value == "as_default":
                return self.resolve(node.func.value, scope)
        function = self.resolve(node.func, scope)
        if not function or function.partition(".")[0] not in ROOTS:
            return None
        if is_kind(function):
            return TENSOR if function == TENSOR else None
        if function in _RETURNS:
            return _RETURNS[function]
        return f"{function}()" if function.rpartition(".")[2][:1].isupper() else TENSOR

    @staticmethod
    def _element(of: str | None, sliced: bool) -> str | None:
        if of == SHAPE:
            return SHAPE if sliced else DIMENSION
        return of if of == TENSOR else None

    def lookup(self, name: str, scope: Scope | None) -> str | None:
        """What a name stands for where ``scope`` is the innermost."""
        inside, stars = True, []
        while scope is not None:
            visible = inside or not scope.is_class or name.startswith("self.")
            stars += scope.bindings.get("*", [])
            if visible and name in scope.bindings:
                return self._settle(id(scope), name, scope.bindings[name], scope)
            scope, inside = scope.parent, False
        if name == CONVENTION:
            return ROOTS[0]
        return f"{stars[0]}.{name}" if stars and not name.startswith("self.") else None

    def _settle(self, place: int, name: str, bindings: list[Binding], scope: Scope) -> str | None:
        """The first binding that is TensorFlow's, a symbol rather than a kind of value; nothing while it is asked."""
        key = place, name
        if key not in self._bound:
            self._bound[key] = None
            values = [self.resolve(value, scope) for value in bindings]
            ours = [value for value in values if value and value.partition(".")[0] in ROOTS]
            self._bound[key] = min(ours, key=is_kind, default=None)
        return self._bound[key]

    def is_foreign(self, node: Binding, scope: Scope, farthest: int = _FARTHEST) -> bool:
        """Whether an expression begins with what another module than TensorFlow gave."""
        while isinstance(node, cst.Attribute | cst.Call | cst.Subscript):
            node = node.func if isinstance(node, cst.Call) else node.value
        if not isinstance(node, cst.Name) or farthest == 0:
            return False
        at: Scope | None = scope
        while at is not None:
            if node.value in at.bindings:
                return any(
                    value.partition(".")[0] not in ROOTS
                    if isinstance(value, str)
                    else self.is_foreign(value, at, farthest - 1)
                    for value in at.bindings[node.value]
                    if value is not node
                )
            at = at.parent
        return False


def is_kind(symbol: str) -> bool:
    """Whether it is a kind of value, no symbol."""
    return symbol.startswith("tensorflow.?")


def _is_slice(node: cst.Subscript) -> bool:
    return any(isinstance(element.slice, cst.Slice) for element in node.slice)
