"""Names of a package's public functions, classes, attributes and variables that cost no memory on the device.

A name that MicroPython does not have already takes its length and 8 bytes for as long as the device runs. So each such
name becomes, everywhere in the package, one that MicroPython has and the package does not use. A name is only touched
if the package itself binds it, nothing outside knows it, and no string may mean it.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from tools.shrink_source import Source

NAMES_FILE = Path(__file__).with_name("micropython_names.txt")

# What MicroPython itself looks up by name: in exceptions, streams, block devices and filesystems.
_MEANINGFUL = re.findall(
    r"\w+",
    """args value errno read readinto readline write ioctl close send throw pend_throw seek tell flush stat statvfs open
    mount umount mkdir rmdir remove rename ilistdir chdir getcwd readblocks writeblocks""",
)
_STATEMENTS = ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For | ast.With | ast.Try | ast.If


@cache
def micropython_names() -> tuple[list[str], frozenset[str]]:
    """The names that MicroPython holds in ROM, best first, and all that it knows."""
    sections: dict[str, list[str]] = {}
    paragraphs = NAMES_FILE.read_text().split("\n\n")
    for title, names in zip(paragraphs[1::2], paragraphs[2::2], strict=True):
        sections[title[1 : title.index("]")]] = names.split()
    held = sections["held"]
    return held, frozenset(held).union(sections["known"])


def free_names(sources: Iterable[Source], held: Sequence[str]) -> Iterator[str]:
    """Those of the names ``held`` in ROM that may stand for others: these modules do not use them in any way."""
    used = frozenset[str]().union(*(source.identifiers | source.words_in_strings() for source in sources))
    taken = used.union(_MEANINGFUL, keyword.kwlist, dir(builtins), {"execfile"})
    return (name for name in held if name not in taken)


def rename_public(sources: list[Source], kept: frozenset[str], held: Sequence[str]) -> list[Source]:
    """The sources with names ``held`` in ROM for public ones that are not ``kept``, the most used first."""
    replacements = dict(zip(_renamable(sources, kept), free_names(sources, held), strict=False))
    for source in sources:
        source.rename(replacements)
    return [source.edited() for source in sources]


def _renamable(sources: list[Source], kept: frozenset[str]) -> list[str]:
    bound: set[str] = set()
    clear = set(kept | micropython_names()[1])
    for source in sources:
        bound.update(_bound(source))
        clear.update(source.unclear, source.words_in_strings(), source.module.split("."), _renamed_imports(source))
        clear.update(node.name for node in source.nodes(ast.ClassDef) if _is_exception(node))
    counts = Counter(name for source in sources for name in source.identifiers)
    public = (name for name in bound - clear if not name.startswith("_"))
    return sorted(public, key=lambda name: (-counts[name], name))


def _bound(source: Source) -> Iterator[str]:
    """What the module makes known: functions, classes, attributes, and variables outside functions."""
    yield from source.defined
    for node in source.nodes(ast.Attribute):
        if isinstance(node.ctx, ast.Store):
            yield node.attr
    scopes: list[ast.Module | ast.ClassDef] = [source.tree, *source.nodes(ast.ClassDef)]
    for scope in scopes:
        for statement in scope.body:
            if isinstance(
                statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For | ast.With | ast.Try | ast.If
            ):
                names = (part for part in ast.walk(statement) if isinstance(part, ast.Name))
                yield from (name.id for name in names if isinstance(name.ctx, ast.Store))


def _is_exception(node: ast.ClassDef) -> bool:
    """Whether the class looks like an exception: the log calls those by their names."""
    return any(ast.unparse(base).endswith(("Error", "Exception")) for base in node.bases)


def _renamed_imports(source: Source) -> Iterator[str]:
    for statement in source.nodes(ast.ImportFrom):
        for alias in statement.names:
            if alias.asname:
                yield from (alias.name, alias.asname)
