"""Builds what goes to a board: application images with the firmware's package, and whole flash contents.

``python -m tools.image`` writes ``build/esp-at-VERSION.bin`` for the simulated board. With ``--micropython`` it puts
the package into a MicroPython build for a real one and writes two files: that application image, for AT+USEROTA and
``make upgrade``, and ``...-flash.bin`` for esptool: boot loader, partition table, the image in the first slot, and the
filesystem with ``boot.py`` and ``main.py``. The same inputs give the same bytes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sim.models import ESP32, Target
from sim.partitions import TABLE_ADDRESS, Partition, build_table
from tools import app_image, flash_layout, micropython_build, version
from tools.app_image import ImageError
from tools.flash_layout import Layout, LayoutError
from tools.micropython_build import Build
from tools.package import ROOT, SECTOR, SMALLEST_BLOCKS, PackageError, build_package, bytecode_version, filesystem

PROJECT = "esp-at-micropython"
SLOT_SIZE = flash_layout.BOARD.slot_size
VFS_FILES = ("boot.py", "main.py")
BUILD = Path("build")
ELF = b"\x7fELF"
ELF_MACHINE = slice(18, 20)
CHIPS_ELF_MACHINES = (b"\x5e\0", b"\xf3\0")  # Xtensa, RISC-V


def build_image(
    package: bytes,
    version: str,
    build: Build | None = None,
    *,
    slot_size: int = SLOT_SIZE,
    flash_size: int | None = None,
    target: Target = ESP32,
) -> bytes:
    """The application image for an OTA slot: ``package`` (a littlefs) in the application of ``build``; None is a
    synthetic one, for the simulated board.

    ``version`` (1 to 31 ASCII characters) goes into the application descriptor, ``flash_size`` into the header where
    it is given. Raises ImageError.
    """
    base = build.app if build else app_image.parse(app_image.synthetic_base(target))
    image = app_image.with_package(base, package, version, PROJECT)
    if flash_size:
        image = app_image.with_flash_size(app_image.parse(image), flash_size)
    if len(image) > slot_size:
        raise ImageError(
            f"the image has {len(image)} bytes, a slot {slot_size}: the package is too large for this base"
        )
    return image


def build_flash(
    image: bytes,
    build: Build | None = None,
    layout: Layout = flash_layout.BOARD,
    *,
    partitions: Sequence[Partition] | None = None,
    vfs_files: Mapping[str, bytes] | None = None,
) -> bytes:
    """A new board's whole flash with ``image`` in ota_0; nvs and otadata are erased.

    ``build`` gives the boot loader, if it has one, ``partitions`` a partition table in place of the layout's. The vfs
    partition holds ``vfs_files``, by default boot.py and main.py of this tree; the user partition, where the table has
    one, an empty filesystem.
    """
    if vfs_files is None:
        vfs_files = {name: (ROOT / name).read_bytes() for name in VFS_FILES}
    flash = bytearray(b"\xff") * layout.flash_size
    by_label = {partition.label: partition for partition in partitions or layout.partitions}
    contents = {
        TABLE_ADDRESS: build_table(by_label.values()),
        by_label["ota_0"].address: image,
        by_label["vfs"].address: filesystem(vfs_files, by_label["vfs"].size // SECTOR),
    }
    if build and build.boot_loader:
        contents[build.app.target.boot_loader] = app_image.with_flash_size(build.boot_loader, layout.flash_size)
    if user := by_label.get("user"):
        contents[user.address] = filesystem({}, user.size // SECTOR)
    for address, content in contents.items():
        flash[address : address + len(content)] = content
    return bytes(flash)


def build_flash_file(image: bytes, build: Build, layout: Layout) -> bytes:
    """What esptool writes at the address of the chip's boot loader: the beginning of ``build_flash``, up to the empty
    filesystem in ``user``. Raises ImageError.
    """
    if build.boot_loader is None:
        raise ImageError("the file is an application alone; a file to flash needs the boot loader of a whole build")
    end = layout.partition("user").address + SMALLEST_BLOCKS * SECTOR
    return build_flash(image, build, layout)[build.app.target.boot_loader : end]


def whole_flash(flash_file: bytes) -> tuple[bytes, Target]:
    """The flash of a board after ``build_flash_file``'s bytes have been written to it, and its chip."""
    boot_loader = app_image.parse(flash_file)
    target = boot_loader.target
    return (b"\xff" * target.boot_loader + flash_file).ljust(boot_loader.flash_size, b"\xff"), target


def is_interpreter(data: bytes) -> bool:
    """Whether this is a program for this machine: make run and make test take one in MICROPYTHON."""
    return data.startswith(b"#!") or (data.startswith(ELF) and data[ELF_MACHINE] not in CHIPS_ELF_MACHINES)


def read_build(path: Path) -> Build | None:
    """A checked MicroPython build; None for an interpreter of this machine. Raises ImageError and OSError."""
    if not path.exists():
        path = Path(str(path).split(":")[0])  # MICROPYTHON may name two interpreters
    data = path.read_bytes()
    if is_interpreter(data):
        print(f"{path} is an interpreter for this machine, not a build for the ESP32")
        return None
    try:
        build = micropython_build.read(data)
        micropython_build.check(build, bytecode_version())
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    return build


def image_and_layout(package: bytes, version: str, build: Build, flash_size: int | None) -> tuple[bytes, Layout]:
    """The application image and where it goes: slots that it fits into, on a flash of ``flash_size`` bytes, by default
    what the build is made for.
    """
    size = flash_size or build.app.flash_size
    flash_layout.choose(size, 0)
    image = build_image(package, version, build, slot_size=size, flash_size=size)
    return image, flash_layout.choose(size, len(image))


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def make_simulated(options: argparse.Namespace, package: bytes) -> None:
    """The image for the simulated board."""
    image = build_image(package, options.version)
    output = options.output or BUILD / f"esp-at-{options.version}.bin"
    write(output, image)
    print(f"{output}: {len(image)} bytes, package {len(package)}, for the simulated board alone")


def make_real(options: argparse.Namespace, package: bytes, build: Build) -> None:
    """Both files for a real board."""
    image, layout = image_and_layout(package, options.version, build, options.flash_size)
    target = build.app.target
    stem = f"esp-at-{options.version}" + ("" if target == ESP32 else f"-{target.name}")
    output = options.output or BUILD / f"{stem}.bin"
    write(output, image)
    flash_size = flash_layout.megabytes(layout.flash_size)
    print(f"MicroPython {build.version}, {build.machine or target.name}, {flash_size} of flash")
    print(
        f"{output}: {len(image)} bytes, package {len(package)}, {layout.slot_size - len(image)} of a slot of "
        f"{layout.slot_size} free; for AT+USEROTA and make upgrade"
    )
    if build.boot_loader is None:
        print("no file to flash: this is an application alone, without a boot loader")
        return
    flash = options.flash or output.with_name(f"{output.stem}-flash.bin")
    write(flash, build_flash_file(image, build, layout))
    print(f"{flash}: for address 0x{target.boot_loader:x} of a new {target.name}; make flash")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.image", description="Build what goes to a board.")
    parser.add_argument("--version", help="what AT+GMR answers, 1 to 31 characters; default: what git says")
    parser.add_argument("--micropython", type=Path, help="a MicroPython build for the ESP32, from micropython.org")
    parser.add_argument("--flash-size", help="4MB, 8MB or 16MB; default: what the build is made for")
    parser.add_argument("-o", "--output", type=Path, help="the application image; default: build/esp-at-VERSION.bin")
    parser.add_argument("--flash", type=Path, help="the file for esptool; default: build/esp-at-VERSION-flash.bin")
    options = parser.parse_args(arguments)
    options.version = options.version or version.current()
    try:
        options.flash_size = flash_layout.parse_size(options.flash_size) if options.flash_size else None
        build = read_build(options.micropython) if options.micropython else None
        package = build_package(version=options.version)
        if build:
            make_real(options, package, build)
        else:
            make_simulated(options, package)
    except (OSError, ImageError, LayoutError, PackageError) as error:
        print(f"no image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
