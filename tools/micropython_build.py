"""Reads a MicroPython build for the ESP32: its application, boot loader, version, and whether it runs our bytecode.

A build is the file that micropython.org publishes: boot loader, partition table at 0x8000 and application as they lie
in flash, beginning at the address where the chip looks for its boot loader (0x1000 on the ESP32, 0 on the others). The
whole flash of a board and an application alone are read too. The version is the text that MicroPython shows at its
prompt; the descriptor of its application is empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sim.models import TARGETS
from sim.partitions import TABLE_ADDRESS, TYPE_APP, TableError, parse_table
from tools import app_image
from tools.app_image import ImageError

# Version of the bytecode (.mpy) that each MicroPython loads, from py/persistentcode.h of its releases.
BYTECODE = {(1, 25): 6, (1, 26): 6, (1, 27): 6, (1, 28): 6}
OLDEST, NEWEST = min(BYTECODE), max(BYTECODE)
VERSION = re.compile(rb"MicroPython v(\d+)\.(\d+)([-.+\w]*) on \d{4}-\d\d-\d\d")
MACHINE = re.compile(rb"\0([\x20-\x7e]{3,64} with ESP32[-A-Z0-9]*)\0")
# Files that people take for a build, by how they begin.
MISTAKEN = {
    b"\x7fELF": "an ELF file (micropython.elf?)",
    b"UF2\n": "a UF2 file",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "compressed with gzip",
    b"<!": "a web page, not a download",
    b"<html": "a web page, not a download",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself",
}


@dataclass(frozen=True)
class Build:
    """``boot_loader`` is None where the file is an application alone, ``version`` where it is not MicroPython's."""

    app: app_image.AppImage
    boot_loader: app_image.AppImage | None = None
    version: str | None = None
    machine: str = ""


def read(data: bytes) -> Build:
    """Find application and boot loader in the bytes of a file; raises ImageError."""
    for beginning, what in MISTAKEN.items():
        if data.startswith(beginning):
            raise ImageError(f"this is {what}; take the .bin of the download page")
    for start in sorted({target.boot_loader for target in TARGETS.values()}, reverse=True):
        try:
            partitions = parse_table(data[TABLE_ADDRESS - start :])
        except (TableError, UnicodeDecodeError):
            continue
        slot = next((partition for partition in partitions if partition.type == TYPE_APP), None)
        if slot is None:
            raise ImageError("the build's partition table has no application")
        app = app_image.parse(data[slot.address - start : slot.end - start])
        if app.target.boot_loader < start:
            raise ImageError(
                f"a build for {app.target.name} begins at 0x{app.target.boot_loader:x}, not at 0x{start:x}"
            )
        boot_loader = app_image.parse(data[app.target.boot_loader - start : TABLE_ADDRESS - start])
        return _described(app, boot_loader)
    return _described(app_image.parse(data), None)


def check(build: Build, bytecode: int) -> None:
    """Refuse a build that does not load bytecode of this version, or of which that is not known; raises ImageError."""
    known = f"those known are {_dotted(OLDEST)} to {_dotted(NEWEST)}"
    if build.version is None:
        raise ImageError(f"no MicroPython, or one that does not tell its version; {known}")
    major, minor = build.version.split(".")[:2]
    release = int(major), int(re.match(r"\d+", minor)[0])  # type: ignore[index]
    if release not in BYTECODE:
        why = "too old" if release < OLDEST else "not known yet"
        raise ImageError(f"MicroPython {build.version} is {why}: {known}")
    if BYTECODE[release] != bytecode:
        raise ImageError(
            f"MicroPython {build.version} loads bytecode of version {BYTECODE[release]}, mpy-cross makes {bytecode}"
        )


def _described(app: app_image.AppImage, boot_loader: app_image.AppImage | None) -> Build:
    text = b"".join(segment.data for segment in app.segments if segment.load_address in app.target.data)
    version, machine = VERSION.search(text), MACHINE.search(text)
    return Build(
        app,
        boot_loader,
        b"".join((version[1], b".", version[2], version[3])).decode() if version else None,
        machine[1].decode().lstrip("; ") if machine else "",
    )


def _dotted(release: tuple[int, int]) -> str:
    return ".".join(map(str, release))
