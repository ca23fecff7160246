"""A streaming HTTP/1.1 client for one GET: the body arrives in the caller's memory, piece by piece.

RFC 9110 and 9112 as far as a download needs them: Content-Length, chunked, or a body that ends with the connection;
redirects. Nothing blocks the event loop but the name look-up's thread. A URL of 8192 bytes is never copied.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.resolver import resolve

_LINE_MOST = const(8192)
_HEADERS_MOST = const(64)
_REDIRECTS = (301, 302, 303, 307, 308)


class HttpError(Exception):
    """The server's answer is not one to go on with."""


class Url:
    """``http://host[:port]/path``; the fragment is left out. Raises HttpError for anything else.

    ``text`` is bytes or a bytearray and is kept; ``path`` is a view into it.
    """

    def __init__(self, text):
        if bytes(text[:7]).lower() != b"http://":
            raise HttpError("scheme")
        for byte in text:
            if byte <= 32 or byte == 127:
                raise HttpError("character")
        end = text.find(b"#")
        if end < 0:
            end = len(text)
        slash = min(at for at in (text.find(b"/", 7, end), text.find(b"?", 7, end), end) if at >= 0)
        self._text = text
        self.path = memoryview(text)[slash:end]
        self.authority = bytes(text[7:slash]).rpartition(b"@")[2]
        host, colon, port = self.authority.decode().partition(":")
        if not host or (colon and not (port.isdigit() and 0 < int(port) < 65536)):
            raise HttpError("host")
        self.host = host
        self.port = int(port) if colon else 80

    def join(self, location):
        """The URL that a Location header names, seen from this one (RFC 3986, section 5, without dot segments)."""
        if b"://" in location:
            return Url(location)
        if location.startswith(b"//"):
            return Url(b"http:" + location)
        if not location.startswith(b"/"):
            location = bytes(self.path).partition(b"?")[0].rpartition(b"/")[0] + b"/" + location
        return Url(b"http://" + self.authority + location)


class HttpStream:
    """One GET, to be used as an asynchronous context. ``total`` is the body's length, or 0 if the server does not tell.

    HttpError also if ``timeout_ms`` pass without a byte: one task watches over all that waits, which costs less than a
    timer for each read.
    """

    def __init__(self, url, timeout_ms, redirects):
        self._url = Url(url)
        self._timeout_ms = timeout_ms
        self._redirects = redirects
        self._stream = None
        self._left = None
        self._chunked = False
        self._progress = ticks_ms()
        self._timed_out = False
        self._task = self._guard = None
        self.total = 0

    async def __aenter__(self):
        self._task = asyncio.current_task()
        self._guard = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, kind, error, trace):
        self._guard.cancel()
        self.close()
        if self._timed_out:
            raise HttpError("timeout")

    async def _watch(self):
        while ticks_diff(ticks_ms(), self._progress) < self._timeout_ms:
            await asyncio.sleep_ms(min(500, self._timeout_ms))
        self._timed_out = True
        self._task.cancel()

    async def open(self):
        """Connect, follow redirects, read the header. OSError or HttpError if there is no body to read."""
        for _ in range(self._redirects + 1):
            location = await self._request()
            if location is None:
                return
            self.close()
            self._url = self._url.join(location)
        raise HttpError("redirects")

    async def _request(self):
        url = self._url
        self._progress = ticks_ms()
        address = await resolve(url.host, url.port, self._timeout_ms)
        self._stream = stream = (await asyncio.open_connection(address, url.port))[0]
        slash = b"" if bytes(url.path[:1]) == b"/" else b"/"
        tail = b" HTTP/1.1\r\nHost: " + url.authority + b"\r\nConnection: close\r\nAccept-Encoding: identity\r\n\r\n"
        for piece in (b"GET " + slash, url.path, tail):
            # Not Stream.write: it would keep a copy of what the socket does not take at once.
            await self._send(stream, piece)
        status, headers = await self._read_head()
        if status in _REDIRECTS and b"location" in headers:
            return headers[b"location"]
        if status != 200:
            raise HttpError("status %d" % status)
        self._chunked = headers.get(b"transfer-encoding", b"").lower() == b"chunked"
        length = headers.get(b"content-length")
        if self._chunked:
            self._left = 0
        elif length is not None:
            if not length.isdigit():
                raise HttpError("length")
            self._left = self.total = int(length)
        return None

    async def _send(self, stream, piece):
        view = memoryview(piece)
        while len(view):
            stream.write(view[:512])
            await stream.drain()
            view = view[512:]

    async def _read_head(self):
        words = (await self._line()).split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise HttpError("not HTTP")
        headers = {}
        for _ in range(_HEADERS_MOST):
            line = await self._line()
            if not line:
                return int(words[1]), headers
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        raise HttpError("header")

    async def _line(self):
        line = await self._stream.readline()
        if not line.endswith(b"\n") or len(line) > _LINE_MOST:
            raise HttpError("header")
        self._progress = ticks_ms()
        return line.rstrip(b"\r\n")

    async def fill(self, view):
        """Read the body until ``view`` is full or the body ends; returns the number of bytes. HttpError if the
        connection ends before the body."""
        filled = 0
        read = self._stream.readinto
        while filled < len(view):
            if self._left == 0 and not (self._chunked and await self._next_chunk()):
                break
            end = len(view)
            if self._left is not None and self._left < end - filled:
                end = filled + self._left
            count = await read(view[filled:end])
            if count is None:
                continue
            if not count:
                if self._left is None:
                    break
                raise HttpError("cut short")
            self._progress = ticks_ms()
            filled += count
            if self._left is not None:
                self._left -= count
                if self._chunked and not self._left:
                    await self._line()
        return filled

    async def _next_chunk(self):
        size = (await self._line()).partition(b";")[0].strip()
        try:
            self._left = int(size, 16)
        except ValueError:
            raise HttpError("chunk")
        if self._left < 0:
            raise HttpError("chunk")
        self._chunked = self._left > 0
        return self._chunked

    def close(self):
        """End the connection."""
        if self._stream:
            self._stream.s.close()
            self._stream = None
