"""Where the syntax trees of a program use TensorFlow's symbols, whatever the program calls them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from tf_repro.migrate.scanner.methods import method
from tf_repro.migrate.scanner.resolve import Resolver, is_kind
from tf_repro.migrate.scanner.scopes import ROOTS, Binder, Program, Walker, dotted, imported_from


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
        arguments: its positional arguments in outline: a whole number, a chain of names, ``[]`` for a list or a tuple,
            ``{}`` for a dict, ``…`` for anything else.
    """

    line: int
    column: int
    symbol: str
    written: str | None
    positional: int | None = None
    keywords: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


def uses(modules: Sequence[cst.Module]) -> list[list[Use]]:
    r"""The TensorFlow symbols that the trees name, in order; all share one module scope, as a notebook's cells do.

    Args:
        modules: syntax trees.

    Returns:
        For each tree a list of :class:`Use`.

    Example:
        >>> (found,) = uses([cst.parse_module("import tensorflow as T\nx = T.placeholder(T.float32)")])
        >>> [(use.line, use.symbol) for use in found]
        [(1, 'tensorflow'), (2, 'tensorflow.placeholder'), (2, 'tensorflow.float32')]
    """
    wrappers = [MetadataWrapper(module, unsafe_skip_copy=True) for module in modules]
    program = Program()
    for wrapper in wrappers:
        wrapper.module.visit(Binder(program))
    resolver = Resolver(program)
    finders = [_Finder(program, resolver) for _ in wrappers]
    for wrapper, finder in zip(wrappers, finders, strict=True):
        wrapper.visit(finder)
    if not any(finder.named for finder in finders):  # methods alone do not make a TensorFlow program
        return [[] for _ in finders]
    return [finder.uses for finder in finders]


class _Finder(Walker):
    """Collects the uses."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, program: Program, resolver: Resolver) -> None:
        super().__init__(program)
        self.uses: list[Use] = []
        self.named = False  # whether any symbol has been named, a method of an unknown value aside
        self._resolver = resolver
        self._calls: dict[int, cst.Call] = {}
        self._silent: set[int] = set()

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._silent.add(id(node.name))
        super().visit_FunctionDef(node)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._silent.add(id(node.name))
        super().visit_ClassDef(node)

    def visit_Param(self, node: cst.Param) -> None:
        self._silent.add(id(node.name))

    def visit_Arg(self, node: cst.Arg) -> None:
        self._silent.add(id(node.keyword))

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:
        self._silent.add(id(node.target))

    def visit_AsName(self, node: cst.AsName) -> None:
        self._silent.add(id(node.name))

    def visit_Call(self, node: cst.Call) -> None:
        self._calls[id(node.func)] = node

    def visit_Import(self, node: cst.Import) -> bool:
        for alias in node.names:
            self._add(alias, dotted(alias.name) or "", None)
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        module = imported_from(node)
        if isinstance(node.names, cst.ImportStar):
            self._add(node, f"{module}.*", None)
        else:
            for alias in node.names:
                self._add(alias, f"{module}.{alias.name.value}", None)
        return False

    def visit_Name(self, node: cst.Name) -> None:
        if id(node) not in self._silent:
            symbol = self._resolver.resolve(node, self.scope)
            if symbol and "()" not in symbol and "." in symbol:
                self._add(node, symbol, node.value)

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        self._silent.add(id(node.attr))
        if id(node) in self._silent:
            return True
        symbol = self._resolver.resolve(node, self.scope)
        if not symbol or is_kind(symbol):
            self._add_method(node)
            return True
        if not symbol.endswith("()") and not self._repeats(node):
            self._add(node, symbol.replace("()", ""), dotted(node))
        inner: cst.BaseExpression = node
        while isinstance(inner, cst.Attribute):
            self._silent |= {id(inner), id(inner.attr)}
            inner = inner.value
        if isinstance(inner, cst.Name):
            self._silent.add(id(inner))
        return True

    def _add_method(self, node: cst.Attribute) -> None:
        """Note a method that its name and arguments tell, unless what it is called on comes from another module."""
        kind = self._resolver.resolve(node.value, self.scope)
        found = method(node, self._calls.get(id(node)), kind, node.attr.value in self.program.methods)
        if found is not None and not self._resolver.is_foreign(node.value, self.scope):
            self._add(node, found, None, is_method=True)

    def _repeats(self, node: cst.Attribute) -> bool:
        """Whether this only reads an attribute of a name that stands for a flag container, noted where it was bound."""
        base = node.value
        return isinstance(base, cst.Name) and (self._resolver.resolve(base, self.scope) or "").endswith(".FLAGS")

    def _add(self, node: cst.CSTNode, symbol: str, written: str | None, is_method: bool = False) -> None:
        if symbol.partition(".")[0] not in ROOTS:
            return
        self.named = self.named or not is_method
        start = self.get_metadata(PositionProvider, node).start
        call = self._calls.get(id(node))
        positional: int | None = None
        keywords: tuple[str, ...] = ()
        arguments: tuple[str, ...] = ()
        if call is not None:
            given = [arg.value for arg in call.args if arg.keyword is None and arg.star == ""]
            positional, arguments = len(given), tuple(map(_outline, given))
            keywords = tuple(arg.keyword.value for arg in call.args if arg.keyword is not None)
        self.uses.append(Use(start.line, start.column + 1, symbol, written, positional, keywords, arguments))


def _outline(node: cst.BaseExpression) -> str:
    match node:
        case cst.Integer():
            return node.value
        case cst.UnaryOperation(operator=cst.Minus(), expression=cst.Integer(value=value)):
            return f"-{value}"
        case cst.List() | cst.Tuple():
            return "[]"
        case cst.Dict():
            return "{}"
    return dotted(node) or "…"
