"""AT+USEROTA: the host's part, and the end of a download. Loaded for one upgrade. The download itself is in
``ota_receive``, whose memory is needed to verify what has come.
"""

import asyncio

from firmware import log
from firmware.at_error import NO_NETWORK, AtError
from firmware.ota_progress import FORGET_MS, begin, failed, finished
from firmware.unload import unload


async def upgrade(ota, at, length, blocks):
    """The set form of AT+USEROTA: prompt, URL, download; the new image is ready then. ``blocks`` holds the memory that
    pieces pass through; it is taken out, so that nobody else holds it.
    """
    at.release()
    from firmware.net import forget

    forget(at.owners["wifi"])
    unload("net")
    begin(ota)
    ota.task = asyncio.current_task()
    try:
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
        parts, digest = _parse(url)
        if parts[0]:
            # While memory is in one piece.
            blocks.append(await _tls_context())
            unload("tls_context", "trust")
        again = 0
        while True:
            again = await _receive(ota, parts, digest, blocks, again)
            if ota.writer.needs_signature:
                await asyncio.sleep_ms(FORGET_MS)
            unload("ota_receive", "http_stream")
            if _finish(ota, blocks, again):
                break
    except (Exception, asyncio.CancelledError) as error:
        failed(ota)
        from firmware.ota_broken import at_error

        unload("ota_broken")
        raise at_error(error)
    return await finished(ota, at)


# What is imported in a coroutine stays in its memory: plain functions do it.


def _parse(url):
    from firmware.http_url import parse_with_digest

    unload("http_url")
    return parse_with_digest(url)


def _tls_context():
    from firmware.tls_context import tls_context

    return tls_context()


def _receive(*values):
    from firmware.ota_receive import receive

    return receive(*values)


def _finish(ota, blocks, again):
    """Verify what has come; False if it is not sound and may be fetched anew."""
    from firmware.slot_finish import finish

    piece = ota.writer.piece
    try:
        finish(ota)
    except Exception as error:
        if not again or type(error).__name__ != "ImageError":
            raise
        # What came of several answers may be of two files that look alike to their server.
        log("begun anew:", error)
        ota.writer = None
        blocks.append(bytearray(piece))
        return False
    return True
