"""Other names for a package's private attributes, variables, functions and methods, and for parameters that nobody
passes by name.

Each module gets the same few, which MicroPython has in ROM, and beyond those short ones: private names are accessed in
their own module only, and one that is accessed in any other way than as a variable or as an attribute of ``self`` stays
as it is in the whole package.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import string
from collections import Counter
from collections.abc import Iterator, Sequence

from tools.shrink_public import free_names
from tools.shrink_source import ShrinkError, Source

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_OWNERS = ("self", "cls")


def shorten(sources: list[Source], held: Sequence[str]) -> list[Source]:
    """The sources with names ``held`` in ROM, or short ones, the most used of a module first. ShrinkError if classes
    could get in each other's way.
    """
    identifiers = frozenset[str]().union(*(source.identifiers for source in sources))
    kept = frozenset[str]().union(*(_kept(source) for source in sources))
    by_keyword = frozenset(dir(builtins)).union(*(_keywords(source) for source in sources))
    modules = [_Names(source, kept, by_keyword) for source in sources]
    made_up = (name for name in itertools.islice(_short_names(), 2000) if name not in identifiers)
    short_names = [*free_names(sources, held), *made_up]
    _check_bases(modules)
    for module in modules:
        module.rename(short_names)
    return [module.source.edited() for module in modules]


def _short_names() -> Iterator[str]:
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            yield "_" + "".join(letters)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def _kept(source: Source) -> set[str]:
    """The private names that must stay in the whole package because of what this module does with them."""
    found = set(source.unclear | source.imported | source.words_in_strings() | source.inner_functions)
    found |= source.defined - _private_functions(source)
    own = {node.attr for node in source.nodes(ast.Attribute) if _is_of_self(node) and isinstance(node.ctx, ast.Store)}
    own |= _private_functions(source)
    own |= _class_variables(source)
    found.update(node.attr for node in source.nodes(ast.Attribute) if not _is_of_self(node) or node.attr not in own)
    return {name for name in found if _is_private(name)}


def _keywords(source: Source) -> set[str]:
    """The names by which calls in this module pass arguments; with ``**`` any string may be one."""
    found = {node.arg for node in source.nodes(ast.keyword)}
    if None in found:
        found |= {node.value for node in source.nodes(ast.Constant) if isinstance(node.value, str)}
    return {name for name in found if name is not None}


def _is_of_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in _OWNERS


def _private_functions(source: Source) -> set[str]:
    """The names of private functions and methods that are in no other function."""
    return {function.name for function in source.outer_functions if _is_private(function.name)}


def _class_variables(source: Source) -> set[str]:
    return {name for node in source.nodes(ast.ClassDef) for name in _outside_functions(node)}


def _outside_functions(scope: ast.AST) -> Iterator[str]:
    """The variables that a module or a class binds or uses in its own body."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.Name):
            yield child.id
        if isinstance(child, _Function):
            # What belongs to a function but is evaluated outside.
            for part in (*child.decorator_list, *child.args.defaults, *filter(None, child.args.kw_defaults)):
                yield from (node.id for node in ast.walk(part) if isinstance(node, ast.Name))
        else:
            yield from _outside_functions(child)


def _variables(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} | {
        part.arg for part in ast.walk(node) if isinstance(part, ast.arg)
    }


def _parameters_passed_by_name(function: _Function) -> set[str]:
    """Parameters that a caller outside the package may name: those of a public function that need not be given."""
    if function.name.startswith("_") and not function.name.startswith("__"):
        return set()
    positional = function.args.posonlyargs + function.args.args
    optional = positional[len(positional) - len(function.args.defaults) :]
    return {parameter.arg for parameter in optional + function.args.kwonlyargs}


class _Names:
    """What is to get a short name in one module."""

    def __init__(self, source: Source, kept: frozenset[str], by_keyword: frozenset[str]) -> None:
        self.source = source
        constants = _constants(source)
        attributes = {node.attr for node in source.nodes(ast.Attribute)} | _class_variables(source)
        attributes |= _private_functions(source)
        self.attributes = {name for name in attributes if _is_private(name)} - kept - constants
        outside = set(_outside_functions(source.tree))
        outside |= _private_functions(source)
        self.globals = {name for name in outside if _is_private(name)} - kept - constants
        functions = source.outer_functions
        parameters = {part.arg for function in functions for part in ast.walk(function) if isinstance(part, ast.arg)}
        parameters -= outside | source.unclear | source.imported | source.defined | by_keyword | constants
        for function in functions:
            parameters -= _parameters_passed_by_name(function)
        if "*" in source.imported:
            parameters.clear()  # any name may be of another module
        self.locals = {name for name in parameters if not name.startswith("_") or name not in kept} - {*_OWNERS, "_"}
        private = set[str]().union(*(_variables(function) for function in functions)) - self.globals
        self.locals |= {name for name in private if _is_private(name)} - kept - constants - outside
        self._together = [_variables(function) & self.locals for function in functions]

    def rename(self, short_names: list[str]) -> None:
        """Give each a short name that nothing else has where it is known."""
        counts = Counter(node.attr for node in self.source.nodes(ast.Attribute))
        counts.update(node.id for node in self.source.nodes(ast.Name))
        chosen: dict[str, str] = {}
        for name in sorted(self.attributes | self.globals | self.locals, key=lambda name: (-counts[name], name)):
            taken = {chosen[other] for other in self._in_the_way(name) if other in chosen}
            chosen[name] = next(short for short in short_names if short not in taken)
        for name, short in chosen.items():
            if name in self.attributes:
                self.source.rename_attribute(name, short)
            if name in self.globals | self.locals:
                self.source.rename_variable(name, short)
            self.source.rename_function(name, short)

    def _in_the_way(self, name: str) -> set[str]:
        others: set[str] = set()
        if name in self.attributes:
            others |= self.attributes
        if name in self.globals:
            others |= self.globals | self.locals
        if name in self.locals:
            others |= self.globals.union(*(group for group in self._together if name in group))
        return others


def _constants(source: Source) -> set[str]:
    """The names that MicroPython's parser replaces by their values."""
    return {
        target.id
        for statement in source.nodes(ast.Assign)
        if isinstance(statement.value, ast.Call) and getattr(statement.value.func, "id", None) == "const"
        for target in statement.targets
        if isinstance(target, ast.Name)
    }


def _check_bases(modules: list[_Names]) -> None:
    """A class and its base in another module would have the same short names for different attributes."""
    classes = [(module, node) for module in modules for node in module.source.nodes(ast.ClassDef)]
    for module, node in classes:
        families = {module.source.path: module} | {
            other.source.path: other
            for name in _ancestors(node.name, [node for _, node in classes])
            for other, base in classes
            if base.name == name
        }
        private = sorted(path for path, other in families.items() if other.attributes)
        if len(private) > 1:
            raise ShrinkError(
                f"{module.source.path}: class {node.name} and its bases are in modules that have private attributes of"
                f" their own: {', '.join(private)}"
            )


def _ancestors(name: str, classes: list[ast.ClassDef]) -> set[str]:
    """The names of the classes that those called ``name`` derive from, by their last parts."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        for node in classes:
            if node.name == current:
                bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases} - found
                found |= bases
                waiting += sorted(bases)
    return found
