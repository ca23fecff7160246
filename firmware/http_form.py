"""From the parameters of an HTTP client command to a request."""

from micropython import const

from firmware import log
from firmware.at_error import VALUE, AtError
from firmware.at_port import PIECE
from firmware.command import string, value_of

_TIMEOUT_MS = const(5_000)
# What ESP-AT gives at once of a body, but for AT+HTTPCGET, whose <rx size> says it.
_PIECE = const(512)
_RX_SIZE = const(2048)

_METHODS = (b"HEAD", b"GET", b"POST", b"PUT", b"DELETE")
_GET = const(1)
_POST = const(2)
_TYPES = (b"application/x-www-form-urlencoded", b"application/json", b"multipart/form-data", b"text/xml")


class Request:
    """What to ask, and how to give the answer to the host. ``url`` is parameter ``index``; AT+HTTPURLCFG's is taken if
    it is empty.
    """

    def __init__(self, at, method, url, index, name, piece, lines=(), length=None):
        preset, common = at.owners.get("http", (b"", ()))
        from firmware.http_url import UrlError, parse

        try:
            self.url = parse(url or preset)
        except (UrlError, ValueError) as error:
            log("URL:", error)
            raise AtError(VALUE | index)
        self.method = method
        # What the lines for the host begin with, and the most of the body in one of them; no name, no lines.
        self.name = name
        self.piece = piece
        self.timeout_ms = _TIMEOUT_MS
        self.lines = [
            b"Host: " + self.url[3],
            b"User-Agent: ESP32 HTTP Client/1.0",
            b"Accept-Encoding: identity",
            b"Connection: close",
        ]
        if self.url[4]:
            self.lines.append(b"Authorization: Basic " + self.url[4])
        for line in lines:
            put(self.lines, line)
        for line in common:
            put(self.lines, line)
        # What is sent: its length, its beginning, and what gives the rest block by block.
        self.length = length
        self.data = b""
        self.source = None
        if length is not None:
            # Last: nobody else says where the data ends.
            put(self.lines, b"Content-Length: %d" % length)
        # The length of the answer, if the server tells it.
        self.told = None


def client(at, arguments):
    """AT+HTTPCLIENT"""
    method = arguments.get(0) - 1
    kind = arguments.get(1)
    url, host, path, transport = [arguments.get(index) for index in range(2, 6)]
    data = arguments.get(6) or b"" if method == _POST else b""
    lines = _headers(arguments, 7 if method == _POST else 6)
    if not url and host:
        url = b"http%s://%s%s" % (b"s" if transport == 2 else b"", host, path or b"/")
    length = None
    if method > _GET:
        lines.insert(0, b"Content-Type: " + _TYPES[kind])
        length = len(data)
    request = Request(at, _METHODS[method], url, 2, b"+HTTPCLIENT", _PIECE, lines, length)
    request.data = data
    return request


def get_size(at, url, tx_size, rx_size, timeout_ms):
    """AT+HTTPGETSIZE"""
    request = Request(at, b"GET", url, 0, None, 0)
    request.timeout_ms = timeout_ms or _TIMEOUT_MS
    return request


def get(at, url, tx_size, rx_size, timeout_ms):
    """AT+HTTPCGET"""
    request = Request(at, b"GET", url, 0, b"+HTTPCGET", min(rx_size or _RX_SIZE, PIECE))
    request.timeout_ms = timeout_ms or _TIMEOUT_MS
    return request


def post(at, arguments):
    """AT+HTTPCPOST"""
    return _sending(at, arguments, b"POST")


def put_data(at, arguments):
    """AT+HTTPCPUT"""
    return _sending(at, arguments, b"PUT")


def _sending(at, arguments, method):
    url = arguments.get(0)
    length = arguments.get(1)
    count = arguments.get(2) or 0
    lines = _headers(arguments, 3)
    if len(lines) != count:
        raise arguments.wrong_count(3 + count)
    lines.insert(0, b"Content-Type: " + _TYPES[0])
    return Request(at, method, url, 0, b"+HTTPC" + method, _PIECE, lines, length)


def _headers(arguments, first):
    """The parameters from ``first`` on: header lines."""
    kind = string(3)
    fields = arguments.fields
    return [checked(value_of(kind, fields[index], index), index) for index in range(first, len(fields))]


def checked(line, index):
    """A header line, parameter ``index``, without what may be behind it; AtError if it is none."""
    line = line.rstrip(b"\r\n")
    if line.find(b":") < 1 or b"\r" in line or b"\n" in line:
        raise AtError(VALUE | index)
    return line


def put(lines, line):
    """Add a header line to ``lines``; the one of the same name gives way."""
    name = _name(line)
    for index, before in enumerate(lines):
        if _name(before) == name:
            lines[index] = line
            return
    lines.append(line)


def _name(line):
    return line.partition(b":")[0].strip().lower()
