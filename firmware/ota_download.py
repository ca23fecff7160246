"""AT+USEROTA's download: a URL's body into the other slot, over as many connections as it takes.

A break is followed by a growing, jittered pause and a request for the rest; a server that cannot give the rest begins
anew. Loaded for one upgrade.
"""

import asyncio
import random
from binascii import unhexlify

from firmware import log
from firmware.at_error import FAILED, IMAGE_REFUSED, NO_NETWORK, TIMED_OUT, TRANSFER_FAILED, AtError
from firmware.esp_image import SECTOR
from firmware.ota_progress import BLOCK, begin, failed, finished, progressed
from firmware.unload import unload

_ETIMEDOUT = 116
_DIGEST_NAME = b"sha256="
_DIGEST = 32


async def upgrade(ota, at, length):
    """The set form of AT+USEROTA: prompt, URL, download; the new image is ready then."""
    at.release()
    from firmware.net import forget

    forget(at.owners["wifi"])
    unload("net")
    begin(ota)
    ota.task = asyncio.current_task()
    try:
        # While memory is in one piece.
        block = bytearray(BLOCK)
        url = bytearray(length)
        await at.data(memoryview(url))
        # Not what comes after the word that the URL is there: the host may ask how far the upgrade is.
        too_early = at.port.drop_waiting()
        at.port.put(b"\r\nRecv %d bytes\r\n" % length)
        if too_early:
            at.busy()
        at.listen((b"AT+USEROTA?", b"AT+USEROTAABORT"))
        if not ota.connected():
            raise AtError(NO_NETWORK)
        await _download(ota, block, url)
    except asyncio.CancelledError:
        failed(ota)
        raise AtError(FAILED)
    except Exception as error:
        failed(ota)
        raise _at_error(error)
    return await finished(ota, at)


def _at_error(error):
    """What the host is told of ``error``; the log is told more."""
    if isinstance(error, (AtError, MemoryError)):
        return error
    log("upgrade failed:", type(error).__name__, error)
    if type(error).__name__ == "ImageError":
        return AtError(IMAGE_REFUSED)
    return AtError(TIMED_OUT if error.args and error.args[0] in ("timeout", _ETIMEDOUT) else TRANSFER_FAILED)


async def _download(ota, block, url):
    """Each step's code is loaded for the step: there is not much more memory than the longest of them takes."""
    parts, digest = _parse(url)
    from firmware.http_stream import HttpBroken, HttpStream

    config = ota.config
    body = HttpStream(parts, config.ota_timeout_ms, config.ota_redirects)
    for attempt in range(config.ota_attempts):
        if attempt:
            await _pause(config, attempt)
        try:
            async with body:
                await body.open()
                if ota.writer is None:
                    from firmware.slot_writer import SlotWriter

                    ota.writer = SlotWriter(ota, block, digest)
                await _take(ota.writer, body)
            break
        except (HttpBroken, OSError) as error:
            # Another attempt only if a body had begun: a host wants to know at once that nobody is there.
            if not body.begun or attempt == config.ota_attempts - 1:
                raise
            log("download broke off at", body.position, error)
    del body, HttpStream
    unload("http_stream")
    from firmware.slot_finish import finish

    finish(ota.writer)


def _parse(url):
    """The URL's parts, and the digest that its fragment may tell; HttpError or ValueError if they are not right."""
    from firmware.http_url import parse

    parts = parse(url)
    del parse
    unload("http_url")
    fragment = parts[-1]
    if not fragment.startswith(_DIGEST_NAME):
        return parts, b""
    digest = unhexlify(fragment[len(_DIGEST_NAME) :])
    if len(digest) != _DIGEST:
        raise ValueError("digest")
    return parts, digest


async def _take(writer, body):
    """Take what is left of the body; go on from where it broke off, or begin anew if the body does."""
    if body.position < writer.start + writer.filled:
        writer.begin()
    more = True
    while more:
        wanted = _wanted(writer)
        if not wanted:
            break
        try:
            if writer.filled < wanted:
                whole = wanted - writer.filled == writer.piece
                more = await body.fill(writer.block if whole else writer.block[writer.filled : wanted])
        finally:
            writer.filled = body.position - writer.start
        if writer.filled == wanted or not more:
            writer.flush()
            progressed(writer.ota, body.position, body.total)
            # Flash was busy: let the port see what has arrived.
            await asyncio.sleep_ms(0)


def _wanted(writer):
    """How many bytes the present block is to have: fewer at the end of the file. A signature is the sector behind
    the image's last one; a file whose digest is told may have one too.
    """
    end = writer.room
    size = writer.check.size
    if size:
        end = writer.check.signature_at() + SECTOR if writer.needs_signature or writer.digest else size
    return max(0, min(writer.piece, min(end, writer.room) - writer.start))


async def _pause(config, attempt):
    longest = min(config.ota_pause_ms << (attempt - 1), config.ota_pause_most_ms)
    await asyncio.sleep_ms(longest // 2 + random.randrange(longest // 2 + 1))
