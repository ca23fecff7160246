"""AT+USEROTA's download: a URL's body into the other slot, over as many connections as it takes.

A break is followed by a growing, jittered pause and a request for the rest; a server that cannot give the rest begins
anew. Loaded for one upgrade.
"""

import asyncio

from firmware import log
from firmware.at_error import NO_NETWORK, AtError
from firmware.esp_image import SECTOR
from firmware.ota_progress import begin, failed, finished, progressed
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
        await _download(ota, blocks, url)
    except (Exception, asyncio.CancelledError) as error:
        failed(ota)
        from firmware.ota_broken import at_error

        unload("ota_broken")
        raise at_error(error)
    return await finished(ota, at)


async def _download(ota, blocks, url):
    """Each step's code is loaded for the step: there is not much more memory than the longest of them takes."""
    parts, digest = _parse(url)
    config = ota.config
    body = None
    resumed = False
    for attempt in range(config.ota_attempts):
        if attempt:
            await _pause(config, attempt)
        try:
            if body is None:
                body = _stream(parts, config, attempt > 0)
            async with body:
                await body.open()
                if ota.writer is None:
                    ota.writer = _writer(ota, blocks, digest)
                await _take(ota.writer, body)
            resumed = body.resumed
            body = None
            return _finish(ota.writer)
        except Exception as error:
            kind = type(error).__name__
            if isinstance(error, OSError) or kind == "HttpBroken":
                # Another attempt only if a body had begun: a host wants to know at once that nobody is there.
                again = body and body.begun
            else:
                # What came of several answers may be of two files that look alike to their server: begin anew.
                again = kind == "ImageError" and (body.resumed if body else resumed)
                body = None
            if not again or attempt == config.ota_attempts - 1:
                raise
            log("download broke off at", ota.received, kind, error)
            if ota.writer and ota.writer.block is None:
                ota.writer.block = memoryview(bytearray(ota.writer.piece))


# What is imported in a coroutine stays in its memory: plain functions do it.


def _parse(url):
    from firmware.http_url import parse_with_digest

    unload("http_url")
    return parse_with_digest(url)


def _pause(config, attempt):
    from firmware.ota_broken import pause

    unload("ota_broken")
    return pause(config, attempt)


def _stream(parts, config, begun):
    from firmware.http_stream import HttpStream

    body = HttpStream(parts, config.ota_timeout_ms, config.ota_redirects)
    body.begun = begun
    return body


def _writer(ota, blocks, digest):
    from firmware.slot_writer import SlotWriter

    return SlotWriter(ota, blocks.pop(), digest)


def _finish(writer):
    unload("http_stream")
    from firmware.slot_finish import finish

    finish(writer)


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
