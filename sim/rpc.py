"""The wire between the simulated peripherals and the interpreter: frames on a socket pair.

The interpreter asks, the board answers; one question is under way at a time. Four kinds of frame, told apart by
the first byte:

* ``op``: 16 bytes ``<BBHiii`` (0, code, 0, a, b, 0), answered by 4 bytes ``<i``. Neither side allocates for it.
* ``push``: 16 bytes ``<BBHiii`` (2, code, 0, a, b, size) followed by ``size`` raw bytes, answered by 4 bytes ``<i``.
* ``pull``: 16 bytes ``<BBHiii`` (3, code, 0, a, b, size), answered by 4 bytes ``<i``: negative, or the number of raw
  bytes that follow, at most ``size``.
* ``call``: 12 bytes ``<BBHII`` (1, 0, length of the name, of the JSON arguments, of the payload) followed by these
  three; answered by 12 bytes ``<iII`` (status, length of the JSON result, of the payload) followed by these two.
  Status 0 is a result; 1 means that the JSON result is ``[exception name, arguments]``, raised on the device.

An ``op`` handler takes two integers and returns one; a ``push`` handler takes two integers and the raw bytes and
returns an integer; a ``pull`` handler takes three integers and returns raw bytes or a negative integer. A ``call``
handler takes the payload as ``bytes`` and the JSON arguments, and returns the JSON result, or ``(result, payload)``.
"""

from __future__ import annotations

import fcntl
import json
import select
import socket
import struct
import termios
from collections.abc import Callable
from typing import Any

OP_FRAME = struct.Struct("<BBHiii")
CALL_FRAME = struct.Struct("<BBHII")
CALL_REPLY = struct.Struct("<iII")
INT = struct.Struct("<i")


def _count(connection: socket.socket, request: int) -> int:
    count: int = INT.unpack(fcntl.ioctl(connection, request, bytes(INT.size)))[0]
    return count


class DeviceError(Exception):
    """An exception that a peripheral raises in the code on the device."""

    def __init__(self, kind: str, *args: object) -> None:
        super().__init__(kind, *args)
        self.kind = kind
        self.arguments = args


class Gone(Exception):
    """The interpreter has closed its end, or the board was switched off while it asked."""


class Server:
    """Answers the questions of one interpreter on ``connection``.

    ``instead``, if set, is asked before each answer; true means that it has interrupted the program, which then waits
    for no answer any more.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.instead: Callable[[], bool] | None = None
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self.ops: dict[int, Callable[[int, int], int]] = {}
        self.pushes: dict[int, Callable[[int, int, bytes], int]] = {}
        self.pulls: dict[int, Callable[[int, int, int], bytes | int]] = {}
        self.calls: dict[str, Callable[..., Any]] = {}

    def fileno(self) -> int:
        return self.connection.fileno()

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                piece = self.connection.recv(size - len(data))
            except OSError as error:
                raise Gone from error
            if not piece:
                raise Gone
            data += piece
        return data

    def wait(self) -> None:
        """Wait until there is a question, or nobody left to ask one."""
        self._poll.poll()

    @property
    def quiet(self) -> bool:
        """Is nothing on the wire, neither a question nor an answer?"""
        return not any(_count(self.connection, request) for request in (termios.FIONREAD, termios.TIOCOUTQ))

    def serve_one(self) -> None:
        """Take one question off the wire and answer it; raises ``Gone`` when there is nobody left to ask."""
        kind = self._receive(1)
        try:
            if kind == b"\1":
                self._serve_call(kind + self._receive(CALL_FRAME.size - 1))
            else:
                self._serve_numbers(kind + self._receive(OP_FRAME.size - 1))
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Gone from error

    def _serve_numbers(self, head: bytes) -> None:
        kind, code, _, a, b, size = OP_FRAME.unpack(head)
        data = b""
        if kind == 0:
            answer = self.ops[code](a, b)
        elif kind == 2:
            answer = self.pushes[code](a, b, self._receive(size))
        else:
            pulled = self.pulls[code](a, b, size)
            answer, data = (pulled, b"") if isinstance(pulled, int) else (len(pulled), pulled)
        self._answer(INT.pack(answer) + data)

    def _serve_call(self, head: bytes) -> None:
        _, _, name_size, json_size, payload_size = CALL_FRAME.unpack(head)
        name = self._receive(name_size).decode()
        arguments = json.loads(self._receive(json_size))
        payload = self._receive(payload_size)
        status, data = 0, b""
        try:
            result = self.calls[name](payload, *arguments)
            if isinstance(result, tuple):
                result, data = result
        except DeviceError as error:
            status, result = 1, [error.kind, list(error.arguments)]
        text = json.dumps(result).encode()
        self._answer(CALL_REPLY.pack(status, len(text), len(data)) + text + data)

    def _answer(self, frame: bytes) -> None:
        if self.instead is None or not self.instead():
            self.connection.sendall(frame)
