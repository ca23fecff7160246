"""Application images and their reading, written apart from tools/ so that the two check each other."""

from __future__ import annotations

import functools
import hashlib
import operator
import re
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

DESCRIPTOR_SIZE = 256


@dataclass(frozen=True)
class FlashedBase:
    """The bytes of a file to be flashed at 0x1000."""

    data: bytes


def make_image(segments: list[tuple[int, bytes]], chip: int = 0) -> bytes:
    """An application image with the given segments (load address, data), hash appended."""
    image = bytearray.fromhex("e9000220000008 40ee000000".replace(" ", "")) + struct.pack("<H", chip) + bytes(9) + b"\1"
    image[1] = len(segments)
    for address, data in segments:
        image += struct.pack("<II", address, len(data)) + data
    while len(image) % 16 != 15:
        image.append(0)
    image.append(functools.reduce(operator.xor, b"".join(data for _, data in segments), 0xEF))
    return bytes(image + hashlib.sha256(image).digest())


def make_descriptor() -> bytes:
    """An application descriptor as ESP-IDF writes it, recognisable in every field that stays."""
    fields = struct.pack("<II8x", 0xABCD5432, 7) + b"0.9".ljust(32, b"\0") + b"other".ljust(32, b"\0")
    fields += b"12:34:56".ljust(16, b"\0") + b"Apr 15 2025".ljust(16, b"\0") + b"v5.2.2".ljust(32, b"\0")
    return (fields + bytes(range(32))).ljust(DESCRIPTOR_SIZE, b"\0")


def make_official() -> FlashedBase:
    """A boot loader, a partition table and an application, at the places where an official OTA build has them.

    The application is of a size that is not a multiple of 4096, and has segments that are mapped from flash.
    """
    drom = make_descriptor() + bytes(0x200)
    before_irom = 24 + 8 + len(drom) + 8
    padding = 0x10020 - 8 - before_irom
    segments = [
        (0x3F400020, drom),
        (0x40080000, bytes(range(256)) * (padding // 256) + bytes(padding % 256)),
        (0x400D0020, b"\x36\x41\x00\x00" * 1000),
    ]
    entries = [
        (1, 0x02, 0x9000, 0x4000, b"nvs"),
        (1, 0x00, 0xD000, 0x2000, b"otadata"),
        (1, 0x01, 0xF000, 0x1000, b"phy_init"),
        (0, 0x10, 0x10000, 0x180000, b"ota_0"),
        (0, 0x11, 0x190000, 0x180000, b"ota_1"),
        (1, 0x81, 0x310000, 0xF0000, b"vfs"),
    ]
    table = b"".join(struct.pack("<HBBII16sI", 0x50AA, *entry, 0) for entry in entries)
    table += b"\xeb\xeb".ljust(16, b"\xff") + hashlib.md5(table).digest()
    boot_loader = make_image([(0x3FFF0030, bytes(64)), (0x40078000, bytes(range(128)))])
    data = boot_loader.ljust(0x7000, b"\xff") + table.ljust(0x8000, b"\xff") + make_image(segments)
    return FlashedBase(data)


def read_segments(image: bytes) -> list[tuple[int, int, bytes]]:
    """Load address, place of the data in the image, and data of each segment."""
    found = []
    position = 24
    for _ in range(image[1]):
        address, size = struct.unpack_from("<II", image, position)
        found.append((address, position + 8, image[position + 8 : position + 8 + size]))
        position += 8 + size
    return found


def image_info(path: Path) -> str:
    """What ``esptool image-info`` says of a file."""
    command = [sys.executable, "-m", "esptool", "image-info", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def info_field(text: str, name: str) -> str:
    """The value of one line of ``image_info``."""
    found = re.search(rf"^{re.escape(name)}: (.*)$", text, re.MULTILINE)
    assert found, f"no {name} in {text}"
    return found[1].strip()
