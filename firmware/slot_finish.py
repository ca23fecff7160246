"""The checks of a whole image, and its start: the header is written, and the slot made the one to boot.

``set_boot`` verifies the whole image in C and blocks meanwhile: some 0.6 s for each megabyte, 2 s at worst for a full
slot. A signature takes one modular power more.
"""

from firmware.esp_image import SECTOR, ImageError
from firmware.unload import keep, unload


def finish(writer):
    """Verify, write the header, and make the slot the one to boot. ImageError if the image is not sound."""
    writer.flush()
    writer.check.finish()
    if not writer.check.has_package and not writer.ota.config.ota_any_project:
        raise ImageError("no package")
    if writer.whole and writer.whole.digest() != writer.digest:
        raise ImageError("not the digest asked for")
    if writer.needs_signature:
        begin = writer.check.signature_at()
        # The memory of what has been done is needed.
        writer.check = writer.block = None
        keep("ota_feed", "ota_progress", "slot_writer")
        unload("esp_image")
        _verify_signature(writer, begin)
    # With an offset nothing is erased first.
    writer.slot.writeblocks(0, writer.header, 0)
    # Before the slot is the one to boot: no power cut may let an image run that does not know it is on trial.
    writer.ota.remember(writer.slot.info()[4].encode())
    try:
        writer.slot.set_boot()
    except OSError:
        writer.ota.remember(b"")
        raise ImageError("not bootable")


def _verify_signature(writer, begin):
    from firmware.image_signature import is_signed
    from firmware.trust import KEY_FILE

    unload("trust")
    if writer.start < begin + SECTOR:
        raise ImageError("not signed")

    def read(at, buffer):
        writer.slot.readblocks(begin // SECTOR, buffer, at)

    try:
        signed = is_signed(read, writer.signed.digest(), KEY_FILE)
    except (ValueError, IndexError, OSError):
        raise ImageError("key file")
    if not signed:
        raise ImageError("signature")
