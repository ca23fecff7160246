"""Writes an application image into the slot that does not run, in blocks of 4096 bytes, checked on the way.

The image header is written last, so that an unfinished slot never looks like an image. What blocks: one sector's erase
and write (45 ms typical), and ``set_boot``, which verifies the whole image in C (2 s at worst for a full slot).
"""

import asyncio

from esp32 import Partition
from micropython import const

from firmware.at_error import NOT_POSSIBLE, AtError
from firmware.esp_image import BLOCK, ImageCheck, ImageError

_CHIP_ESP32 = const(0)
# As much as flash encryption, where it is on, writes at once.
_HEADER = const(16)


class SlotWriter:
    """Writes an image into the slot that does not run, checking it on the way."""

    def __init__(self, system):
        self._system = system
        running = Partition(Partition.RUNNING)
        self._slot = running.get_next_update()
        if self._slot.info()[2] == running.info()[2]:
            raise AtError(NOT_POSSIBLE)
        self._check = ImageCheck(_CHIP_ESP32, self._slot.info()[3])
        self._block = bytearray(BLOCK)
        self._header = b""

    async def take(self, body):
        """Take the image from the body. ImageError if it is not one to run here."""
        view = memoryview(self._block)
        number = 0
        while True:
            wanted = self._check.wanted()
            count = await body.fill(view[:wanted] if wanted < BLOCK else view) if wanted else 0
            if not count:
                break
            self._check.block(view[:count] if count < BLOCK else view)
            if count < BLOCK:
                view[count:] = b"\xff" * (BLOCK - count)
            if not number:
                # This slot is the only way back from an image on trial: what runs must be good before it is erased.
                self._system.prove_valid()
                self._header = bytes(view[:_HEADER])
                view[:_HEADER] = b"\xff" * _HEADER
            self._slot.writeblocks(number, view)
            number += 1
            # Flash was busy: let the port see what has arrived.
            await asyncio.sleep_ms(0)

    def finish(self):
        """Verify, write the header, and make the slot the one to boot. ImageError if it is not sound."""
        self._check.finish()
        # With an offset nothing is erased first.
        self._slot.writeblocks(0, self._header, 0)
        try:
            self._slot.set_boot()
        except OSError:
            raise ImageError("not bootable")
