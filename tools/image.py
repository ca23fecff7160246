"""Builds what goes to a board: application images with the firmware's package, and whole flash contents.

``python -m tools.image --version 1.2.3`` writes ``build/esp-at-1.2.3.bin``. The base is a small synthetic image, which
the simulated board is content with, or with ``--base`` an official MicroPython build for a real one: an application
image, or a file to be flashed at 0x1000 (or 0), from which the application and the boot loader are taken.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.partitions import (
    SUBTYPE_NVS,
    SUBTYPE_OTA_0,
    SUBTYPE_OTADATA,
    TABLE_ADDRESS,
    TYPE_APP,
    TYPE_DATA,
    Partition,
    TableError,
    build_table,
    parse_table,
)
from tools import app_image
from tools.app_image import ImageError
from tools.package import ROOT, SECTOR, PackageError, build_package, filesystem

PROJECT = "esp-at-micropython"
FLASH_SIZE = 0x400000
BOOT_LOADER_ADDRESS = 0x1000
SLOT_SIZE = 0x180000
SUBTYPE_PHY = 0x01
SUBTYPE_VFS = 0x81
SUBTYPE_USER = 0x83
VFS_FILES = ("boot.py", "main.py")

_COMMON = (
    Partition(TYPE_DATA, SUBTYPE_NVS, 0x9000, 0x4000, "nvs"),
    Partition(TYPE_DATA, SUBTYPE_OTADATA, 0xD000, 0x2000, "otadata"),
    Partition(TYPE_DATA, SUBTYPE_PHY, 0xF000, 0x1000, "phy_init"),
    Partition(TYPE_APP, SUBTYPE_OTA_0, 0x10000, SLOT_SIZE, "ota_0"),
    Partition(TYPE_APP, SUBTYPE_OTA_0 + 1, 0x190000, SLOT_SIZE, "ota_1"),
)
BOARD_PARTITIONS = (
    *_COMMON,
    Partition(TYPE_DATA, SUBTYPE_VFS, 0x310000, 0x10000, "vfs"),
    Partition(TYPE_DATA, SUBTYPE_USER, 0x320000, 0xE0000, "user"),
)


def official_partition_table() -> tuple[Partition, ...]:
    """The partitions of MicroPython's own OTA builds for 4 MB of flash."""
    return (*_COMMON, Partition(TYPE_DATA, SUBTYPE_VFS, 0x310000, 0xF0000, "vfs"))


@dataclass(frozen=True)
class Base:
    """What an image is built on: a checked application image, and the boot loader that came with it, if one did."""

    app: app_image.AppImage
    boot_loader: bytes = b""


def read_base(data: bytes | None) -> Base:
    """Find the application (and boot loader) in the bytes of a file; None is the synthetic base. Raises ImageError."""
    if data is None:
        return Base(app_image.parse(app_image.synthetic_base()))
    for start in (BOOT_LOADER_ADDRESS, 0):  # the flash address at which the file begins
        try:
            partitions = parse_table(data[TABLE_ADDRESS - start :])
        except (TableError, UnicodeDecodeError):
            continue
        slot = next((p for p in partitions if p.type == TYPE_APP), None)
        if slot is None:
            raise ImageError("the base's partition table has no application")
        boot_loader = data[BOOT_LOADER_ADDRESS - start : TABLE_ADDRESS - start]
        loader_size = app_image.parse(boot_loader).size
        return Base(app_image.parse(data[slot.address - start : slot.end - start]), boot_loader[:loader_size])
    return Base(app_image.parse(data))


def build_image(package: bytes, version: str, base: bytes | None = None) -> bytes:
    """The application image for an OTA slot: ``package`` (a littlefs) on ``base`` (a file's bytes, see ``read_base``).

    ``version`` (1 to 31 ASCII characters) goes into the application descriptor. Raises ImageError.
    """
    image = app_image.with_package(read_base(base).app, package, version, PROJECT)
    if len(image) > SLOT_SIZE:
        raise ImageError(
            f"the image has {len(image)} bytes, a slot {SLOT_SIZE}: the package is too large for this base"
        )
    return image


def build_flash(
    image: bytes,
    *,
    base: bytes | None = None,
    partitions: Sequence[Partition] = BOARD_PARTITIONS,
    vfs_files: Mapping[str, bytes] | None = None,
) -> bytes:
    """The 4 MB of a new board's flash with ``image`` in ota_0; nvs and otadata are erased.

    ``base`` gives the boot loader, if it has one. The vfs partition holds ``vfs_files``, by default boot.py and main.py
    of this tree; the user partition, where the table has one, an empty filesystem.
    """
    if vfs_files is None:
        vfs_files = {name: (ROOT / name).read_bytes() for name in VFS_FILES}
    flash = bytearray(b"\xff") * FLASH_SIZE
    by_label = {partition.label: partition for partition in partitions}
    contents = {
        BOOT_LOADER_ADDRESS: read_base(base).boot_loader,
        TABLE_ADDRESS: build_table(partitions),
        by_label["ota_0"].address: image,
        by_label["vfs"].address: filesystem(vfs_files, by_label["vfs"].size // SECTOR),
    }
    if user := by_label.get("user"):
        contents[user.address] = filesystem({}, user.size // SECTOR)
    for address, content in contents.items():
        flash[address : address + len(content)] = content
    return bytes(flash)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.image", description="Build an application image.")
    parser.add_argument("--version", required=True, help="what AT+GMR answers, 1 to 31 characters")
    parser.add_argument("--base", type=Path, help="an official MicroPython build for the ESP32 (OTA variant)")
    parser.add_argument("-o", "--output", type=Path, help="default: build/esp-at-VERSION.bin")
    parser.add_argument("--flash", type=Path, help="write the whole flash of a new board (4 MB) to this file too")
    options = parser.parse_args(arguments)
    output = options.output or Path("build") / f"esp-at-{options.version}.bin"
    try:
        base = options.base.read_bytes() if options.base else None
        package = build_package(version=options.version)
        image = build_image(package, options.version, base)
        flash = build_flash(image, base=base) if options.flash else b""
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(image)
        if options.flash:
            options.flash.write_bytes(flash)
    except (OSError, ImageError, PackageError) as error:
        print(f"no image: {error}", file=sys.stderr)
        return 1
    print(f"{output}: {len(image)} bytes, package {len(package)}, {SLOT_SIZE - len(image)} of the slot free")
    return 0


if __name__ == "__main__":
    sys.exit(main())
