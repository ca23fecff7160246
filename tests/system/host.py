"""A host MCU's side of the AT port, with exact expectations."""

from __future__ import annotations

import threading
import time
from typing import Any

import serial

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"
READY = b"\r\nready\r\n"
PROMPT = b"\r\nOK\r\n\r\n>"
BUSY = b"\r\nbusy p...\r\n"
WRITE_OK = b"\r\nWRITE OK\r\n"

PATIENCE = 5.0
SHOWN = 200
SENT_AT_ONCE = 2048
WRITE_TIMEOUT = 30


def error(code: int) -> bytes:
    """ERROR as it looks after AT+SYSLOG=1."""
    return b"ERR CODE:0x%08x\r\n" % code + ERROR


def shorten(data: bytes) -> str:
    """``data`` for a message: its beginning and its length if it is long."""
    return repr(data) if len(data) <= SHOWN else f"{data[:SHOWN]!r}... ({len(data)} bytes)"


class Host:
    """The host's end of the line at ``url``, any URL or device name that pyserial takes.

    Reading waits at most ``PATIENCE`` seconds, or as long as told, and an AssertionError says what came instead.
    """

    def __init__(self, url: str) -> None:
        self._line: Any = serial.serial_for_url(url, 115200, timeout=PATIENCE, write_timeout=WRITE_TIMEOUT)
        self._writer: threading.Thread | None = None

    def close(self) -> None:
        self._finish_writing()
        self._line.close()

    def set_baudrate(self, baudrate: int) -> None:
        """Go on at another speed; what has been sent goes out at the old one."""
        self._finish_writing()
        self._line.baudrate = baudrate

    def write(self, data: bytes) -> None:
        """Send bytes as they are; many go out while the caller reads the answers, which would hold up the rest."""
        self._finish_writing()
        if len(data) <= SENT_AT_ONCE:
            self._line.write(data)
        else:
            self._writer = threading.Thread(target=self._line.write, args=(data,))
            self._writer.start()

    def _finish_writing(self) -> None:
        if self._writer is not None:
            self._writer.join()
            self._writer = None

    def send(self, line: bytes) -> None:
        """Send a command line."""
        self.write(line + b"\r\n")

    def read(self, count: int, patience: float = PATIENCE) -> bytes:
        """Read ``count`` bytes, or fewer if no more come in time."""
        self._line.timeout = patience
        return bytes(self._line.read(count))

    def read_exactly(self, count: int, patience: float = PATIENCE) -> bytes:
        """Read ``count`` bytes."""
        data = self.read(count, patience)
        if len(data) < count:
            raise AssertionError(f"{count} bytes were to come, only {len(data)} came: {shorten(data)}")
        return data

    def read_until(self, ending: bytes, patience: float = PATIENCE) -> bytes:
        """Read up to and including ``ending``."""
        self._line.timeout = patience
        data = bytes(self._line.read_until(ending))
        if not data.endswith(ending):
            raise AssertionError(f"no {ending!r} came, but {shorten(data)}")
        return data

    def read_answer(self, patience: float = PATIENCE) -> bytes:
        """Read up to and including a final result, OK or ERROR."""
        data = b""
        deadline = time.monotonic() + patience
        while not data.endswith((OK, ERROR)):
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no final result came, but {shorten(data)}")
            # One by one: a report may come right behind.
            data += self.read(1, left)
        return data

    def expect(self, expected: bytes, patience: float = PATIENCE) -> None:
        """The next bytes must be exactly these."""
        data = self.read(len(expected), patience)
        if data == expected:
            return
        same = next((i for i, (a, b) in enumerate(zip(data, expected, strict=False)) if a != b), len(data))
        more = self.read(64, 0.05) if len(data) == len(expected) else b""
        wanted, came, before = shorten(expected[same:]), shorten(data[same:] + more), shorten(data[:same][-SHOWN:])
        raise AssertionError(f"expected {wanted}\n     got {came}\n   after {before}")

    def expect_nothing(self, seconds: float = 0.05) -> None:
        """Nothing may come for so long."""
        data = self.read(1, seconds)
        if data:
            raise AssertionError(f"nothing was to come, but {shorten(data + self.read(SHOWN, 0.05))}")

    def command(self, line: bytes, *answers: bytes, patience: float = PATIENCE) -> None:
        """Send a command line (echo off); the answer must be exactly ``answers``, by default OK."""
        self.send(line)
        self.expect(b"".join(answers) if answers else OK, patience)

    def answer(self, line: bytes, patience: float = PATIENCE) -> bytes:
        """Send a command line (echo off); its answer up to and including the final result."""
        self.send(line)
        return self.read_answer(patience)

    def clear(self, seconds: float = 0.05) -> bytes:
        """Drop what comes until nothing has come for so long; returns it."""
        dropped = b""
        while data := self.read(max(1, self._line.in_waiting), seconds):
            dropped += data
        return dropped
