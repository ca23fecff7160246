"""The scripts of this folder run in MicroPython, not here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.micropython_cases import Script


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector:
    return Script.from_parent(parent, path=module_path)
