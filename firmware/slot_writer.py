"""Writes an application image into the slot that does not run, checked on the way.

The image header is written last, so that an unfinished slot never looks like an image (``slot_finish``). What blocks:
one sector's erase, 45 ms typical, 400 ms at worst by the flash's data sheets.
"""

import hashlib

from esp32 import Partition
from micropython import const

from firmware.at_error import NOT_POSSIBLE, AtError
from firmware.esp_image import SECTOR
from firmware.unload import unload

# As much as flash encryption, where it is on, writes at once.
_HEADER = const(16)
_ERASE = const(6)


def other_slot():
    """The slot that does not run; AtError if there is none."""
    running = Partition(Partition.RUNNING)
    slot = running.get_next_update()
    if slot.info()[2] == running.info()[2]:
        raise AtError(NOT_POSSIBLE)
    return slot


def boot_running(ota):
    """Make the running slot the one to boot, should an upgrade that never started have left the other one there: the
    boot loader would take the entry of that for the next upgrade's, and let it run without a trial.
    """
    running = Partition(Partition.RUNNING)
    if Partition(Partition.BOOT).info()[2] != running.info()[2]:
        ota.remember(b"")
        running.set_boot()
        Partition.mark_app_valid_cancel_rollback()


class SlotWriter:
    """One image on its way into the slot. ``block`` is the memory that pieces of the image pass through, a sector
    or an even part of one; ``room`` is the slot's size;
    ``digest`` is the SHA-256 that the whole file must have, or empty. AtError if the key of signed images is missing.
    """

    def __init__(self, ota, block, digest=b""):
        self.ota = ota
        self.digest = digest
        self.slot = other_slot()
        self.room = self.slot.info()[3]
        self.block = memoryview(block)
        self.piece = len(block)
        from firmware.trust import KEY_FILE, relies_on

        self.needs_signature = relies_on(KEY_FILE)
        unload("trust")
        self.begin()

    def begin(self):
        """Nothing has been received yet, or all of it is to come again."""
        from firmware.chip import running_chip
        from firmware.esp_image import ImageCheck

        self.check = ImageCheck(running_chip(), self.room)
        unload("chip", "chip_memory")
        self.whole = hashlib.sha256() if self.digest else None
        self.signed = hashlib.sha256() if self.needs_signature else None
        self.start = self.filled = 0
        self.header = b""

    def flush(self):
        """Check what is in the block and write it."""
        count = self.filled
        if not count:
            return
        view = self.block if count == self.piece else self.block[:count]
        if self.whole:
            self.whole.update(view)
        if count < self.piece:
            for at in range(count, self.piece):
                self.block[at] = 0xFF
        size = self.check.size
        if not self.check.complete():
            self.check.block(view)
        if self.signed and (not size or self.start < self.check.signature_at()):
            self.signed.update(self.block)
        if not self.start:
            self._open_slot()
        number, offset = divmod(self.start, SECTOR)
        if not offset:
            self.slot.ioctl(_ERASE, number)
        self.slot.writeblocks(number, self.block, offset)
        self.start += self.piece
        self.filled = 0

    def _open_slot(self):
        """The first block has passed. This slot is the only way back from an image on trial: what runs must be good
        before it is erased.
        """
        from firmware.image_identity import identify

        identify(self)
        unload("image_identity")
        self.ota.system.prove_valid()
        boot_running(self.ota)
        self.header = bytes(self.block[:_HEADER])
        self.block[:_HEADER] = b"\xff" * _HEADER
