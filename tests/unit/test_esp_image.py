import hashlib
import struct

from firmware.esp_image import BLOCK, ImageCheck, ImageError

ROOM = 0x180000
CODE = 0x400D0020
LITTLEFS = b"\x01\0\0\0\xf0\x0f\xff\xf7littlefs"


def image(package=LITTLEFS, chip=0, magic=0xE9, hashed=1, code=1000, more=()):
    """An image with a segment of code, one that pads up to a multiple of 4096, and the package behind that."""
    segments = [(CODE, descriptor() + bytes(code))] + list(more)
    if package is not None:
        end = 24 + sum(8 + len(data) for _, data in segments)
        segments.append((CODE, bytes(-(end + 16) % BLOCK)))
        segments.append((0, package + bytes(BLOCK - len(package))))
    head = struct.pack("<BBBBI", magic, len(segments), 2, 0x20, 0x40080000) + bytes(4)
    head += struct.pack("<H", chip) + bytes(9) + bytes((hashed,))
    body = head + b"".join(struct.pack("<II", address, len(data)) + data for address, data in segments)
    body += bytes(15 - len(body) % 16) + b"\xef"
    return body + hashlib.sha256(body).digest()


def descriptor(version=b"1.2.3", project=b"a project"):
    return struct.pack("<I12x32s32s", 0xABCD5432, version, project)


def check(data, room=ROOM, chip=0):
    """Feed ``data`` as a download does; returns the check."""
    checked = ImageCheck(chip, room)
    at = 0
    while checked.wanted() and at < len(data):
        piece = data[at : at + checked.wanted()]
        checked.block(memoryview(piece))
        at += len(piece)
    checked.finish()
    return checked


def refusal(*arguments, **keywords):
    try:
        check(*arguments, **keywords)
    except ImageError as error:
        return error.args[0]
    raise AssertionError("not refused")


def test_a_sound_image():
    data = image()
    checked = check(data)
    assert checked.size == len(data)
    assert (checked.version, checked.project) == (b"1.2.3", b"a project")
    assert checked.wanted() == 0


def test_what_follows_the_image_is_ignored():
    assert check(image() + b"more" * 5000).size == len(image())


def test_headers_and_digest_at_every_place_in_a_block():
    """Segment headers and the digest may be split over two blocks."""
    for code in range(BLOCK - 200, BLOCK + 8, 4):
        data = image(code=code)
        assert check(data).size == len(data), code
        data = image(more=[(CODE, bytes(code)), (CODE, b"abcd")])
        assert check(data).size == len(data), code


def test_a_flipped_bit():
    data = image()
    for at in (40, 100, BLOCK + 8 + 100, len(data) - 40, len(data) - 33, len(data) - 1):
        wrong = bytearray(data)
        wrong[at] ^= 0x10
        refusal(bytes(wrong))


def test_a_truncated_image():
    data = image()
    for size in (0, 1, 24, 300, BLOCK, BLOCK + 1, len(data) - 33, len(data) - 1):
        assert refusal(data[:size]) in ("cut short", "too short"), size


def test_refusals():
    assert refusal(image(chip=5)) == "for another chip"
    assert refusal(image(magic=0xE8)) == "not an image"
    assert refusal(b"<html>" * 1000) == "not an image"
    assert refusal(b"\xff" * 10000) == "not an image"
    assert refusal(bytes(10000)) == "not an image"
    assert refusal(image(hashed=0)) == "no digest or segments"
    assert refusal(image(package=None)) == "no package"
    assert refusal(image(package=b"not a filesystem")) == "no package"
    assert refusal(image(), room=len(image()) - 1) == "larger than the slot"


def test_an_image_that_fills_its_slot():
    data = image()
    assert check(data, room=len(data)).size == len(data)


def test_a_segment_that_claims_too_much():
    for length in (ROOM, 0xFFFFFFF0, 0x80000000, 3, 1001):
        wrong = bytearray(image())
        struct.pack_into("<I", wrong, 28, length)
        assert refusal(bytes(wrong)) == "larger than the slot", length
