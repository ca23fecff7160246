"""An upgrade that the host feeds over the UART: AT+USEROTASTART, AT+USEROTADATA, AT+USEROTAEND.

The flash is done before the host is asked for more: while a sector is erased nothing is received. Pieces of a whole
sector go there without a copy.
"""

from binascii import unhexlify

from firmware import log
from firmware.at_error import IMAGE_REFUSED, NOT_THERE, PARSE, PAST_END, AtError
from firmware.esp_image import SECTOR, ImageError
from firmware.ota_progress import begin, failed, finished, progressed
from firmware.slot_writer import SlotWriter


async def start(ota, at, size, digest, block):
    """AT+USEROTASTART=<size>[,"<sha256>"]: an upgrade of ``size`` bytes begins, with the memory of a sector."""
    begin(ota)
    at.release()
    try:
        writer = SlotWriter(ota, block, unhexlify(digest or b""))
        if size > writer.room:
            raise AtError(PAST_END)
    except ValueError:
        failed(ota)
        raise AtError(PARSE | 1)
    except Exception:
        failed(ota)
        raise
    ota.writer = writer
    ota.total = size


async def data(ota, at, count):
    """AT+USEROTADATA=<n>: the next bytes. A host that may not send so many is told, and the upgrade goes on."""
    writer = _fed(ota)
    if ota.received + count > ota.total:
        raise AtError(PAST_END)
    if writer.filled + count <= SECTOR:
        target = writer.block[writer.filled : writer.filled + count]
        await at.data(target)
        writer.filled += count
    else:
        target = memoryview(bytearray(count))
        await at.data(target)
        _copy(ota, writer, target)
    if not writer.start:
        # The first of all is checked by more code than the others.
        at.release()
    if writer.filled == SECTOR:
        _guarded(ota, writer.flush)
    progressed(ota, ota.received + count, ota.total)
    at.port.put(b"\r\nRecv %d bytes\r\n" % count)


def _copy(ota, writer, data):
    taken = 0
    while taken < len(data):
        if writer.filled == SECTOR:
            _guarded(ota, writer.flush)
        count = min(SECTOR - writer.filled, len(data) - taken)
        writer.block[writer.filled : writer.filled + count] = data[taken : taken + count]
        writer.filled += count
        taken += count


async def end(ota, at):
    """AT+USEROTAEND: verify, and make the slot the one to boot."""
    at.release()
    writer = _fed(ota)
    if ota.received < ota.total:
        log("upgrade ended early:", ota.received, "of", ota.total)
        failed(ota)
        raise AtError(IMAGE_REFUSED)
    _guarded(ota, writer.flush)
    # The last piece is written, and its memory needed.
    writer.block = None
    from firmware.slot_finish import finish

    _guarded(ota, finish, ota)
    return await finished(ota, at)


def _fed(ota):
    if ota.writer is None or ota.task:
        raise AtError(NOT_THERE)
    return ota.writer


def _guarded(ota, action, *values):
    """An image that is refused ends the upgrade, and so does a flash or a memory that fails."""
    try:
        action(*values)
    except ImageError as error:
        log("upgrade refused:", error)
        failed(ota)
        raise AtError(IMAGE_REFUSED)
    except Exception:
        failed(ota)
        raise
