"""MicroPython's REPL at a board's console, by mpremote's own transport: on any URL that pyserial takes."""

from __future__ import annotations

import ast
import contextlib
import io
import struct
import time
from typing import Any

import serial
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

BAUDRATE = 115200
# For each byte of an answer, and for the prompt.
ANSWER_SECONDS = 10.0
# Until a board that reads nothing is given up.
WRITE_SECONDS = 10.0
CHUNK = 512
REOPEN_SECONDS = 0.2


class ReplError(Exception):
    """The board does not answer, or what was asked of it failed; the message is one line."""


class _Transport(SerialTransport):
    """mpremote opens devices and rfc2217:// alone; this one opens every URL."""

    def __init__(self, url: str) -> None:
        self.in_raw_repl = False
        self.use_raw_paste = True
        self.device_name = url
        self.mounted = False
        self.serial: Any = serial.serial_for_url(
            url, BAUDRATE, timeout=ANSWER_SECONDS, write_timeout=WRITE_SECONDS, exclusive=True
        )


class Repl:
    """A board's raw REPL after a soft reset: boot.py has run, main.py and the firmware have not."""

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            self._transport = _Transport(url)
        except (serial.SerialException, ValueError, OSError) as error:
            raise ReplError(f"cannot open {url}: {error}") from error
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it prints what came instead of a prompt
                self._transport.enter_raw_repl()
        except (TransportError, serial.SerialException, OSError) as error:
            self.close()
            raise ReplError(
                f"no MicroPython answers at {url}: is it the console (UART0, USB), and its REPL on?"
            ) from error

    def close(self) -> None:
        self._transport.close()

    def run(self, code: str, silence: float | None = None) -> bytes:
        """Run statements, which print something at least every ``silence`` seconds (``ANSWER_SECONDS``) or end; what
        they print.
        """
        try:
            printed, error_text = self._transport.exec_raw(code, timeout=silence or ANSWER_SECONDS)
        except (TransportError, serial.SerialException, struct.error, OSError) as error:
            raise ReplError(f"the board at {self._url} is gone: {error}") from error
        if error_text:
            raise ReplError(f"the board says {error_text.decode().strip().splitlines()[-1]}")
        return bytes(printed)

    def ask(self, expression: str) -> Any:
        """The value of an expression, of types that literals have."""
        return ast.literal_eval(self.run(f"print(repr({expression}))").decode().strip())

    def write(self, path: str, data: bytes) -> None:
        """Write a file; its folder must exist. It takes the place of the one before at once, a power cut or not."""
        self.run(f"f = open({path + '.new'!r}, 'wb')")
        for begin in range(0, len(data), CHUNK):
            self.run(f"f.write({data[begin : begin + CHUNK]!r})")
        self.run(f"f.close()\nimport os\nos.rename({path + '.new'!r}, {path!r})")

    def reset(self) -> None:
        """Restart the board, which then runs main.py; what it prints can be read with ``read_line``."""
        try:
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")
        except (TransportError, serial.SerialException, struct.error, OSError) as error:
            raise ReplError(f"the board at {self._url} is gone: {error}") from error

    def read_line(self, seconds: float) -> str:
        """The next line that the board prints, or what of it has come in time."""
        port = self._transport.serial
        port.timeout = seconds
        try:
            line: bytes = port.read_until(b"\n")
        except (serial.SerialException, OSError):
            self._reopen()
            return ""
        return line.decode(errors="replace").rstrip()

    def _reopen(self) -> None:
        """The USB of a chip that has its own goes away while it restarts."""
        time.sleep(REOPEN_SECONDS)
        with contextlib.suppress(serial.SerialException, OSError):
            self._transport.serial.close()
            self._transport.serial.open()
