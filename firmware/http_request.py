"""The request of a download and the header of its answer, redirects followed. Loaded until the body begins."""

from time import ticks_ms

from micropython import const

from firmware.connection import address_of, connect, send
from firmware.http_stream import HttpError

_HEADERS_MOST = const(64)
# The header fields that count, each between two spaces; the others are not kept.
_FIELDS = b" location content-length content-range transfer-encoding etag last-modified "
# Digits of a length.
_LENGTH_MOST = const(10)
_VALIDATOR_MOST = const(200)
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

        secure = url[0]
        url = join(url, headers[b"location"])
        if secure and not url[0]:
            # Else whoever is in between could answer.
            raise HttpError("from https to http")
    raise HttpError("redirects")


async def _connect(body, url):
    secure, host, port = url[:3]
    if secure and not body.tls:
        from firmware.tls_context import tls_context

        body.tls = await tls_context()
    address = await address_of(host, port, body.timeout_ms)
    body.progress = ticks_ms()
    body.stream = body.wire = await connect(address, port, body.timeout_ms)
    if secure:
        body.stream = body.tls.wrap_socket(body.stream, server_hostname=host, do_handshake_on_connect=False)
        body.stream.setblocking(False)


async def _send_request(body, url):
    _, _, _, authority, authorization, path, _ = url
    stream = body.stream
    await send(stream, b"GET " if len(path) and path[0] == 0x2F else b"GET /")
    await send(stream, path)
    await send(stream, b" HTTP/1.1\r\nHost: " + authority + b"\r\nConnection: close\r\n")
    await send(stream, b"Accept-Encoding: identity\r\n")
    if authorization:
        await send(stream, b"Authorization: Basic " + authorization + b"\r\n")
    if body.position and body.validator:
        await send(stream, b"Range: bytes=%d-\r\nIf-Range: %s\r\n" % (body.position, body.validator))
    await send(stream, b"\r\n")


async def _read_head(body):
    """Status and header fields of the final answer."""
    status = 0
    headers = {}
    for _ in range(_HEADERS_MOST):
        line = await body.line()
        if not status:
            words = line.split(None, 2)
            if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
                raise HttpError("not HTTP")
            status = int(words[1])
        elif line:
            name, _, value = line.partition(b":")
            name = name.lower()
            if b" " + name + b" " in _FIELDS:
                headers[name] = value.strip()
        elif status >= 200:
            return status, headers
        else:
            # Interim: another one follows.
            status = 0
            headers = {}
    raise HttpError("header")


def _begin_body(body, status, headers):
    if status == 206 and body.position:
        # bytes <first>-<last>/<all>
        span, _, total = headers.get(b"content-range", b"").rpartition(b"/")
        if not span.startswith(b"bytes %d-" % body.position) or (
            body.total and total not in (b"*", b"%d" % body.total)
        ):
            raise HttpError("range")
        body.resumed = True
    elif status == 200:
        body.position = body.total = 0
        body.resumed = False
        # A strong ETag, else the date of the last change, tells this version of the file from others.
        tag = headers.get(b"etag", b"W/")
        body.validator = headers.get(b"last-modified", b"") if tag.startswith(b"W/") else tag
        if len(body.validator) > _VALIDATOR_MOST:
            body.validator = b""
    else:
        raise HttpError("status %d" % status)
    body.chunked = headers.get(b"transfer-encoding", b"").lower() == b"chunked"
    body.left = 0 if body.chunked else None
    length = headers.get(b"content-length")
    if length is not None and not body.chunked:
        if not length.isdigit() or len(length) > _LENGTH_MOST:
            raise HttpError("length")
        body.left = int(length)
        if not body.position:
            body.total = body.left
