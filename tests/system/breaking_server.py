"""An HTTP server whose connections break where a test wants it, with Range as RFC 9110 has it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.system.http_server import RawServer

CHUNK = 5000
STALL_SECONDS = 20.0


@dataclass
class Request:
    """What was asked for, and when. Names of headers are in lower case."""

    target: str
    headers: dict[str, str]
    at: float


@dataclass
class File:
    """A file and what the server tells of it."""

    data: bytes
    etag: str = '"v1"'
    modified: str = ""
    ranges: bool = True
    chunked: bool = False

    @property
    def validators(self) -> list[str]:
        return [value for value in (self.etag, self.modified) if value]

    def answer(self, request: Request) -> tuple[str, bytes]:
        """Header and body."""
        head = [f"ETag: {self.etag}"] if self.etag else []
        if self.modified:
            head.append(f"Last-Modified: {self.modified}")
        first = request.headers.get("range", "").removeprefix("bytes=").removesuffix("-")
        matches = request.headers.get("if-range") in (None, *self.validators)
        if first and self.ranges and matches and not request.headers.get("if-range", "").startswith("W/"):
            start, total = int(first), len(self.data)
            head.append(f"Content-Range: bytes {start}-{total - 1}/{total}")
            return self._head("206 Partial Content", head, self.data[start:]), self.data[start:]
        return self._head("200 OK", head, self.data), self.data

    def _head(self, status: str, head: list[str], body: bytes) -> str:
        length = "Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {len(body)}"
        return "\r\n".join([f"HTTP/1.1 {status}", *head, length, "", ""])


@dataclass
class Breaking:
    """How a server's connections break, and what it was asked.

    ``cuts`` holds, for each connection in turn, how many bytes of the body it gets; the last entry counts for all that
    follow, and None is all of them. ``stalls`` are the connections (from 0) that stand still instead of ending.
    ``before`` is called with the number of the connection before it is answered; bytes that it returns are the answer.
    """

    file: File
    cuts: list[int | None] = field(default_factory=lambda: [None])
    stalls: set[int] = field(default_factory=set)
    before: Callable[[int], bytes | None] = lambda number: None
    requests: list[Request] = field(default_factory=list)

    def serve(
        self, listener: socket.socket | None = None, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> RawServer:
        """The server, to be entered."""
        self._server = RawServer(self._answer, address, listener, tls)
        return self._server

    def ranges(self) -> list[str | None]:
        """The Range headers in order."""
        return [request.headers.get("range") for request in self.requests]

    def _answer(self, connection: socket.socket) -> None:
        number = len(self.requests)
        first, *lines = self._server.requests[-1].decode().split("\r\n\r\n")[0].split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        request = Request(first.split()[1], {name.lower(): value for name, _, value in pairs}, time.monotonic())
        self.requests.append(request)
        answer = self.before(number)
        if answer is not None:
            connection.sendall(answer)
            return
        head, body = self.file.answer(request)
        cut = self.cuts[min(number, len(self.cuts) - 1)]
        connection.sendall(head.encode())
        self._send_body(connection, body if cut is None else body[:cut], cut is None)
        if number in self.stalls:
            connection.settimeout(STALL_SECONDS)
            connection.recv(1)

    def _send_body(self, connection: socket.socket, body: bytes, whole: bool) -> None:
        if not self.file.chunked:
            connection.sendall(body)
            return
        with contextlib.suppress(ConnectionError):
            for start in range(0, len(body), CHUNK):
                piece = body[start : start + CHUNK]
                # A chunk that is cut says that more was to come.
                size = len(piece) if whole or len(piece) == CHUNK else CHUNK
                connection.sendall(b"%x\r\n" % size + piece + (b"\r\n" if size == len(piece) else b""))
            if whole:
                connection.sendall(b"0\r\n\r\n")
