"""The ESP32 application image format, checked while it streams past in blocks.

Source: Espressif's esptool documentation, "Firmware Image Format", and ESP-IDF's application image structures. The
package travels in a segment with load address 0, which the boot loader verifies but never loads, as a littlefs that
begins at a multiple of 4096. The XOR checksum is left to ``Partition.set_boot``, which verifies it in C.
"""

import hashlib
import struct

from micropython import const

SECTOR = const(4096)
_MAGIC = const(0xE9)
_HEADER = const(24)
_SEGMENT_HEADER = const(8)
_SEGMENTS_MOST = const(16)
_DESCRIPTOR_MAGIC = const(0xABCD5432)
_DESCRIPTOR = const(_HEADER + _SEGMENT_HEADER)
_DESCRIPTOR_END = const(_DESCRIPTOR + 80)
_DIGEST = const(32)
_PAGE = const(0x10000)


class ImageError(Exception):
    """The bytes are not an image that this board can run; the argument says why."""


class ImageCheck:
    """Feed blocks with ``block``, none across a multiple of 4096, the first of 112 bytes at least; then ``finish``.

    ``chip`` is what the image must be made for (``firmware.chip.running_chip``), ``room`` the slot's size. ``size``
    is known once the last segment's header has passed, else 0. ``version`` and ``project`` come from the application
    descriptor.
    """

    def __init__(self, chip, room):
        self._chip = chip
        self._room = room
        self._sha = hashlib.sha256()
        self._segments_left = 0
        self._next_header = _HEADER
        self._head = bytearray(_SEGMENT_HEADER)
        self._head_filled = 0
        self._package_at = 0
        self._digest = bytearray(_DIGEST)
        self.seen = 0
        self.size = 0
        self.version = self.project = b""
        self.has_package = False

    def complete(self):
        """Whether the image's end has passed."""
        return self.size and self.seen >= self.size

    def signature_at(self):
        """Where a signature lies: in the sector behind the image's last one."""
        return (self.size + SECTOR - 1) // SECTOR * SECTOR

    def block(self, view):
        """Check the next block; ImageError as soon as something is wrong. What lies behind the image's end is
        ignored.
        """
        if not self.seen:
            self._first_block(view)
        self._walk(view)
        if self._package_at and self._package_at == self.seen:
            self.has_package = bytes(view[8:16]) == b"littlefs"
        if self.size and self.seen + len(view) > self.size:
            view = view[: self.size - self.seen]
        self._hash(view)
        self.seen += len(view)

    def _first_block(self, view):
        if len(view) < _DESCRIPTOR_END:
            raise ImageError("too short")
        if view[0] != _MAGIC:
            raise ImageError("not an image")
        chip_id, _, revision = struct.unpack_from("<HBH", view, 12)
        if chip_id != self._chip[0]:
            raise ImageError("for another chip")
        if revision > self._chip[1]:
            raise ImageError("for a newer chip")
        if not 1 <= view[1] <= _SEGMENTS_MOST or view[23] != 1:
            raise ImageError("no digest or segments")
        self._segments_left = view[1]
        if struct.unpack_from("<I", view, _DESCRIPTOR)[0] == _DESCRIPTOR_MAGIC:
            self.version = _text(view[_DESCRIPTOR + 16 : _DESCRIPTOR + 48])
            self.project = _text(view[_DESCRIPTOR + 48 : _DESCRIPTOR + 80])

    def _walk(self, view):
        """Follow the segment headers that lie in this block; one may be split over two blocks."""
        end = self.seen + len(view)
        while self._segments_left and self._next_header + self._head_filled < end:
            begin = self._next_header + self._head_filled - self.seen
            count = min(_SEGMENT_HEADER - self._head_filled, len(view) - begin)
            self._head[self._head_filled : self._head_filled + count] = view[begin : begin + count]
            self._head_filled += count
            if self._head_filled < _SEGMENT_HEADER:
                return
            self._head_filled = 0
            self._segment(self._next_header + _SEGMENT_HEADER, *struct.unpack("<II", self._head))

    def _segment(self, data_at, address, length):
        self._segments_left -= 1
        self._next_header = data_at + length
        if length % 4 or self._next_header > self._room:
            raise ImageError("larger than the slot")
        if address == 0:
            if length >= SECTOR and data_at % SECTOR == 0:
                self._package_at = data_at
        elif not self._loadable(address, length, data_at):
            raise ImageError("segment address")
        if not self._segments_left:
            # The checksum is the last byte of a multiple of 16; the digest follows.
            self.size = (self._next_header // 16 + 1) * 16 + _DIGEST
            if self.size > self._room:
                raise ImageError("larger than the slot")

    def _loadable(self, address, length, data_at):
        """Whether the chip has memory there; what the flash cache maps must lie in step with its pages."""
        memory = self._chip[2]
        if memory is None:
            return True
        for begin, end, mapped in memory:
            if begin * SECTOR <= address and address + length <= end * SECTOR:
                return not mapped or address % _PAGE == data_at % _PAGE
        return False

    def _hash(self, view):
        """Take all but the appended digest into the hash, and keep the digest, which may be split over two blocks."""
        inside = len(view)
        if self.size:
            inside = min(inside, max(0, self.size - _DIGEST - self.seen))
        self._sha.update(view[:inside] if inside < len(view) else view)
        if inside < len(view):
            at = self.seen + inside - (self.size - _DIGEST)
            self._digest[at : at + len(view) - inside] = view[inside:]

    def finish(self):
        """The body has ended: ImageError unless the image is whole and sound."""
        if not self.size or self.seen < self.size:
            raise ImageError("cut short")
        if self._sha.digest() != self._digest:
            raise ImageError("digest")


def _text(field):
    return bytes(field).split(b"\0")[0]
