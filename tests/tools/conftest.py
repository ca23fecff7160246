"""What several of these tests need: a small tree with a package, and bases to build images on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tools.images import FlashedBase, make_official


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with a small package."""
    package = tmp_path / "tree" / "firmware"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "version.py").write_text('VERSION = "0.0.0-dev"\n')
    (package / "app.py").write_text(
        "from firmware.version import VERSION\n\n\ndef main():\n    print('running', VERSION, __file__)\n"
    )
    return package.parent


@pytest.fixture(params=["like-official", "official"])
def official(request: pytest.FixtureRequest) -> FlashedBase:
    """A file to be flashed at 0x1000: laid out as an official build, and the official one in MICROPYTHON_IMAGE."""
    if request.param == "like-official":
        return make_official()
    name = os.environ.get("MICROPYTHON_IMAGE")
    if not name:
        pytest.skip("MICROPYTHON_IMAGE names no official MicroPython build (ESP32_GENERIC, OTA, 1.25)")
    return FlashedBase(Path(name).read_bytes())
