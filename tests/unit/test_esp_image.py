import hashlib
import struct

from firmware.esp_image import SECTOR, ImageCheck, ImageError

ROOM = 0x180000
PAGE = 0x10000
CODE = 0x400D0000
FAST = 0x40080000
LITTLEFS = b"\x01\0\0\0\xf0\x0f\xff\xf7littlefs"
# As running_chip() gives it: number, revision, memory (begin, end, whether the flash cache maps it).
CHIP = (0, 399, ((FAST // 4096, FAST // 4096 + 0x20, False), (CODE // 4096, CODE // 4096 + 0x400, True)))


def image(package=LITTLEFS, chip=0, magic=0xE9, hashed=1, code=1000, more=(), revision=0, code_at=None):
    """An image with a segment of code, one that pads up to a multiple of 4096, and the package behind that."""
    segments = [(CODE + 32 if code_at is None else code_at, descriptor() + bytes(code))] + list(more)
    if package is not None:
        end = 24 + sum(8 + len(data) for _, data in segments)
        segments.append((FAST, bytes(-(end + 16) % SECTOR)))
        segments.append((0, package + bytes(SECTOR - len(package))))
    head = struct.pack("<BBBBI", magic, len(segments), 2, 0x20, 0x40080000) + bytes(4)
    head += struct.pack("<HBH", chip, 0, revision) + bytes(6) + bytes((hashed,))
    body = head + b"".join(struct.pack("<II", address, len(data)) + data for address, data in segments)
    body += bytes(15 - len(body) % 16) + b"\xef"
    return body + hashlib.sha256(body).digest()


def descriptor(version=b"1.2.3", project=b"a project"):
    return struct.pack("<I12x32s32s", 0xABCD5432, version, project)


def check(data, room=ROOM, chip=CHIP, piece=SECTOR):
    """Feed ``data`` as a download does, in pieces of so many bytes; returns the check."""
    checked = ImageCheck(chip, room)
    for at in range(0, len(data), piece):
        if checked.complete():
            break
        checked.block(memoryview(data)[at : at + piece])
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
    assert checked.complete()
    assert checked.size == checked.seen == len(data)
    assert (checked.version, checked.project) == (b"1.2.3", b"a project")
    assert checked.has_package is True


def test_complete_with_the_last_byte_only():
    data = image()
    checked = ImageCheck(CHIP, ROOM)
    for at in range(0, len(data) - 1, 1024):
        checked.block(memoryview(data)[at : min(at + 1024, len(data) - 1)])
        assert not checked.complete(), at
    checked.block(memoryview(data)[-1:])
    assert checked.complete()
    checked.finish()


def test_what_follows_the_image_is_ignored():
    assert check(image() + b"more" * 5000).size == len(image())


def test_pieces_of_any_size():
    """Any that does not cross a multiple of 4096."""
    data = image()
    for piece in (128, 256, 512, 1024, 2048, 4096):
        checked = check(data, piece=piece)
        assert (checked.size, checked.has_package, checked.version) == (len(data), True, b"1.2.3"), piece


def test_headers_and_digest_at_every_place_in_a_piece():
    """Segment headers and the digest may be split over two pieces."""
    for piece in (1024, SECTOR):
        for code in range(piece - 200, piece + 8, 4):
            data = image(code=code)
            assert check(data, piece=piece).size == len(data), code
            data = image(more=[(FAST, bytes(code)), (FAST, b"abcd")])
            assert check(data, piece=piece).size == len(data), code


def test_a_flipped_bit():
    data = image()
    for at in (40, 100, SECTOR + 8 + 100, len(data) - 40, len(data) - 33, len(data) - 1):
        wrong = bytearray(data)
        wrong[at] ^= 0x10
        refusal(bytes(wrong))
        refusal(bytes(wrong), piece=1024)


def test_a_truncated_image():
    data = image()
    for size in (0, 1, 24, 300, SECTOR, SECTOR + 1, len(data) - 33, len(data) - 1):
        assert refusal(data[:size]) in ("cut short", "too short"), size


def test_refusals():
    assert refusal(image(chip=5)) == "for another chip"
    assert refusal(image(magic=0xE8)) == "not an image"
    assert refusal(b"<html>" * 1000) == "not an image"
    assert refusal(b"\xff" * 10000) == "not an image"
    assert refusal(bytes(10000)) == "not an image"
    assert refusal(image(hashed=0)) == "no digest or segments"
    assert refusal(image(), room=len(image()) - 1) == "larger than the slot"


def test_an_image_without_package():
    """It is for the caller to judge."""
    assert check(image(package=None)).has_package is False
    assert check(image(package=b"not a filesystem")).has_package is False


def test_a_package_that_the_firmware_cannot_mount():
    # Load address 0, but not at a multiple of 4096.
    assert check(image(package=None, more=[(0, LITTLEFS + bytes(SECTOR))])).has_package is False
    # Behind a package nothing else makes one of it, and nothing else takes it away.
    assert check(image(), piece=128).has_package is True


def test_an_image_of_something_else():
    """Without an application descriptor neither version nor project is known."""
    data = bytearray(image())
    data[32] ^= 1
    data[-32:] = hashlib.sha256(data[:-32]).digest()
    checked = check(bytes(data))
    assert (checked.version, checked.project) == (b"", b"")


def test_texts_that_fill_their_fields():
    data = bytearray(image())
    data[32 : 32 + 80] = descriptor(b"v" * 32, b"p" * 32)
    data[-32:] = hashlib.sha256(data[:-32]).digest()
    checked = check(bytes(data))
    assert (checked.version, checked.project) == (b"v" * 32, b"p" * 32)


def test_an_image_that_fills_its_slot():
    data = image()
    assert check(data, room=len(data)).size == len(data)


def test_a_segment_that_claims_too_much():
    for length in (ROOM, 0xFFFFFFF0, 0x80000000, 3, 1001):
        wrong = bytearray(image())
        struct.pack_into("<I", wrong, 28, length)
        assert refusal(bytes(wrong)) == "larger than the slot", length


def test_chip_revision():
    """The image says which it needs at least; the chip's has its minor number set to the highest there is."""
    for revision in (0, 1, 300, 399):
        assert check(image(revision=revision)).complete()
    for revision in (400, 0xFFFF):
        assert refusal(image(revision=revision)) == "for a newer chip", revision
    assert check(image(revision=0xFFFF), chip=(0, 0xFFFF, None)).complete()
    assert refusal(image(revision=1), chip=(0, 0, None)) == "for a newer chip"


def test_segment_addresses():
    for address, size, fits in (
        (FAST, 4, True),
        (FAST + 0x1FFFC, 4, True),
        (FAST, 0x20000, True),
        (FAST - 4, 4, False),
        (FAST + 0x1FFFC, 8, False),
        (FAST + 0x20000, 4, False),
        (FAST, 0x20004, False),
        (4, 4, False),
        (0x3FFB0000, 4, False),
        (0xFFFFFFFC, 8, False),
    ):
        data = image(more=[(address, bytes(size))])
        if fits:
            assert check(data).size == len(data), (address, size)
        else:
            assert refusal(data) == "segment address", (address, size)
        # Of a chip whose memory is not known nothing is asked.
        assert check(data, chip=(0, 399, None)).size == len(data)


def test_mapped_segments_lie_in_step_with_the_cache():
    """Flash is mapped in pages of 64 KB: address and place in the image must agree modulo that. The first segment's
    data begins at byte 32.
    """
    for address in (CODE + 32, CODE + PAGE + 32, CODE + 0x3F0000 + 32):
        assert check(image(code_at=address)).complete()
    for address in (CODE, CODE + 36, CODE + 28, CODE + 32 + 4096, CODE + 32 + PAGE // 2):
        assert refusal(image(code_at=address)) == "segment address", address
    # Beyond the end of what is mapped, and before its begin.
    for address in (CODE + 0x400000 + 32, CODE - PAGE + 32):
        assert refusal(image(code_at=address)) == "segment address", address


def test_a_mapped_segment_on_a_later_page():
    first = 32 + 80 + 1000
    padding = PAGE - 8 - first - 8
    more = [(FAST, bytes(padding)), (CODE + PAGE, b"abcd")]
    assert check(image(more=more)).complete()
    more[1] = (CODE + PAGE + 4, b"abcd")
    assert refusal(image(more=more)) == "segment address"
