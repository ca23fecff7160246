"""The ESP32 application image: parse and check one, append segments, set the application descriptor.

Format (esptool's documentation, "Firmware Image Format"): a header of 24 bytes, segments of ``<II`` (load address,
size) and data, a checksum in the last byte of a block of 16 (XOR of all segment data, from 0xef), and where the header
says so the SHA-256 of everything before it. The application descriptor (ESP-IDF's ``esp_app_desc_t``) begins the first
segment, which is mapped as data from flash. A boot loader has the same format, without a descriptor.
"""

from __future__ import annotations

import functools
import hashlib
import operator
import struct
from dataclasses import dataclass

from sim.models import ESP32, TARGETS, Target

HEADER_SIZE = 24
SEGMENT_HEADER = struct.Struct("<II")
MAGIC = 0xE9
FLASH_OFFSET = 3  # the upper four bits tell the flash's size: 1 MB shifted left by so many bits
CHIP_OFFSET = 12
HASH_FLAG_OFFSET = 23
HASH_SIZE = 32
CHECKSUM_START = 0xEF
CHECKSUM_BLOCK = 16
MAX_SEGMENTS = 16
SECTOR = 4096
PADDING_ADDRESS = 0  # the boot loader verifies such a segment and loads it nowhere
MEBIBYTE = 1 << 20

DESCRIPTOR_MAGIC = 0xABCD5432
DESCRIPTOR_SIZE = 256
VERSION_FIELD = slice(16, 48)
PROJECT_FIELD = slice(48, 80)
TIME_FIELD = slice(80, 96)
DATE_FIELD = slice(96, 112)


class ImageError(Exception):
    """The image is not one that an ESP32 would boot, or cannot be changed as asked; the message says why."""


@dataclass(frozen=True)
class Segment:
    """``offset`` is where the data lie in the image."""

    load_address: int
    data: bytes
    offset: int


@dataclass(frozen=True)
class AppImage:
    """A checked image. ``size`` includes checksum and hash."""

    header: bytes
    segments: tuple[Segment, ...]
    size: int

    @property
    def target(self) -> Target:
        """The kind of chip that it is made for."""
        return TARGETS[_chip(self.header)]

    @property
    def flash_size(self) -> int:
        """The flash's size in bytes, as the header tells it."""
        return MEBIBYTE << (self.header[FLASH_OFFSET] >> 4)

    @property
    def descriptor(self) -> Segment:
        """The segment that begins with the application descriptor."""
        for segment in self.segments:
            if segment.load_address in self.target.data:
                if segment.data[:4] == DESCRIPTOR_MAGIC.to_bytes(4, "little") and len(segment.data) >= DESCRIPTOR_SIZE:
                    return segment
                break
        raise ImageError("the image has no application descriptor")

    @property
    def version(self) -> str:
        return _text(self.descriptor.data[VERSION_FIELD])

    @property
    def project(self) -> str:
        return _text(self.descriptor.data[PROJECT_FIELD])

    @property
    def package(self) -> bytes | None:
        """The littlefs in a padding segment at a multiple of a sector, None if there is none."""
        for segment in self.segments:
            aligned = segment.load_address == PADDING_ADDRESS and segment.offset % SECTOR == 0
            if aligned and segment.data[8:16] == b"littlefs":
                return segment.data
        return None


def parse(data: bytes) -> AppImage:
    """Check the image at the beginning of ``data``, which may go on behind it; raises ImageError."""
    if len(data) < HEADER_SIZE or data[0] != MAGIC:
        raise ImageError("not an application image")
    if _chip(data) not in TARGETS:
        known = ", ".join(target.name for target in TARGETS.values())
        raise ImageError(f"an image for chip {_chip(data)}; those known are {known}")
    segments = []
    position = HEADER_SIZE
    for _ in range(data[1]):
        if position + SEGMENT_HEADER.size > len(data):
            raise ImageError("the image is cut off")
        load_address, size = SEGMENT_HEADER.unpack_from(data, position)
        position += SEGMENT_HEADER.size
        segments.append(Segment(load_address, data[position : position + size], position))
        position += size
    end = _checksum_offset(position) + 1
    if end + (HASH_SIZE if data[HASH_FLAG_OFFSET] else 0) > len(data):
        raise ImageError("the image is cut off")
    if data[end - 1] != _checksum(segments):
        raise ImageError("the image's checksum does not match")
    if data[HASH_FLAG_OFFSET]:
        if hashlib.sha256(data[:end]).digest() != data[end : end + HASH_SIZE]:
            raise ImageError("the image's SHA-256 does not match")
        end += HASH_SIZE
    return AppImage(data[:HEADER_SIZE], tuple(segments), end)


def with_flash_size(image: AppImage, size: int) -> bytes:
    """``image`` with ``size`` (bytes, a power of two from 1 MB on) as the flash's size in its header."""
    code = (size // MEBIBYTE).bit_length() - 1
    header = bytearray(image.header)
    header[FLASH_OFFSET] = code << 4 | header[FLASH_OFFSET] & 0x0F
    return assemble(bytes(header), [(segment.load_address, segment.data) for segment in image.segments])


def assemble(header: bytes, segments: list[tuple[int, bytes]]) -> bytes:
    """An image of ``segments`` (load address, data), with segment count, checksum and SHA-256 made anew."""
    if len(segments) > MAX_SEGMENTS:
        raise ImageError(f"{len(segments)} segments, but an image has room for {MAX_SEGMENTS}")
    image = bytearray(header)
    image[1] = len(segments)
    image[HASH_FLAG_OFFSET] = 1
    parts = []
    for load_address, data in segments:
        if len(data) % 4:
            raise ImageError(f"the segment for 0x{load_address:x} has {len(data)} bytes, not a multiple of 4")
        image += SEGMENT_HEADER.pack(load_address, len(data))
        parts.append(Segment(load_address, data, len(image)))
        image += data
    image += bytes(_checksum_offset(len(image)) - len(image))
    image.append(_checksum(parts))
    return bytes(image + hashlib.sha256(image).digest())


def with_package(base: AppImage, package: bytes, version: str, project: str) -> bytes:
    """``base`` with another version and project name, and with ``package`` as its last segment.

    The package's bytes begin at a multiple of 4096 in the image; a padding segment before it sees to that, and the
    segments of the base stay where they are, as those that are mapped from flash must.
    """
    if base.package is not None:
        raise ImageError("the base has a package already")
    end = base.segments[-1].offset + len(base.segments[-1].data)
    padding = -(end + 2 * SEGMENT_HEADER.size) % SECTOR or SECTOR
    segments = [(s.load_address, s.data) for s in base.segments]
    index = base.segments.index(base.descriptor)
    segments[index] = (segments[index][0], _describe(segments[index][1], version, project))
    segments += [(PADDING_ADDRESS, bytes(padding)), (PADDING_ADDRESS, package)]
    return assemble(base.header, segments)


def synthetic_base(target: Target = ESP32) -> bytes:
    """The smallest image that a simulated boot loader accepts: a descriptor, and an ESP32's code that loops until the
    watchdog bites.
    """
    header = struct.pack("<BBBBIB3xHBHH4xB", MAGIC, 0, 2, 0x20, target.internal, 0xEE, target.number, 0, 0, 399, 1)
    descriptor = bytearray(DESCRIPTOR_SIZE)
    descriptor[:4] = DESCRIPTOR_MAGIC.to_bytes(4, "little")
    descriptor[TIME_FIELD] = b"00:00:00".ljust(16, b"\0")
    descriptor[DATE_FIELD] = b"Jan  1 2000".ljust(16, b"\0")
    loop = b"\x06\xff\xff\x00"  # the instruction "j ." and a byte to fill the word
    return assemble(header, [(target.data.start + 0x20, bytes(descriptor)), (target.internal, loop)])


def _chip(header: bytes) -> int:
    (number,) = struct.unpack_from("<H", header, CHIP_OFFSET)
    return int(number)


def _describe(data: bytes, version: str, project: str) -> bytes:
    changed = bytearray(data)
    for field, text in ((VERSION_FIELD, version), (PROJECT_FIELD, project)):
        size = field.stop - field.start
        if not (text.isascii() and text.isprintable() and 0 < len(text) < size):
            raise ImageError(f"{text!r} is not 1 to {size - 1} printable ASCII characters")
        changed[field] = text.encode().ljust(size, b"\0")
    return bytes(changed)


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("ascii", "replace")


def _checksum_offset(end: int) -> int:
    """Where the checksum of an image lies whose segments end at ``end``."""
    return end // CHECKSUM_BLOCK * CHECKSUM_BLOCK + CHECKSUM_BLOCK - 1


def _checksum(segments: list[Segment]) -> int:
    return functools.reduce(
        lambda value, segment: functools.reduce(operator.xor, segment.data, value), segments, CHECKSUM_START
    )
