"""HTTP client commands (ESP-AT user guide, "HTTP AT Commands"). Loaded when called, and what does the work only then.

Not on MicroPython's ``requests``: it blocks the whole interpreter for as long as the server does, so nobody would tell
the host busy, take its AT+USERMCUSLEEP, or read the other links; and what it gives of a body cannot be polled. The
streaming client of the upgrades (``http_stream``) does the work instead: a body of any size passes through one buffer.
"""

from micropython import const

from firmware.at_error import VALUE, AtError
from firmware.at_port import PIECE
from firmware.command import command, integer, string
from firmware.unload import unload

_URL_MOST = const(8192)
_URL_LEAST = const(8)
_HEADER_MOST = const(4096)
# A piece of the answer with its line's end, or of what the host sends.
_BLOCK = const(PIECE + 2)


def commands(wifi):
    """The family's command table; ``wifi`` (``firmware.wifi.Wifi``) knows whether there is a network."""

    def handler(form):
        def handle(at, *values):
            # While memory is in one piece.
            block = memoryview(bytearray(_BLOCK))
            from firmware.http_call import call

            return call(at, wifi, form, values, block)

        return handle

    text = string(optional=True)
    size = integer(0, 10_240, optional=True)
    resource = (string(), size, size, integer(0, 180_000, optional=True))
    # Further header lines may follow.
    request = (integer(1, 5), integer(0, 3), text, text, text, integer(1, 2, optional=True), text, text)
    sending = (string(), integer(1), integer(0, optional=True), text)
    return (
        command(b"+HTTPCLIENT", request, set=handler("client"), ordered=True),
        command(b"+HTTPGETSIZE", resource, set=handler("get_size")),
        command(b"+HTTPCGET", resource, set=handler("get")),
        command(b"+HTTPCPOST", sending, set=handler("post"), ordered=True),
        command(b"+HTTPCPUT", sending, set=handler("put_data"), ordered=True),
        command(b"+HTTPURLCFG", (integer(0, _URL_MOST),), set=_set_url, query=_query_url),
        command(b"+HTTPCHEAD", (integer(0, _HEADER_MOST),), set=_set_header, query=_query_headers),
    )


def _settings(at):
    """The URL of AT+HTTPURLCFG, and the header lines of AT+HTTPCHEAD."""
    return at.owners.get("http", (b"", ()))


async def _set_url(at, length):
    if not length:
        at.owners["http"] = (b"", _settings(at)[1])
        return None
    if length < _URL_LEAST:
        raise AtError(VALUE)
    url = bytearray(length)
    await at.data(memoryview(url))
    at.owners["http"] = (url, _settings(at)[1])
    return b"\r\nSET OK\r\n"


async def _query_url(at):
    url = _settings(at)[0]
    if url:
        at.port.answering = True
        await at.port.write(b"+HTTPURLCFG:%d," % len(url))
        view = memoryview(url)
        for begin in range(0, len(url), PIECE):
            await at.port.write(view[begin : begin + PIECE])
        at.port.put(b"\r\n")


async def _set_header(at, length):
    url, lines = _settings(at)
    if not length:
        at.owners["http"] = (url, ())
        return
    line = bytearray(length)
    await at.data(memoryview(line))
    from firmware.http_form import checked, put

    try:
        lines = list(lines)
        put(lines, checked(bytes(line), 0))
        at.owners["http"] = (url, tuple(lines))
    finally:
        unload("http_form")


def _query_headers(at):
    for index, line in enumerate(_settings(at)[1]):
        at.info(b'+HTTPCHEAD:%d,"%s"' % (index, line))
