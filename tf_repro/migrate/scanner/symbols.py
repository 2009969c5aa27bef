"""Which TensorFlow symbol each name in a syntax tree stands for: imports, aliases, instances and their methods."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

ROOTS = ("tensorflow",)
CONVENTION = "tf"  # a name that a program leaves unbound, or imports from a module of its own, is taken for TensorFlow
METHODS = {  # names that only TensorFlow 1 gives to methods, whatever they are called on
    "make_one_shot_iterator": "tensorflow.data.Dataset",
    "make_initializable_iterator": "tensorflow.data.Dataset",
    "compute_gradients": "tensorflow.train.Optimizer",
}


@dataclass(frozen=True)
class Use:
    """One place at which a program names a TensorFlow symbol.

    Attributes:
        line: from 1.
        column: from 1.
        symbol: what it stands for, from the root, such as ``tensorflow.compat.v1.placeholder``.
        written: the name as it stands there, ``None`` where it is no chain of names.
        positional: how many positional arguments it is called with; None where it is not called.
        keywords: the keywords it is called with.
    """

    line: int
    column: int
    symbol: str
    written: str | None
    positional: int | None = None
    keywords: tuple[str, ...] = ()


@dataclass
class Scope:
    """The names that a module, a class or a function binds; None among a name's bindings is one that says nothing."""

    parent: Scope | None = None
    is_class: bool = False
    bindings: dict[str, list] = field(default_factory=dict)

    def bind(self, name, value):
        """Note what ``name`` stands for: a dotted name, an expression, or None."""
        self.bindings.setdefault(name, []).append(value)


def uses(modules):
    """The TensorFlow symbols that the trees name, in order; the trees share one module scope, as a notebook's cells do.

    Args:
        modules: syntax trees.

    Returns:
        For each tree a list of :class:`Use`.

    Example:
        >>> (found,) = uses([cst.parse_module("import tensorflow as T\\nx = T.placeholder(T.float32)")])
        >>> [(use.line, use.symbol) for use in found]
        [(1, 'tensorflow'), (2, 'tensorflow.placeholder'), (2, 'tensorflow.float32')]
    """
    wrappers = [MetadataWrapper(module, unsafe_skip_copy=True) for module in modules]
    shared, scopes = Scope(), {}
    for wrapper in wrappers:
        wrapper.module.visit(_Binder(shared, scopes))
    found = []
    for wrapper in wrappers:
        finder = _Finder(shared, scopes)
        wrapper.visit(finder)
        found.append(finder.uses)
    return found


class _Walker(cst.CSTVisitor):
    """Keeps the scope that the walk is in."""

    def __init__(self, shared, scopes):
        super().__init__()
        self.scope, self.scopes = shared, scopes

    def on_visit_attribute(self, node, attribute):
        """Nothing; a quarter of the walk's time goes into looking for methods that are not there."""

    on_leave_attribute = on_visit_attribute

    def _enter(self, node, is_class=False):
        self.scope = self.scopes.setdefault(id(node), Scope(self.scope, is_class))

    def visit_FunctionDef(self, node):
        self._enter(node)

    def visit_Lambda(self, node):
        self._enter(node)

    def visit_ClassDef(self, node):
        self._enter(node, is_class=True)

    def _leave(self, original_node):
        self.scope = self.scope.parent

    leave_FunctionDef = leave_Lambda = leave_ClassDef = _leave


class _Binder(_Walker):
    """Notes what each scope binds."""

    def visit_FunctionDef(self, node):
        self.scope.bind(node.name.value, None)
        super().visit_FunctionDef(node)

    def visit_ClassDef(self, node):
        self.scope.bind(node.name.value, None)
        super().visit_ClassDef(node)

    def visit_Param(self, node):
        annotation = node.annotation.annotation if node.annotation else None
        self.scope.bind(node.name.value, None if annotation is None else cst.Call(annotation))

    def visit_Import(self, node):
        for alias in node.names:
            name = dotted(alias.name)
            if alias.asname:
                self._bind(alias.asname.name, name)
            else:
                self.scope.bind(name.partition(".")[0], name.partition(".")[0])

    def visit_ImportFrom(self, node):
        module = dotted(node.module) if node.module and not node.relative else ""
        if isinstance(node.names, cst.ImportStar):
            if module.partition(".")[0] in ROOTS:
                self.scope.bind("*", module)
            return
        for alias in node.names:
            target = alias.asname.name if alias.asname else alias.name
            own = module.partition(".")[0] not in ROOTS
            conventional = own and isinstance(target, cst.Name) and target.value == CONVENTION
            self._bind(target, ROOTS[0] if conventional else f"{module}.{alias.name.value}")

    def visit_Assign(self, node):
        for target in node.targets:
            self._bind(target.target, node.value)

    def visit_AnnAssign(self, node):
        if node.value is not None:
            self._bind(node.target, node.value)

    def visit_NamedExpr(self, node):
        self._bind(node.target, node.value)

    def visit_WithItem(self, node):
        if node.asname:
            self._bind(node.asname.name, node.item)

    def visit_For(self, node):
        self._bind(node.target, None)

    def visit_CompFor(self, node):
        self._bind(node.target, None)

    def _bind(self, target, value):
        if isinstance(target, cst.Name):
            self.scope.bind(target.value, value)
        elif isinstance(target, cst.Tuple | cst.List):
            values = getattr(value, "elements", ()) if isinstance(value, cst.Tuple | cst.List) else ()
            pairs = len(values) == len(target.elements)
            for place, element in enumerate(target.elements):
                self._bind(element.value, values[place].value if pairs else None)
        elif isinstance(target, cst.Attribute) and isinstance(target.value, cst.Name) and target.value.value == "self":
            owner = self.scope
            while owner.parent is not None and not owner.is_class:
                owner = owner.parent
            owner.bind(f"self.{target.attr.value}", value)


class _Finder(_Walker):
    """Collects the uses."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, shared, scopes):
        super().__init__(shared, scopes)
        self.uses = []
        self._calls = {}
        self._silent = set()
        self._bound = {}

    def visit_FunctionDef(self, node):
        self._silent.add(id(node.name))
        super().visit_FunctionDef(node)

    def visit_ClassDef(self, node):
        self._silent.add(id(node.name))
        super().visit_ClassDef(node)

    def visit_Param(self, node):
        self._silent.add(id(node.name))

    def visit_Arg(self, node):
        self._silent.add(id(node.keyword))

    def visit_AssignTarget(self, node):
        self._silent.add(id(node.target))

    def visit_AsName(self, node):
        self._silent.add(id(node.name))

    def visit_Call(self, node):
        self._calls[id(node.func)] = node

    def visit_Import(self, node):
        for alias in node.names:
            self._add(alias, dotted(alias.name), None)
        return False

    def visit_ImportFrom(self, node):
        module = dotted(node.module) if node.module and not node.relative else ""
        if isinstance(node.names, cst.ImportStar):
            self._add(node, f"{module}.*", None)
        else:
            for alias in node.names:
                self._add(alias, f"{module}.{alias.name.value}", None)
        return False

    def visit_Name(self, node):
        if id(node) not in self._silent:
            symbol = self._resolve(node, self.scope)
            if symbol and "()" not in symbol and "." in symbol:
                self._add(node, symbol, node.value)

    def visit_Attribute(self, node):
        self._silent.add(id(node.attr))
        if id(node) in self._silent:
            return True
        symbol = self._resolve(node, self.scope)
        if not symbol:
            if node.attr.value in METHODS:
                self._add(node, f"{METHODS[node.attr.value]}.{node.attr.value}", None)
            return True
        if not symbol.endswith("()") and not self._repeats(node):
            self._add(node, symbol.replace("()", ""), dotted(node))
        inner = node
        while isinstance(inner, cst.Attribute):
            self._silent |= {id(inner), id(inner.attr)}
            inner = inner.value
        if isinstance(inner, cst.Name):
            self._silent.add(id(inner))
        return True

    def _repeats(self, node):
        """Whether this only reads an attribute of a name that stands for a flag container, noted where it was bound."""
        base = node.value
        return isinstance(base, cst.Name) and (self._resolve(base, self.scope) or "").endswith(".FLAGS")

    def _add(self, node, symbol, written):
        if symbol.partition(".")[0] not in ROOTS:
            return
        start = self.get_metadata(PositionProvider, node).start
        call = self._calls.get(id(node))
        positional, keywords = None, ()
        if call is not None:
            positional = sum(1 for arg in call.args if arg.keyword is None and arg.star == "")
            keywords = tuple(arg.keyword.value for arg in call.args if arg.keyword is not None)
        self.uses.append(Use(start.line, start.column + 1, symbol, written, positional, keywords))

    def _resolve(self, node, scope):
        """The dotted name that an expression stands for, ``()`` after a class that has been called; None if none."""
        if isinstance(node, str):
            return node
        if isinstance(node, cst.Name):
            return self._lookup(node.value, scope)
        if isinstance(node, cst.Attribute):
            if isinstance(node.value, cst.Name) and node.value.value == "self":
                return self._lookup(f"self.{node.attr.value}", scope)
            base = self._resolve(node.value, scope)
            return base and f"{base}.{node.attr.value}"
        if isinstance(node, cst.Call):
            function = self._resolve(node.func, scope)
            if function and function.partition(".")[0] in ROOTS and function.rpartition(".")[2][:1].isupper():
                return f"{function}()"
        return None

    def _lookup(self, name, scope):
        inside, stars = True, []
        while scope is not None:
            visible = inside or not scope.is_class or name.startswith("self.")
            stars += scope.bindings.get("*", [])
            if visible and name in scope.bindings:
                return self._binding(name, scope)
            scope, inside = scope.parent, False
        if name == CONVENTION:
            return ROOTS[0]
        return f"{stars[0]}.{name}" if stars and not name.startswith("self.") else None

    def _binding(self, name, scope):
        """What a name stands for in the scope that binds it; settled once, and nothing while it is being settled."""
        key = id(scope), name
        if key not in self._bound:
            self._bound[key] = None
            values = (self._resolve(value, scope) for value in scope.bindings[name])
            self._bound[key] = next((v for v in values if v and v.partition(".")[0] in ROOTS), None)
        return self._bound[key]


def dotted(node):
    """``a.b.c`` of a chain of names, else None."""
    names = []
    while isinstance(node, cst.Attribute):
        names.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return None
    return ".".join([node.value, *reversed(names)])
