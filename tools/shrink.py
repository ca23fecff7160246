"""Rewrites the package's sources so that they take less memory on the device, and do the same.

Bytecode from a filesystem lies in RAM there, and so does every name that MicroPython does not have already (8 bytes and
its length) and every global of a module (8 bytes). So

* a module's ``NAME = const(...)`` becomes a private constant wherever it is used, which costs nothing,
* public names become names that MicroPython has in ROM (``tools.shrink_public``),
* the names of private attributes, variables, functions and methods, and of parameters that nobody passes by name, do so
  too, and the same few serve in each module (``tools.shrink_names``). Tracebacks show the new ones.

The sources keep their lines. What cannot be proven safe stays as it is.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tools.shrink_names import shorten
from tools.shrink_public import micropython_names, rename_public
from tools.shrink_source import ShrinkError, Source

__all__ = ["KEPT", "ShrinkError", "shrink"]

# Constants, as "package.module.NAME", that stay for the user's own commands to import.
KEPT: tuple[str, ...] = ()
# Public names that are known outside the package: to the user's own commands, ``/user/config.json``, ``boot.py`` and
# ``main.py``, and the scripts that test a board.
API = frozenset(
    re.findall(
        r"\w+",
        # firmware.command, firmware.at_error, firmware.at_user, firmware.version
        "command integer string execute query optional ordered AtError DONE OK PROMPT VERSION"
        # the dispatcher, its port, and what they lead to
        " AtUser info data filled listen report port release show_codes AtPort echo answering memory owners"
        # start, and where things are
        " main assemble load_config open_port mount_user_partition running_digest KEY_FILE CA_FILE forget read_ahead"
        " Settings hold",
    )
)
# The module whose variables are names of settings in a file.
SETTINGS = "firmware.config"

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}


def shrink(sources: Mapping[str, str], kept: Iterable[str] = KEPT, held: Sequence[str] | None = None) -> dict[str, str]:
    """The sources (path in the package's parent: text), smaller on the device.

    Constants in ``kept`` stay; ``held`` are the names that MicroPython has in ROM. ShrinkError says what is in the way.
    """
    held = micropython_names()[0] if held is None else held
    inlined = _inline_constants([Source(path, text) for path, text in sorted(sources.items())], frozenset(kept))
    without_import = [_drop_import_of_const(source) for source in inlined]
    shortened = shorten(without_import, held)
    settings = {name for source in shortened if source.module == SETTINGS for name in source.identifiers}
    return {source.path: source.text for source in rename_public(shortened, API | settings, held)}


def _constants(source: Source) -> Iterator[tuple[ast.Name, int]]:
    """The module's ``NAME = const(integer expression)``, each as the name's node and the value."""
    known: dict[str, int] = {}
    for statement in source.tree.body:
        match statement:
            case ast.Assign(
                targets=[ast.Name() as target],
                value=ast.Call(func=ast.Name(id="const"), args=[expression], keywords=[]),
            ):
                value = _value(expression, known)
                if value is not None:
                    known[target.id] = value
                    yield target, value


def _value(node: ast.expr, known: Mapping[str, int]) -> int | None:
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return value
        case ast.Name(id=name):
            return known.get(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value_of = _value(operand, known)
            return None if value_of is None else -value_of
        case ast.BinOp(left=left, op=symbol, right=right) if type(symbol) in _OPERATORS:
            values = _value(left, known), _value(right, known)
            if values[0] is not None and values[1] is not None:
                result: int = _OPERATORS[type(symbol)](*values)
                return result
    return None


def _inline_constants(sources: list[Source], kept: frozenset[str]) -> list[Source]:
    modules = {source.module: source for source in sources}
    values = {
        (module, node.id): value
        for module, source in modules.items()
        for node, value in _constants(source)
        if _can_become_private(source, node.id)
    }
    private = dict(values)
    for source in sources:
        for key in _used_elsewhere(source, values):
            private.pop(key, None)
    attributes = {node.attr for source in sources for node in source.nodes(ast.Attribute)}
    words = {word for source in sources for word in source.words_in_strings()}
    for (module, name), _ in values.items():
        if name in attributes or name in words or f"{module}.{name}" in kept:
            private.pop((module, name), None)
    for (module, name), _ in private.items():
        modules[module].rename_variable(name, "_" + name)
    for source in sources:
        _inline_imports(source, values)
    return [source.edited() for source in sources]


def _can_become_private(source: Source, name: str) -> bool:
    """Whether ``name``, bound once in the module, may be called ``_name`` there."""
    if name.startswith("_") or "_" + name in source.identifiers or name in source.unclear:
        return False
    return source.bindings(name) == 1


def _is_plain(source: Source, alias: ast.alias) -> bool:
    return alias.asname is None and alias.name != "*" and _can_become_private(source, alias.name)


def _used_elsewhere(source: Source, values: Mapping[tuple[str, str], int]) -> Iterator[tuple[str, str]]:
    """The constants of other modules that this one imports in ways that cannot be inlined."""
    names = {name for _, name in values}
    for statement in source.nodes(ast.ImportFrom):
        for alias in statement.names:
            if statement.level == 0 and statement in source.tree.body and _is_plain(source, alias):
                continue
            wanted = names if alias.name == "*" else {alias.name}
            # A relative import may mean any module.
            yield from (key for key in values if key[1] in wanted and (statement.level or key[0] == statement.module))


def _inline_imports(source: Source, values: Mapping[tuple[str, str], int]) -> None:
    for statement in source.tree.body:
        if not isinstance(statement, ast.ImportFrom) or statement.level:
            continue
        found = [alias for alias in statement.names if (statement.module, alias.name) in values]
        inlined = [alias for alias in found if _is_plain(source, alias)]
        if not inlined:
            continue
        rest = [alias for alias in statement.names if alias not in inlined]
        parts = [f"_{alias.name} = const({values[statement.module or '', alias.name]})" for alias in inlined]
        if rest:
            parts.insert(0, f"from {statement.module} import {', '.join(ast.unparse(alias) for alias in rest)}")
        source.replace(statement, "; ".join(parts))
        for alias in inlined:
            source.rename_variable(alias.name, "_" + alias.name)


def _drop_import_of_const(source: Source) -> Source:
    """The module without ``const``, which MicroPython's parser deals with, if it deals with each use of it."""
    uses = sum(node.id == "const" for node in source.nodes(ast.Name))
    if uses > len(list(_constants(source))) or "const" in source.unclear:
        return source
    for statement in source.tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "micropython":
            rest = [ast.unparse(alias) for alias in statement.names if ast.unparse(alias) != "const"]
            if len(rest) < len(statement.names):
                source.replace(statement, f"from micropython import {', '.join(rest)}" if rest else "pass")
    return source.edited()
