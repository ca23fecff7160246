"""The download of AT+USEROTA: a URL's body into the other slot, over as many connections as it takes.

A break is followed by a growing, jittered pause and a request for the rest; a server that cannot give the rest begins
anew. Loaded for one download.
"""

import asyncio
import gc

from firmware import log
from firmware.esp_image import SECTOR
from firmware.ota_progress import progressed
from firmware.unload import unload


async def receive(ota, url, digest, blocks, first):
    """Download the file of ``url`` (parsed), attempts counted from ``first`` on. ``blocks`` holds the memory that
    pieces pass through, and the context of TLS; each is taken out, so that nobody else holds it. Returns the number of
    the next attempt if the file came of several answers, and there may be one; else 0.
    """
    config = ota.config
    body = None
    for attempt in range(first, config.ota_attempts):
        if attempt:
            await _pause(config, attempt)
        try:
            if body is None:
                body = _stream(url, config, attempt > 0, blocks)
            async with body:
                await body.open()
                if ota.writer is None:
                    await asyncio.sleep_ms(0)
                    gc.collect()
                    ota.writer = _writer(ota, blocks, digest)
                await _take(ota.writer, body)
            return attempt + 1 if body.resumed and attempt + 1 < config.ota_attempts else 0
        except Exception as error:
            kind = type(error).__name__
            if isinstance(error, OSError) or kind == "HttpBroken":
                # Another attempt only if a body had begun: a host wants to know at once that nobody is there.
                again = body and body.begun
            else:
                # What came of several answers may be of two files that look alike to their server: begin anew.
                again = kind == "ImageError" and body and body.resumed
                body = None
            if not again or attempt == config.ota_attempts - 1:
                raise
            log("download broke off at", ota.received, kind, error)


# What is imported in a coroutine stays in its memory: plain functions do it.


def _pause(config, attempt):
    from firmware.ota_broken import pause

    unload("ota_broken")
    return pause(config, attempt)


def _stream(url, config, begun, blocks):
    from firmware.http_stream import HttpStream

    body = HttpStream(url, config.ota_timeout_ms, config.ota_redirects)
    body.begun = begun
    if len(blocks) > 1:
        body.tls = blocks.pop()
    return body


def _writer(ota, blocks, digest):
    from firmware.slot_writer import SlotWriter

    return SlotWriter(ota, blocks.pop(), digest)


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
