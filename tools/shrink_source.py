"""A source text with its syntax tree, and edits that keep its lines."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import TypeVar

_Node = TypeVar("_Node", bound=ast.AST)
_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class ShrinkError(Exception):
    """The package cannot be shrunk; the message says which file and why."""


def _outer_functions(scope: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
        else:
            yield from _outer_functions(child)


class Source:
    """A module: ``path`` in the package's parent, ``text``, and ``tree``."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        try:
            self.tree = ast.parse(text)
        except SyntaxError as error:
            raise ShrinkError(f"{path}: SyntaxError: {error.msg}, line {error.lineno}") from error
        self._data = text.encode()
        self._lines = [0]
        for line in self._data.split(b"\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._edits: list[tuple[int, int, bytes]] = []

    @property
    def module(self) -> str:
        """The module's full name."""
        parts = PurePosixPath(self.path).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def nodes(self, kind: type[_Node]) -> Iterator[_Node]:
        """All nodes of one kind."""
        return (node for node in self._all if isinstance(node, kind))

    @cached_property
    def _all(self) -> list[ast.AST]:
        """All nodes: walking through the tree takes long."""
        return list(ast.walk(self.tree))

    @cached_property
    def unclear(self) -> frozenset[str]:
        """Names at places that cannot be edited or that mean something to others.

        These are: in format strings, in ``global``, ``nonlocal`` and ``except``, in calls (``name=``), in parts of
        imported modules' names.
        """
        found: set[str] = set()
        for node in self._all:
            match node:
                case ast.JoinedStr():
                    found.update(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
                    found.update(part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute))
                case ast.Global(names=names) | ast.Nonlocal(names=names):
                    found.update(names)
                case ast.ExceptHandler(name=str(name)) | ast.keyword(arg=str(name)):
                    found.add(name)
                case ast.Import(names=aliases):
                    for alias in aliases:
                        found.update(alias.name.split("."), [alias.asname or alias.name])
        return frozenset(found)

    @cached_property
    def imported(self) -> frozenset[str]:
        """Names in ``from x import name as other``, both."""
        aliases = [alias for statement in self.nodes(ast.ImportFrom) for alias in statement.names]
        return frozenset(name for alias in aliases for name in (alias.name, alias.asname or alias.name))

    @cached_property
    def defined(self) -> frozenset[str]:
        """The names of functions, methods and classes."""
        return frozenset(node.name for node in self._all if isinstance(node, _Scope))

    @cached_property
    def outer_functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """The functions and methods that are in no other function."""
        return list(_outer_functions(self.tree))

    @cached_property
    def inner_functions(self) -> frozenset[str]:
        """The names of functions and classes in functions."""
        inner = (part for function in self.outer_functions for part in ast.walk(function) if part is not function)
        return frozenset(part.name for part in inner if isinstance(part, _Scope))

    @cached_property
    def identifiers(self) -> frozenset[str]:
        """All names that the module uses in any way."""
        found = set(self.unclear | self.imported | self.defined)
        found.update(node.id for node in self.nodes(ast.Name))
        found.update(node.arg for node in self.nodes(ast.arg))
        found.update(node.attr for node in self.nodes(ast.Attribute))
        return frozenset(found)

    @cached_property
    def _bindings(self) -> Counter[str]:
        found = Counter(node.id for node in self.nodes(ast.Name) if not isinstance(node.ctx, ast.Load))
        found.update(node.arg for node in self.nodes(ast.arg))
        found.update(node.name for node in self._all if isinstance(node, _Scope))
        aliases = [alias for node in self._all if isinstance(node, ast.ImportFrom) for alias in node.names]
        found.update(alias.asname or alias.name for alias in aliases)
        return found

    def bindings(self, name: str) -> int:
        """At how many places the module gives the variable ``name`` a value."""
        return self._bindings[name]

    def words_in_strings(self) -> set[str]:
        """The words in all strings but docstrings, which are not kept on the device: names for getattr may be there."""
        docstrings = {
            statement.value
            for node in self._all
            if isinstance(node, _Scope | ast.Module)
            for statement in node.body[:1]
            if isinstance(statement, ast.Expr)
        }
        found: set[str] = set()
        for node in self.nodes(ast.Constant):
            if isinstance(node.value, str) and node not in docstrings:
                found.update(re.findall(r"\w+", node.value))
        return found

    def rename_variable(self, name: str, new: str) -> None:
        """Rename a variable or parameter wherever it stands as such in the module."""
        for node in self._all:
            if (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.arg) and node.arg == name):
                start = self._lines[node.lineno - 1] + node.col_offset
                self._edit(start, name, new)

    def rename_function(self, name: str, new: str) -> None:
        """Rename a function or method where it is defined, unless that is in another function."""
        for node in self.outer_functions:
            if node.name == name:
                self._edit(self._place_of_name(node), name, new)

    def rename_attribute(self, name: str, new: str) -> None:
        """Rename an attribute wherever it is accessed in the module."""
        for node in self.nodes(ast.Attribute):
            if node.attr == name:
                end = self._lines[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
                self._edit(end - len(name.encode()), name, new)

    def rename(self, replacements: Mapping[str, str]) -> None:
        """Rename identifiers wherever they stand; none of them may be ``unclear``."""
        for node in self._all:
            match node:
                case ast.Name(id=name) | ast.arg(arg=name) | ast.alias(name=name) if name in replacements:
                    self._edit(self._lines[node.lineno - 1] + node.col_offset, name, replacements[name])
                case ast.Attribute(attr=name) if name in replacements:
                    end = self._lines[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
                    self._edit(end - len(name.encode()), name, replacements[name])
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() if node.name in replacements:
                    self._edit(self._place_of_name(node), node.name, replacements[node.name])

    def _place_of_name(self, node: _Scope) -> int:
        start = self._lines[node.lineno - 1] + node.col_offset
        word = b"class " if isinstance(node, ast.ClassDef) else b"def "
        return self._data.index(node.name.encode(), self._data.index(word, start) + len(word))

    def replace(self, statement: ast.stmt, text: str) -> None:
        """Put ``text`` in place of a statement, on the same number of lines."""
        end_line = statement.end_lineno or statement.lineno
        start = self._lines[statement.lineno - 1] + statement.col_offset
        end = self._lines[end_line - 1] + (statement.end_col_offset or 0)
        # A parenthesis at the end of a line joins it to the next one.
        padding = "\\\n" * (end_line - statement.lineno)
        self._edits.append((start, end, (text + padding).encode()))

    def _edit(self, start: int, old: str, new: str) -> None:
        end = start + len(old.encode())
        if self._data[start:end] != old.encode():
            raise ShrinkError(f"{self.path}: no {old} at byte {start}")
        self._edits.append((start, end, new.encode()))

    def edited(self) -> Source:
        """The source with the edits made."""
        data = self._data
        for start, end, new in sorted(self._edits, reverse=True):
            data = data[:start] + new + data[end:]
        return Source(self.path, data.decode())
