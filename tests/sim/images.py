"""Application images and flash contents for the tests of the simulated flash."""

from __future__ import annotations

from pathlib import Path

from sim.flash import Flash
from sim.partitions import TABLE_ADDRESS, build_table
from tools import app_image
from tools.flash_layout import BOARD

IMAGE = app_image.with_package(app_image.parse(app_image.synthetic_base()), bytes(64), "1.0", "test")


def make_flash(folder: Path, ota_0: bytes = IMAGE, ota_1: bytes = b"") -> Flash:
    """A flash with the board's partition table, and images in its slots."""
    flash = Flash(folder / "flash.bin")
    flash.write(TABLE_ADDRESS, build_table(BOARD.partitions))
    flash.write(flash.partition("ota_0").address, ota_0)
    flash.write(flash.partition("ota_1").address, ota_1)
    flash.operations = 0
    return flash


def corrupt(flash: Flash, label: str) -> None:
    """Spoil the hash of ``IMAGE`` in a slot."""
    flash.write(flash.partition(label).address + len(IMAGE) - 32, bytes(32))
