"""A streaming HTTP/1.1 client for one download: the body arrives in the caller's memory, and goes on after a break.

RFC 9110 and 9112 as far as a download needs them: Content-Length, chunked, or a body that ends with the connection;
redirects; Range with If-Range, so that a file replaced meanwhile is never spliced. The request is in
``http_request``. Nothing blocks the event loop but the computing of a TLS handshake: 1 to 2 s in all on the ESP32, 5 s
at worst (keys of 4096 bits), in steps between which the port is served. A server that is silent blocks nothing.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.at_port import readable
from firmware.unload import unload

_LINE_MOST = const(8192)
# What is read of a line at once: a server that sends without an end must not keep the event loop waiting.
_PIECE = const(256)
# Hexadecimal digits of a chunk's size.
_SIZE_MOST = const(8)


class HttpError(Exception):
    """The server's answer is not one to go on with. Trying again does not help."""


class HttpBroken(Exception):
    """The connection broke off or stood still; it may go on from ``position``."""


class HttpStream:
    """One file. ``position`` counts the bytes of the body delivered so far; ``total`` is its length, 0 if not told.

    Each attempt is an asynchronous context around ``open`` and ``fill``. HttpBroken also if ``timeout_ms`` pass
    without a byte: one task watches over all that waits, which costs less than a timer for each read. It looks away
    while ``progress`` is None.
    """

    def __init__(self, url, timeout_ms, redirects):
        self.url = url
        self.timeout_ms = timeout_ms
        self.redirects = redirects
        self.tls = None
        # What is read, and the socket below it, to wait for: the loop holds on to what was waited for last.
        self.stream = self.wire = None
        self.begun = False
        # Whether what has come so far is of more than one answer.
        self.resumed = False
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
        while self.progress is None or ticks_diff(ticks_ms(), self.progress) < self.timeout_ms:
            await asyncio.sleep_ms(min(500, self.timeout_ms))
        self._timed_out = True
        self._task.cancel()

    def close(self):
        """End the connection."""
        if self.stream:
            self.stream.close()
            self.stream = self.wire = None

    async def open(self):
        """Connect, follow redirects, read the header. If the server does not go on from ``position``, that is 0
        again.
        """
        from firmware import http_request

        try:
            await http_request.request(self)
        finally:
            # What points to it from somewhere on the stack must not keep all of it.
            http_request.__dict__.clear()
            unload("http_request", "connection", "http_url", "resolver", "tls_context", "trust")

    async def line(self):
        """Read a line of the header, or of the frame of a chunk; what is long is cut, but for a Location."""
        line = b""
        length = 0
        while True:
            await asyncio.sleep_ms(0)
            more = self.stream.readline(_PIECE)
            if more is None:
                await readable(self.wire)
                continue
            length += len(more)
            if length > _LINE_MOST:
                raise HttpError("header")
            if len(line) < _PIECE or line[:9].lower() == b"location:":
                line += more
            if more.endswith(b"\n"):
                self.progress = ticks_ms()
                return line.rstrip(b"\r\n")
            if not more:
                raise HttpBroken("cut short")

    async def fill(self, view):
        """Read the body until ``view`` is full or the body ends; False at its end. ``position`` tells how much came."""
        filled = 0
        read = self.stream.readinto
        while filled < len(view):
            if self.left == 0 and not (self.chunked and await self._next_chunk()):
                if self.position < self.total:
                    # Less than was asked for: servers may answer a Range in parts.
                    raise HttpBroken("a part")
                return False
            end = len(view)
            if self.left is not None and self.left < end - filled:
                end = filled + self.left
            count = read(view[filled:end] if filled or end < len(view) else view)
            if count is None:
                await readable(self.wire)
                continue
            if not count:
                if self.left is None and self.position >= self.total:
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
            self.left = -1
        if self.left < 0 or len(size) > _SIZE_MOST:
            raise HttpError("chunk")
        self.chunked = self.left > 0
        return self.chunked
