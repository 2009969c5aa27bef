"""What each scope of a program binds its names to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import libcst as cst

ROOTS = ("tensorflow",)
CONVENTION = "tf"  # a name that a program leaves unbound, or imports from a module of its own, is taken for TensorFlow


@dataclass(frozen=True)
class Element:
    """Stands for an element of what an expression gives, in a loop or an unpacking."""

    of: cst.BaseExpression


Binding = str | cst.BaseExpression | Element | None


@dataclass
class Scope:
    """The names that a module, a class or a function binds; None among a name's bindings is one that says nothing."""

    parent: Scope | None = None
    is_class: bool = False
    bindings: dict[str, list[Binding]] = field(default_factory=dict)

    def bind(self, name: str, value: Binding) -> None:
        """Note what ``name`` stands for: a dotted name, an expression, an element of one, or None."""
        self.bindings.setdefault(name, []).append(value)


@dataclass
class Program:
    """What the trees of one program share, a notebook's cells among them.

    Attributes:
        scope: the module's.
        scopes: those of classes and functions, by their node.
        assigned: chains of names that it assigns to, as in ``tf.model = …``, with what.
        methods: the names of the functions that it defines.
    """

    scope: Scope = field(default_factory=Scope)
    scopes: dict[int, Scope] = field(default_factory=dict)
    assigned: dict[str, list[Binding]] = field(default_factory=dict)
    methods: set[str] = field(default_factory=set)


class Walker(cst.CSTVisitor):
    """Keeps the scope that the walk is in."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program, self.scope = program, program.scope

    def on_visit_attribute(self, node: cst.CSTNode, attribute: str) -> None:
        """Do nothing; a quarter of the walk's time goes into looking for methods that are not there."""

    def on_leave_attribute(self, original_node: cst.CSTNode, attribute: str) -> None:
        """Do nothing, likewise."""

    def _enter(self, node: cst.CSTNode, is_class: bool = False) -> None:
        self.scope = self.program.scopes.setdefault(id(node), Scope(self.scope, is_class))

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._enter(node)

    def visit_Lambda(self, node: cst.Lambda) -> None:
        self._enter(node)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._enter(node, is_class=True)

    def _leave(self, original_node: cst.CSTNode) -> None:
        self.scope = self.scope.parent or self.program.scope

    leave_FunctionDef = leave_Lambda = leave_ClassDef = _leave


class Binder(Walker):
    """Notes what each scope binds."""

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.scope.bind(node.name.value, None)
        self.program.methods.add(node.name.value)
        super().visit_FunctionDef(node)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self.scope.bind(node.name.value, None)
        super().visit_ClassDef(node)

    def visit_Param(self, node: cst.Param) -> None:
        annotation = node.annotation.annotation if node.annotation else None
        self.scope.bind(node.name.value, None if annotation is None else cst.Call(annotation))

    def visit_Import(self, node: cst.Import) -> None:
        for alias in node.names:
            name = dotted(alias.name) or ""
            if alias.asname:
                self._bind(alias.asname.name, name)
            else:
                self.scope.bind(name.partition(".")[0], name.partition(".")[0])

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        module = imported_from(node)
        if isinstance(node.names, cst.ImportStar):
            if module.partition(".")[0] in ROOTS:
                self.scope.bind("*", module)
            return
        for alias in node.names:
            target = alias.asname.name if alias.asname else alias.name
            own = module.partition(".")[0] not in ROOTS
            conventional = own and isinstance(target, cst.Name) and target.value == CONVENTION
            self._bind(target, ROOTS[0] if conventional else f"{module}.{alias.name.value}")

    def visit_Assign(self, node: cst.Assign) -> None:
        for target in node.targets:
            self._bind(target.target, node.value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        if node.value is not None:
            self._bind(node.target, node.value)

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:
        self._bind(node.target, node.value)

    def visit_WithItem(self, node: cst.WithItem) -> None:
        if node.asname:
            self._bind(node.asname.name, node.item)

    def visit_For(self, node: cst.For) -> None:
        self._bind(node.target, Element(node.iter))

    def visit_CompFor(self, node: cst.CompFor) -> None:
        self._bind(node.target, Element(node.iter))

    def _bind(self, target: cst.CSTNode, value: Binding) -> None:
        if isinstance(target, cst.Name):
            self.scope.bind(target.value, value)
        elif isinstance(target, cst.Tuple | cst.List):
            self._unpack(target.elements, value)
        elif isinstance(target, cst.Attribute):
            if isinstance(target.value, cst.Name) and target.value.value == "self":
                self._owner().bind(f"self.{target.attr.value}", value)
            elif (name := dotted(target)) is not None:
                self.program.assigned.setdefault(name, []).append(value)

    def _unpack(self, targets: Sequence[cst.BaseElement], value: Binding) -> None:
        values = value.elements if isinstance(value, cst.Tuple | cst.List) else ()
        pairs = len(values) == len(targets)
        for place, target in enumerate(targets):
            each: Binding = None
            if pairs:
                each = values[place].value
            elif isinstance(value, cst.BaseExpression):
                each = Element(value)
            self._bind(target.value, each)

    def _owner(self) -> Scope:
        """The class that ``self`` is of."""
        owner = self.scope
        while owner.parent is not None and not owner.is_class:
            owner = owner.parent
        return owner


def imported_from(node: cst.ImportFrom) -> str:
    """The module of a ``from`` import, nothing for a relative one."""
    return (dotted(node.module) or "") if node.module and not node.relative else ""


def dotted(node: cst.CSTNode) -> str | None:
    """``a.b.c`` of a chain of names, else None."""
    names = []
    while isinstance(node, cst.Attribute):
        names.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return None
    return ".".join([node.value, *reversed(names)])
