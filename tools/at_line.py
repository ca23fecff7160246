"""The host's end of an AT port, for tools: commands and their results, prompts, and what the module says unasked."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import serial

PATIENCE = 5.0
TRIES = 3
TRY_SECONDS = 1.0
POLL_SECONDS = 0.2
WRITE_SECONDS = 30.0
ERROR_CODE = re.compile(r"ERR CODE:0x01([0-9a-f]{6})")
# What the codes of the firmware mean that an upgrade may end with (firmware/at_error.py).
NOT_SUPPORTED = 0x090000
NO_NETWORK = 0x0A0006
TRANSFER_FAILED = 0x0A0007
IMAGE_REFUSED = 0x0A0008
TIMED_OUT = 0x0A0009
REASONS = {
    NOT_SUPPORTED: "the module does not know the command",
    0x0A0001: "it is not there",
    0x0A0002: "one is under way already",
    0x0A0003: "too large",
    0x0A0004: "out of memory",
    0x0A0005: "the host counts as asleep",
    NO_NETWORK: "no network",
    TRANSFER_FAILED: "the transfer failed",
    IMAGE_REFUSED: "the image is refused; the log on UART0 says why",
    TIMED_OUT: "timed out",
    0x0A000A: "not possible on this board",
}


class AtLineError(Exception):
    """The module does not answer as it should; the message is one line."""


class NoAnswer(AtLineError):
    """Nothing came in time."""


class Refused(AtLineError):
    """A command was answered with ERROR; ``code`` is what AT+SYSLOG=1 adds, without the module number, or 0."""

    def __init__(self, what: str, code: int) -> None:
        reason = REASONS.get(code, f"code 0x{code:06x}" if code else "ERROR")
        super().__init__(f"{what}: {reason}")
        self.code = code


class AtLine:
    """The AT port at ``url``, any device name or URL that pyserial takes. ``on_line`` gets what is no final result."""

    def __init__(self, url: str, baudrate: int) -> None:
        try:
            self._serial: Any = serial.serial_for_url(url, baudrate, timeout=POLL_SECONDS, write_timeout=WRITE_SECONDS)
        except (serial.SerialException, ValueError) as error:
            raise AtLineError(f"cannot open {url}: {error}") from error
        self._url = url
        self._buffer = bytearray()
        self._what = ""
        self._code = 0
        self.echo = False

    def close(self) -> None:
        self._serial.close()

    def attach(self) -> None:
        """Find the module, whatever it was sent before, and switch its echo off. NoAnswer, or AtLineError if busy."""
        for _ in range(TRIES):
            self._write(b"\r\n")
            self._forget()
            try:
                self.send("AT")
                lines = self.finish(TRY_SECONDS)
            except (NoAnswer, Refused):
                continue
            self.echo = "AT" in lines
            self.command("ATE0")
            return
        raise NoAnswer(f"no answer on {self._url}: is it the AT port, and the baud rate right?")

    def send(self, line: str) -> None:
        """Send a command line."""
        self._what, self._code = line.partition("=")[0], 0
        self._write(line.encode() + b"\r\n")

    def send_data(self, data: bytes) -> None:
        """Send raw bytes behind a prompt."""
        self._write(data)

    def command(self, line: str, patience: float = PATIENCE) -> list[str]:
        """Send a line; what came before OK."""
        self.send(line)
        return self.finish(patience)

    def finish(self, patience: float = PATIENCE, on_line: Callable[[str], None] | None = None) -> list[str]:
        """Wait for OK, at most ``patience`` seconds for each line; the lines before it. ``on_line`` gets each at
        once."""
        lines: list[str] = []
        while (line := self._next(patience)) != "OK":
            self._look_for_failure(line)
            lines.append(line)
            if on_line is not None:
                on_line(line)
        return lines

    def prompt(self, line: str, patience: float = PATIENCE) -> None:
        """Send a line and wait for the data prompt."""
        self.send(line)
        while (answer := self._next(patience, prompt=True)) != ">":
            self._look_for_failure(answer)

    def wait_for(self, text: str, patience: float) -> None:
        """Wait for a line, whatever comes before it."""
        deadline = time.monotonic() + patience
        while self._next(deadline - time.monotonic()) != text:
            pass

    def _look_for_failure(self, line: str) -> None:
        if match := ERROR_CODE.fullmatch(line):
            self._code = int(match[1], 16)
        elif line == "ERROR":
            raise Refused(self._what, self._code)
        elif line == "busy p...":
            raise AtLineError(f"the module on {self._url} is busy with another command")

    def _next(self, patience: float, *, prompt: bool = False) -> str:
        """The next line that is not empty, or the prompt."""
        deadline = time.monotonic() + patience
        while True:
            if prompt and self._buffer.startswith(b">"):
                del self._buffer[:1]
                return ">"
            head, newline, rest = self._buffer.partition(b"\n")
            if newline:
                self._buffer = rest
                if text := head.strip():
                    return text.decode(errors="replace")
            else:
                self._read(deadline)

    def _read(self, deadline: float) -> None:
        if time.monotonic() >= deadline:
            raise NoAnswer(f"{self._what}: no answer on {self._url}")
        try:
            self._buffer += self._serial.read(max(1, self._serial.in_waiting))
        except (serial.SerialException, OSError) as error:
            raise AtLineError(f"{self._url} is gone: {error}") from error

    def _write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except serial.SerialTimeoutException as error:
            raise NoAnswer(f"{self._url} takes no bytes: does flow control hold them?") from error
        except (serial.SerialException, OSError) as error:
            raise AtLineError(f"{self._url} is gone: {error}") from error

    def _forget(self) -> None:
        """Drop what the module has said so far."""
        self._buffer.clear()
        self._serial.reset_input_buffer()
