"""A streaming HTTP/1.1 client for one download: the body arrives in the caller's memory, and goes on after a break.

RFC 9110 and 9112 as far as a download needs them: Content-Length, chunked, or a body that ends with the connection;
redirects; Range with If-Range, so that a file replaced meanwhile is never spliced. The request is in
``http_request``. Nothing blocks the event loop but the steps of a TLS handshake (a second or two on the ESP32).
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.at_port import readable
from firmware.unload import unload

_LINE_MOST = const(8192)


class HttpError(Exception):
    """The server's answer is not one to go on with. Trying again does not help."""


class HttpBroken(Exception):
    """The connection broke off or stood still; it may go on from ``position``."""


class HttpStream:
    """One file. ``position`` counts the bytes of the body delivered so far; ``total`` is its length, 0 if not told.

    Each attempt is an asynchronous context around ``open`` and ``fill``. HttpBroken also if ``timeout_ms`` pass
    without a byte: one task watches over all that waits, which costs less than a timer for each read.
    """

    def __init__(self, url, timeout_ms, redirects):
        self.url = url
        self.timeout_ms = timeout_ms
        self.redirects = redirects
        self.tls = None
        self.stream = None
        self.begun = False
        self.left = None
        self.chunked = False
        self.validator = b""
        self._timed_out = False
        self.progress = 0
        self._task = self._guard = None
        self.position = self.total = 0

    async def __aenter__(self):
        self._timed_out = False
        self.progress = ticks_ms()
        self._task = asyncio.current_task()
        self._guard = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, kind, error, trace):
        self._guard.cancel()
        self.close()
        if self._timed_out:
            raise HttpBroken("timeout")

    async def _watch(self):
        while ticks_diff(ticks_ms(), self.progress) < self.timeout_ms:
            await asyncio.sleep_ms(min(500, self.timeout_ms))
        self._timed_out = True
        self._task.cancel()

    def close(self):
        """End the connection."""
        if self.stream:
            self.stream.close()
            self.stream = None

    async def open(self):
        """Connect, follow redirects, read the header. If the server does not go on from ``position``, that is 0
        again.
        """
        from firmware.http_request import request

        try:
            await request(self)
        finally:
            unload("http_request", "http_url", "resolver", "tls_context")

    async def line(self):
        """Read a line of the header, or of the frame of a chunk."""
        line = b""
        while not line.endswith(b"\n"):
            await readable(self.stream)
            more = self.stream.readline()
            if more is not None:
                line += more
                if not more:
                    break
        if len(line) > _LINE_MOST:
            raise HttpError("header")
        if not line.endswith(b"\n"):
            raise HttpBroken("cut short")
        self.progress = ticks_ms()
        return line.rstrip(b"\r\n")

    async def fill(self, view):
        """Read the body until ``view`` is full or the body ends; False at its end. ``position`` tells how much came."""
        filled = 0
        read = self.stream.readinto
        while filled < len(view):
            if self.left == 0 and not (self.chunked and await self._next_chunk()):
                return False
            end = len(view)
            if self.left is not None and self.left < end - filled:
                end = filled + self.left
            count = read(view[filled:end] if filled or end < len(view) else view)
            if count is None:
                await readable(self.stream)
                continue
            if not count:
                if self.left is None:
                    return False
                raise HttpBroken("cut short")
            self.progress = ticks_ms()
            filled += count
            self.position += count
            self.begun = True
            if self.left is not None:
                self.left -= count
                if self.chunked and not self.left:
                    await self.line()
        return True

    async def _next_chunk(self):
        size = (await self.line()).partition(b";")[0].strip()
        try:
            self.left = int(size, 16)
        except ValueError:
            raise HttpError("chunk")
        if self.left < 0:
            raise HttpError("chunk")
        self.chunked = self.left > 0
        return self.chunked
