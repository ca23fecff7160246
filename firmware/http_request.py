"""The request of a download and the header of its answer, redirects followed. Loaded until the body begins."""

import asyncio
from time import ticks_ms

from micropython import const

from firmware.http_stream import HttpError
from firmware.resolver import resolve

_HEADERS_MOST = const(64)
_PIECE = const(512)
_REDIRECTS = (301, 302, 303, 307, 308)


async def request(body):
    """Ask for what ``body`` (``firmware.http_stream.HttpStream``) has not got yet, and tell it what will come."""
    url = body.url
    for _ in range(body.redirects + 1):
        await _connect(body, url)
        await _send_request(body, url)
        status, headers = await _read_head(body)
        if status not in _REDIRECTS or b"location" not in headers:
            return _begin_body(body, status, headers)
        body.close()
        from firmware.http_url import join

        url = join(url, headers[b"location"])
    raise HttpError("redirects")


async def _connect(body, url):
    secure, host, port = url[:3]
    if secure and not body.tls:
        from firmware.tls_context import tls_context

        body.tls = await tls_context()
    address = await resolve(host, port, body.timeout_ms)
    body.progress = ticks_ms()
    tls = body.tls if secure else None
    body.stream = (await asyncio.open_connection(address, port, ssl=tls, server_hostname=host))[0]


async def _send_request(body, url):
    _, _, _, authority, authorization, path, _ = url
    stream = body.stream
    await _send(stream, b"GET " if len(path) and path[0] == 0x2F else b"GET /")
    await _send(stream, path)
    await _send(stream, b" HTTP/1.1\r\nHost: " + authority + b"\r\nConnection: close\r\n")
    await _send(stream, b"Accept-Encoding: identity\r\n")
    if authorization:
        await _send(stream, b"Authorization: Basic " + authorization + b"\r\n")
    if body.position and body.validator:
        await _send(stream, b"Range: bytes=%d-\r\nIf-Range: %s\r\n" % (body.position, body.validator))
    await _send(stream, b"\r\n")


async def _send(stream, piece):
    """Send in small pieces: asyncio's Stream keeps a copy of what the socket does not take at once."""
    view = memoryview(piece)
    for begin in range(0, len(view), _PIECE):
        stream.write(view[begin : begin + _PIECE])
        await stream.drain()


async def _read_head(body):
    words = (await body.line()).split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise HttpError("not HTTP")
    headers = {}
    for _ in range(_HEADERS_MOST):
        line = await body.line()
        if not line:
            return int(words[1]), headers
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    raise HttpError("header")


def _begin_body(body, status, headers):
    if status == 206 and body.position:
        # bytes <first>-<last>/<all>
        span, _, total = headers.get(b"content-range", b"").rpartition(b"/")
        if not span.startswith(b"bytes %d-" % body.position) or (total.isdigit() and int(total) != body.total):
            raise HttpError("range")
    elif status == 200:
        body.position = body.total = 0
        # A strong ETag, else the date of the last change, tells this version of the file from others.
        tag = headers.get(b"etag", b"W/")
        body.validator = headers.get(b"last-modified", b"") if tag.startswith(b"W/") else tag
    else:
        raise HttpError("status %d" % status)
    body.chunked = headers.get(b"transfer-encoding", b"").lower() == b"chunked"
    body.left = 0 if body.chunked else None
    length = headers.get(b"content-length")
    if length is not None and not body.chunked:
        if not length.isdigit():
            raise HttpError("length")
        body.left = int(length)
        if not body.position:
            body.total = body.left
