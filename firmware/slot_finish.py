"""The checks of a whole image, and its start: the header is written, and the slot made the one to boot.

``set_boot`` verifies the whole image in C and blocks meanwhile: some 0.6 s for each megabyte, 2 s at worst for a full
slot. A signature takes one modular power more.
"""

from firmware.esp_image import SECTOR, ImageError
from firmware.unload import keep, unload


def finish(ota):
    """Verify what ``ota.writer`` has written, write the header, and make the slot the one to boot. ImageError if the
    image is not sound.
    """
    writer = ota.writer
    writer.flush()
    writer.check.finish()
    if not writer.check.has_package and not ota.config.ota_any_project:
        raise ImageError("no package")
    if writer.whole and writer.whole.digest() != writer.digest:
        raise ImageError("not the digest asked for")
    slot, header = writer.slot, writer.header
    if writer.needs_signature:
        begin = writer.check.signature_at()
        if writer.start < begin + SECTOR:
            raise ImageError("not signed")
        digest = writer.signed.digest()
        # The memory of what has been done is needed.
        writer.check = writer.block = None
        writer = ota.writer = None
        keep("ota_feed", "ota_progress")
        unload("esp_image", "slot_writer")
        _verify_signature(slot, begin, digest)
    # With an offset nothing is erased first.
    slot.writeblocks(0, header, 0)
    # Before the slot is the one to boot: no power cut may let an image run that does not know it is on trial.
    ota.remember(slot.info()[4].encode())
    try:
        slot.set_boot()
    except OSError:
        ota.remember(b"")
        raise ImageError("not bootable")


def _verify_signature(slot, begin, digest):
    from firmware.image_signature import is_signed
    from firmware.trust import KEY_FILE

    unload("trust")

    def read(at, buffer):
        slot.readblocks(begin // SECTOR, buffer, at)

    try:
        signed = is_signed(read, digest, KEY_FILE)
    except (ValueError, IndexError, OSError):
        raise ImageError("key file")
    if not signed:
        raise ImageError("signature")
