"""The checks of an application image: everything that ESP-IDF refuses is refused."""

from __future__ import annotations

import hashlib
import struct

import pytest

from sim.app_image import ImageError, ImageInfo, verify
from tests.sim.images import IMAGE
from tools import app_image

SLOT_SIZE = 0x10000
HASH = 32


def slot(image: bytes) -> bytes:
    return image.ljust(SLOT_SIZE, b"\xff")


def changed(position: int, value: int, image: bytes = IMAGE) -> bytes:
    """The image with one byte changed and its hash made anew."""
    body = bytearray(image[:-HASH])
    body[position] = value
    return bytes(body) + hashlib.sha256(body).digest()


def test_a_valid_image() -> None:
    assert verify(slot(IMAGE)) == ImageInfo(len(IMAGE), "1.0", "test")


def test_an_image_that_just_fits() -> None:
    assert verify(IMAGE).length == len(IMAGE)


def test_an_image_without_a_hash() -> None:
    body = bytearray(IMAGE[:-HASH])
    body[23] = 0
    assert verify(slot(bytes(body))).length == len(body)


def test_an_image_without_a_descriptor() -> None:
    image = app_image.assemble(IMAGE[:24], [(0, bytes(256))])
    assert verify(slot(image)) == ImageInfo(len(image), "", "")


def test_an_image_of_odd_size_has_the_right_checksum() -> None:
    image = app_image.assemble(IMAGE[:24], [(0, bytes(range(252)) + b"abc" * 4), (0, b"\x01\x02\x03\x04" * 33)])
    assert verify(slot(image)).length == len(image)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (b"", "magic"),
        (bytes(HASH), "magic"),
        (changed(0, 0xEA), "magic"),
        (changed(12, 5), "chip ID"),
        (changed(1, 17), "segment count"),
        (changed(1, 16), "invalid segment length|outside|load address"),
        (changed(28, IMAGE[28] | 1), "invalid segment length"),
        (changed(31, 1), "invalid segment length"),
        (changed(30, 1), "outside"),
        (changed(24, 0x24), "load address 0x3f400024 doesn't match data 0x00000020"),
        (changed(len(IMAGE) - HASH - 1, 0), "checksum"),
        (IMAGE[:-1] + bytes([IMAGE[-1] ^ 1]), "hash"),
        (IMAGE[:-1], "hash"),
    ],
)
def test_a_bad_image(image: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        verify(slot(image))


@pytest.mark.parametrize("missing", [1, HASH, HASH + 1, HASH + 16])
def test_an_image_that_does_not_fit(missing: int) -> None:
    with pytest.raises(ImageError, match="doesn't fit"):
        verify(IMAGE[:-missing])


def test_a_flipped_bit_anywhere_in_the_data_is_found() -> None:
    for position in range(32, len(IMAGE) - HASH, 97):
        image = bytearray(IMAGE)
        image[position] ^= 0x10
        with pytest.raises(ImageError):
            verify(slot(bytes(image)))


def test_segment_headers_are_covered_by_the_hash() -> None:
    (load_address,) = struct.unpack_from("<I", IMAGE, 24)
    image = bytearray(IMAGE)
    struct.pack_into("<I", image, 24, load_address + 0x10000)
    with pytest.raises(ImageError, match="hash"):
        verify(slot(bytes(image)))
