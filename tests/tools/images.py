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
    """The bytes of a file to be flashed at ``start``."""

    data: bytes
    start: int = 0x1000


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


# What MicroPython shows at its prompt, and what sys.implementation tells.
PROMPT_TEXT = b"\0MicroPython v%s on 2025-04-15\0; Generic ESP32 module with ESP32\0"


def make_descriptor() -> bytes:
    """An application descriptor as ESP-IDF writes it, recognisable in every field that stays."""
    fields = struct.pack("<II8x", 0xABCD5432, 7) + b"0.9".ljust(32, b"\0") + b"other".ljust(32, b"\0")
    fields += b"12:34:56".ljust(16, b"\0") + b"Apr 15 2025".ljust(16, b"\0") + b"v5.2.2".ljust(32, b"\0")
    return (fields + bytes(range(32))).ljust(DESCRIPTOR_SIZE, b"\0")


@dataclass(frozen=True)
class Chip:
    """Number, address of the boot loader, where flash is mapped as data and as code, and internal memory."""

    number: int
    boot_loader: int
    drom: int
    irom: int
    iram: int


CHIPS = {
    "esp32": Chip(0, 0x1000, 0x3F400020, 0x400D0020, 0x40080000),
    "esp32s3": Chip(9, 0, 0x3C140020, 0x42000020, 0x40374000),
    "esp32c3": Chip(5, 0, 0x3C150020, 0x42000020, 0x40380000),
    "esp32c6": Chip(13, 0, 0x420C0020, 0x42000020, 0x40800000),
}
OTA_PARTITIONS = [
    (1, 0x02, 0x9000, 0x4000, b"nvs"),
    (1, 0x00, 0xD000, 0x2000, b"otadata"),
    (1, 0x01, 0xF000, 0x1000, b"phy_init"),
    (0, 0x10, 0x10000, 0x180000, b"ota_0"),
    (0, 0x11, 0x190000, 0x180000, b"ota_1"),
    (1, 0x81, 0x310000, 0xF0000, b"vfs"),
]
PLAIN_PARTITIONS = [
    (1, 0x02, 0x9000, 0x6000, b"nvs"),
    (1, 0x01, 0xF000, 0x1000, b"phy_init"),
    (0, 0x00, 0x10000, 0x1F0000, b"factory"),
]


def make_official(
    chip: str = "esp32",
    version: bytes = b"1.25.0",
    partitions: list[tuple[int, int, int, int, bytes]] = OTA_PARTITIONS,
    size: int = 0,
) -> FlashedBase:
    """A boot loader, a partition table and an application, at the places where an official build has them.

    The application is of a size that is not a multiple of 4096, larger by ``size``, and has segments that are mapped
    from flash.
    """
    kind = CHIPS[chip]
    drom = make_descriptor() + PROMPT_TEXT % version
    drom += bytes(0x300 - len(drom))
    before_irom = 24 + 8 + len(drom) + 8
    padding = 0x10020 - 8 - before_irom
    segments = [
        (kind.drom, drom),
        (kind.iram, bytes(range(256)) * (padding // 256) + bytes(padding % 256)),
        (kind.irom, b"\x36\x41\x00\x00" * 1000 + bytes(size)),
    ]
    table = b"".join(struct.pack("<HBBII16sI", 0x50AA, *entry, 0) for entry in partitions)
    table += b"\xeb\xeb".ljust(16, b"\xff") + hashlib.md5(table).digest()
    boot_loader = make_image([(kind.iram, bytes(64)), (kind.iram + 0x8000, bytes(range(128)))], kind.number)
    data = boot_loader.ljust(0x8000 - kind.boot_loader, b"\xff") + table.ljust(0x8000, b"\xff")
    return FlashedBase(data + make_image(segments, kind.number), kind.boot_loader)


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
