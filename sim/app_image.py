"""The ESP32 application image as ESP-IDF checks it before it boots, or chooses for booting, a slot.

Format (Espressif's "Firmware Image Format"): a header of 24 bytes, segments of ``<II`` (load address, size) and data, a
checksum in the last byte of a 16-byte block (XOR of all segment data, from 0xef), and where the header says so the
SHA-256 of everything before it. The application descriptor is the beginning of the first segment.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from sim.models import ESP32, Target

HEADER_SIZE = 24
IMAGE_MAGIC = 0xE9
MAX_SEGMENTS = 16
MAX_SEGMENT_SIZE = 16 << 20
CHECKSUM_START = 0xEF
MAP_PAGE = 0x10000
DESCRIPTOR_OFFSET = HEADER_SIZE + 8
_DESCRIPTOR = struct.Struct("<I12x32s32s")
_DESCRIPTOR_MAGIC = 0xABCD5432


class ImageError(ValueError):
    """The image is one that ESP-IDF refuses; the text says why."""


@dataclass(frozen=True)
class ImageInfo:
    """Length in bytes including checksum and hash; version and project of the descriptor, empty if there is none."""

    length: int
    version: str
    project: str


def verify(slot: bytes, target: Target = ESP32) -> ImageInfo:
    """Check the image at the beginning of ``slot`` (a whole partition) for a chip; raises ``ImageError``."""
    if len(slot) < HEADER_SIZE or slot[0] != IMAGE_MAGIC:
        raise ImageError("invalid magic byte (nothing flashed here?)")
    (chip,) = struct.unpack_from("<H", slot, 12)
    if chip != target.number:
        raise ImageError(f"mismatch chip ID, expected {target.number}, found {chip}")
    if slot[1] > MAX_SEGMENTS:
        raise ImageError(f"segment count {slot[1]} exceeds max {MAX_SEGMENTS}")
    end, checksum = _walk_segments(slot, target)
    length = (end + 16) & ~15
    if length > len(slot):
        raise ImageError(f"image length {length} doesn't fit in partition length {len(slot)}")
    if slot[length - 1] != checksum:
        raise ImageError(f"checksum failed, calculated 0x{checksum:x} read 0x{slot[length - 1]:x}")
    if slot[23]:
        length = _check_hash(slot, length)
    return ImageInfo(length, *_describe(slot))


def _walk_segments(slot: bytes, target: Target) -> tuple[int, int]:
    """Where the last segment ends, and the XOR of the data of all."""
    position = HEADER_SIZE
    checksum = CHECKSUM_START
    for number in range(slot[1]):
        if position + 8 > len(slot):
            raise ImageError(f"segment {number} lies outside of the partition")
        load_address, size = struct.unpack_from("<II", slot, position)
        position += 8
        if size % 4 or size >= MAX_SEGMENT_SIZE:
            raise ImageError(f"invalid segment length 0x{size:x}")
        mapped = load_address in target.data or load_address in target.code
        if mapped and (load_address - position) % MAP_PAGE:
            raise ImageError(f"segment {number} load address 0x{load_address:08x} doesn't match data 0x{position:08x}")
        if position + size > len(slot):
            raise ImageError(f"segment {number} lies outside of the partition")
        checksum ^= _xor(slot[position : position + size])
        position += size
    return position, checksum


def _xor(data: bytes) -> int:
    """XOR of all bytes, by folding halves onto each other as big integers."""
    while len(data) > 64:
        half = (len(data) + 1) // 2
        folded = int.from_bytes(data[:half], "little") ^ int.from_bytes(data[half:], "little")
        data = folded.to_bytes(half, "little")
    result = 0
    for byte in data:
        result ^= byte
    return result


def _check_hash(slot: bytes, length: int) -> int:
    if length + 32 > len(slot):
        raise ImageError(f"image length {length + 32} doesn't fit in partition length {len(slot)}")
    if hashlib.sha256(memoryview(slot)[:length]).digest() != slot[length : length + 32]:
        raise ImageError("image hash failed - image is corrupt")
    return length + 32


def _describe(slot: bytes) -> tuple[str, str]:
    magic, version, project = _DESCRIPTOR.unpack_from(slot, DESCRIPTOR_OFFSET)
    if magic != _DESCRIPTOR_MAGIC:
        return "", ""
    return _text(version), _text(project)


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode(errors="replace")
