"""What ``tf_upgrade_v2`` would do to a symbol, from the tables that TensorFlow ships, read as text.

The installed distribution is located without importing it; its conversion tables and the lists of names that make up
its two public interfaces are parsed, not run.
"""

from __future__ import annotations

import ast
import functools
import importlib.machinery
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_repro.core.errors import InputError
from tf_repro.migrate.scanner.symbols import Use

_IMPORTED = re.compile(r"^from (\S+) import (?:\(\s*)?(\w+)(?: as (\w+))?", re.MULTILINE)
_LAZY = {  # modules of each interface that Keras fills in when TensorFlow is imported
    1: {"keras", "layers"},
    2: {"initializers", "keras", "losses", "metrics", "optimizers"},
}


@dataclass(frozen=True)
class Upgrade:
    """What ``tf_upgrade_v2`` would do to one use of a symbol.

    Attributes:
        action: ``"renames"``, ``"compat.v1"``, ``"keywords"``, ``"rewrites"``, ``"reports"`` or ``"nothing"``.
        target: the new name, or None.
        text: what it does, in a line.
    """

    action: str
    target: str | None
    text: str


class Tables:
    """TensorFlow's conversion tables and public names.

    Args:
        folder: of the installed package ``tensorflow``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        keras = next(_packages("keras", "_tf_keras/keras/__init__.py"), None)
        self._keras = keras and keras / "_tf_keras" / "keras"
        tools = folder / "tools" / "compatibility"
        script = _assignments(tools / "tf_upgrade_v2.py")
        renames = _assignments(tools / "all_renames_v2.py")
        self.renames = _assignments(tools / "renames_v2.py")["renames"] | renames["manual_symbol_renames"]
        self.addons = renames["addons_symbol_mappings"]
        self.reorders = _assignments(tools / "reorders_v2.py")["reorders"] | script["self.manual_function_reorders"]
        self.keywords = script["self.function_keyword_renames"]
        self.warnings = script["self.function_warnings"]
        self.argument_warnings = script["self.function_arg_warnings"]
        self.transformers = script["self.function_transformers"]
        self.deprecated = _assignments(tools / "module_deprecations_v2.py")["MODULE_DEPRECATIONS"]
        if not self.renames or not self.reorders:
            raise InputError(f"TensorFlow must ship its rename tables. Received: {tools} without them")

    def knows(self, symbol: str) -> bool:
        """Whether a table names ``symbol`` (from ``tf``) itself."""
        return any(symbol in table for table in (self.renames, self.warnings, self.transformers, self.addons))

    def deprecated_module(self, symbol: str) -> str | None:
        """The removed module that ``symbol`` is in, the innermost one; None where it is in none."""
        inside = [name for name in self.deprecated if f"{symbol}.".startswith(f"{name}.")]
        return max(inside, key=len, default=None)

    def upgrade(self, symbol: str, use: Use, versioned: bool) -> Upgrade:
        """What the tool would do.

        Args:
            symbol: from ``tf``, such as ``"tf.log"``.
            use: where it stands, a :class:`tf_repro.migrate.scanner.symbols.Use`.
            versioned: whether the file imports ``tensorflow.compat.v1 as tf``, which the tool does not convert.
        """
        module = self.deprecated_module(symbol)
        if f"*.{symbol.rpartition('.')[2]}" in self.transformers and use.positional is not None and not versioned:
            return Upgrade("rewrites", None, "rewrites the call")
        as_tf = use.written is not None and use.written.startswith("tf.") and "compat.v1" not in use.written
        if not as_tf or (versioned and not module):
            reason = "compat.v1 is imported by name" if versioned else "it follows only names that begin with tf."
            return Upgrade("nothing", None, f"nothing: {reason}")
        if symbol != use.written:
            return Upgrade("nothing", None, "nothing: it does not follow what `tf` stands for here")
        target = None if versioned else self._renamed(symbol)
        keywords = [] if versioned else list(self._keyword_changes(symbol, use))
        transformed = not versioned and symbol in self.transformers and use.positional is not None
        warning = self._warning(symbol, module, versioned)
        said = [f"renames it {target}"] if target else []
        said += keywords
        if transformed and not target:
            said.append("may rewrite the call")
        if warning:
            said.append(f"reports: {_first_sentence(warning, symbol)}")
        changes = {"keywords": keywords, "rewrites": transformed, "reports": warning}
        action = next((name for name, happens in changes.items() if happens), "nothing")
        if target:
            action = "compat.v1" if target.startswith("tf.compat.v1.") else "renames"
        return Upgrade(action, target, "; ".join(said) or "nothing")

    def _warning(self, symbol: str, module: str | None, versioned: bool) -> str | None:
        if versioned:
            return self.deprecated[module] if module else None
        if symbol in self.addons:
            return f"(Manual edit required) TensorFlow Addons has {self.addons[symbol]}"
        return self.warnings.get(symbol) or (self.deprecated[module] if module else None)

    def _renamed(self, symbol: str) -> str | None:
        """The new name; that of a class or module with the rest, where it is that which has one."""
        names = symbol.split(".")
        for length in range(len(names), 1, -1):
            prefix = ".".join(names[:length])
            if prefix in self.renames:
                return ".".join([self.renames[prefix], *names[length:]])
        return None

    def _keyword_changes(self, symbol: str, use: Use) -> Iterator[str]:
        if use.positional is None:
            return
        names = [name for name in self.reorders.get(symbol, [])[: use.positional] if name]
        if names:
            yield f"writes {', '.join(names)} as keywords"
        renamed = self.keywords.get(symbol) or {}
        for keyword in (*use.keywords, *names):
            if keyword in renamed:
                yield f"makes {keyword} {renamed[keyword]}" if renamed[keyword] else f"drops {keyword}"

    def implementation(self, symbol: str, version: int) -> str | None:
        """Where the function behind a public name is written.

        Args:
            symbol: from ``tf``.
            version: 1 for ``tf.compat.v1``, 2 for ``tf``.

        Returns:
            ``"module.name"``; ``""`` where it cannot be told (Keras, a member of a class); None where there is no such
            name.
        """
        names = symbol.split(".")[1:]
        folder = self._folder / "_api" / "v2"
        if version == 1:
            folder = folder / "compat" / "v1"
        if version == 2 and names[0] == "keras" and len(names) > 1 and self._keras is not None:
            folder, names = self._keras, names[1:]
        elif names[0] in _LAZY[version]:
            return ""
        while len(names) > 1 and (folder / names[0] / "__init__.py").is_file():
            folder = folder / names.pop(0)
        listed = _public_names(folder)
        if (folder / names[0]).is_dir():
            return ""
        if names[0] not in listed:
            return None
        return listed[names[0]] if len(names) == 1 else ""


@functools.cache
def tables() -> Tables:
    """The installed TensorFlow's tables.

    Raises:
        InputError: TensorFlow is not installed, or without its tables.
    """
    folder = next(_packages("tensorflow", "tools/compatibility/renames_v2.py"), None)
    if folder is None:
        found = ", ".join(map(str, _packages("tensorflow", ""))) or "none installed"
        raise InputError(f"a scan reads the rename tables of an installed TensorFlow 2. Received: {found}")
    return Tables(folder)


def _packages(name: str, file: str) -> Iterator[Path]:
    """The folders of an installed package that hold ``file``; the package is not imported."""
    spec = importlib.machinery.PathFinder.find_spec(name, sys.path)
    for folder in [] if spec is None else list(spec.submodule_search_locations or []):
        if (Path(folder) / file).exists():
            yield Path(folder)


@functools.cache
def _public_names(folder: Path) -> dict[str, str]:
    """What an interface's module lists: public name to ``module.name``."""
    listing = folder / "v2.py" if (folder / "v2.py").is_file() else folder / "__init__.py"
    text = listing.read_text(encoding="utf-8")
    return {alias or name: f"{module}.{name}" for module, name, alias in _IMPORTED.findall(text)}


def _assignments(path: Path) -> _Literals:
    """The values of a module's assignments, ``self.`` ones among them, as far as they are literal."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise InputError(f"TensorFlow must ship its rename tables. Received: {path} ({error})") from None
    values: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            name = ast.unparse(node.targets[0])
            if isinstance(node.targets[0], ast.Name | ast.Attribute):
                values.setdefault(name, node.value)
    return _Literals(values)


class _Literals:
    """Assignments by name, evaluated when they are asked for."""

    def __init__(self, nodes: dict[str, ast.expr]) -> None:
        self._nodes = nodes

    def __getitem__(self, name: str) -> Any:
        return self._value(self._nodes[name]) if name in self._nodes else {}

    def _value(self, node: ast.expr) -> Any:
        """The value; the text of a (level, text) pair; an expression's source where it is no literal."""
        match node:
            case ast.Constant():
                return node.value
            case ast.Dict():
                pairs = zip(node.keys, node.values, strict=True)
                return {self._value(key): self._value(value) for key, value in pairs if key is not None}
            case ast.List():
                return [self._value(element) for element in node.elts]
            case ast.Tuple(elts=[ast.Attribute(), text]):
                return self._value(text)
            case ast.Tuple():
                return tuple(self._value(element) for element in node.elts)
            case ast.BinOp(op=ast.Add()):
                left, right = self._value(node.left), self._value(node.right)
                return left + right if isinstance(left, str) and isinstance(right, str) else ""
            case ast.Name() if node.id in self._nodes:
                return self._value(self._nodes[node.id])
            case _:
                return ast.unparse(node)


def _first_sentence(text: str, symbol: str) -> str:
    text = " ".join(text.replace("<function name>", symbol).split())
    return re.split(r"(?<=[a-z)`])\. ", text, maxsplit=1)[0].rstrip(".")
