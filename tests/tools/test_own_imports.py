"""What the documents tell users to import is there in the package that a board runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tools.package import PACKAGE, ROOT
from tools.shrink import API, KEPT, shrink

DOCUMENTS = ("README.md", "docs/own-commands.md")


def imported(text: str) -> set[tuple[str, str]]:
    """(module, name) of each import from the package in the Python blocks of a document, and in `code` in its text."""
    found = set()
    for block in re.findall(r"```py(?:thon)?\n(.*?)```", text, re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{PACKAGE}."):
                found |= {(node.module, alias.name) for alias in node.names}
    return found | set(re.findall(rf"`from ({PACKAGE}\.\w+) import (\w+)`", text))


def bound(source: str) -> set[str]:
    """The names that a module has at run time: a private constant has none."""
    names = set()
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in statement.names}
        elif isinstance(statement, ast.Assign):
            names |= {
                node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)
            }
    return {name for name in names if not name.startswith("_")}


@pytest.fixture(scope="module")
def package() -> dict[str, str]:
    """The sources as they are compiled, by module."""
    paths = sorted((ROOT / PACKAGE).rglob("*.py"))
    smaller = shrink({path.relative_to(ROOT).as_posix(): path.read_text() for path in paths})
    return {Path(name).with_suffix("").as_posix().replace("/", "."): text for name, text in smaller.items()}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_imports(document: str, package: dict[str, str]) -> None:
    names = imported((ROOT / document).read_text())
    assert ("firmware.command", "command") in names
    missing = {(module, name) for module, name in names if name not in bound(package[module])}
    assert not missing


def test_constants_that_no_document_imports_are_gone(package: dict[str, str]) -> None:
    # What the documents say of the error codes' names: besides the error there is code_of alone, under another name.
    assert bound(package["firmware.at_error"]) & API == {"AtError"}
    assert len(bound(package["firmware.at_error"])) == 2


def test_kept_names_are_there(package: dict[str, str]) -> None:
    for name in KEPT:
        module, _, constant = name.rpartition(".")
        assert constant in bound(package[module])
