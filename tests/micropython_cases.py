"""Runs the test functions of MicroPython scripts as pytest's cases, in each interpreter.

A script's test functions have names that begin with ``test_``, take no arguments, and may be ``async``. Each runs in a
process of its own (``tests/unit/run.py``); an exception is a failure.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import interpreter

ROOT = Path(__file__).resolve().parent.parent
RUNNER = ROOT / "tests" / "unit" / "run.py"
WORD_SIZES = (32, 64)
TIMEOUT = 30


class CaseFailed(Exception):
    """What the script printed."""


class Case(pytest.Item):
    """One test function in one interpreter."""

    function: str
    bits: int

    def runtest(self) -> None:
        path = interpreter.find(bits=self.bits)
        command: list[str | Path] = [path, RUNNER, ROOT, self.path.parent, self.path.stem, self.function]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise CaseFailed(f"still running after {TIMEOUT} s") from error
        if done.returncode:
            raise CaseFailed(done.stdout)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        if isinstance(excinfo.value, CaseFailed):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.name


class Script(pytest.File):
    """A script whose test functions are found without importing it."""

    def collect(self) -> Iterator[Case]:
        for node in ast.parse(self.path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for bits in WORD_SIZES:
                    case = Case.from_parent(self, name=f"{node.name}[{bits} bits]")
                    case.function, case.bits = node.name, bits
                    yield case
