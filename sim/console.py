"""UART0 of a board: what it prints, and a tty at which a person, or mpremote, talks to its REPL.

What arrives goes into the interpreter's standard input, but for the interrupt character while one is set: that one
interrupts the program, as in ``ports/esp32/uart.c``. Nothing is timed here.
"""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Callable

from sim.loop import Loop
from sim.rpc import Server
from sim.uart import READ_SIZE, RETRY_SECONDS, drain

CONSOLE_INTERRUPT = 7
CONSOLE_SET_RAW = 8
CONSOLE_IS_RAW = 9

NO_CHARACTER = -1
MOST_WAITING = 1 << 18


class Console:
    """``tty``: the path that a host opens. ``interrupt`` is called, in the loop's thread, when the interrupt character
    has come.
    """

    def __init__(self, loop: Loop, interrupt: Callable[[], None]) -> None:
        self.interrupt_character = NO_CHARACTER
        self.raw = False
        self._loop = loop
        self._interrupt = interrupt
        self._waiting = bytearray()
        self._lock = threading.Lock()
        self._master, self._slave = os.openpty()
        self.tty = os.ttyname(self._slave)
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.input, self._input_in = os.pipe()
        os.set_blocking(self._input_in, False)
        self._retrying = False
        loop.add(self._master, select.EPOLLIN, self._on_tty)

    def put(self, data: bytes) -> None:
        """Show what the board prints; from any thread. Lines end in CR LF on the wire."""
        with self._lock:
            if len(self._waiting) < MOST_WAITING:
                self._waiting += data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        self._loop.call(self._send)

    def restart(self, *, soft: bool) -> None:
        """A new interpreter comes; what was typed before is forgotten unless only the interpreter starts anew."""
        self.interrupt_character = NO_CHARACTER
        if not soft:
            self.raw = False
            os.set_blocking(self.input, False)
            drain(self.input)
            os.set_blocking(self.input, True)

    def register(self, server: Server) -> None:
        server.ops[CONSOLE_INTERRUPT] = self._set_interrupt
        server.ops[CONSOLE_SET_RAW] = self._set_raw
        server.ops[CONSOLE_IS_RAW] = lambda a, b: int(self.raw)

    def close(self) -> None:
        """Free everything; the loop must have stopped."""
        for fd in (self._master, self._slave, self.input, self._input_in):
            os.close(fd)

    def _set_interrupt(self, character: int, _b: int) -> int:
        self.interrupt_character = character
        return 0

    def _set_raw(self, raw: int, _b: int) -> int:
        self.raw = bool(raw)
        return 0

    def _on_tty(self, _events: int) -> None:
        try:
            data = os.read(self._master, READ_SIZE)
        except BlockingIOError:
            return
        kept = bytes(byte for byte in data if byte != self.interrupt_character)
        try:
            os.write(self._input_in, kept)
        except BlockingIOError:
            return  # nobody reads: lost, as when the port's buffer is full
        if len(kept) < len(data):
            self._interrupt()

    def _send(self) -> None:
        with self._lock:
            try:
                while self._waiting:
                    del self._waiting[: os.write(self._master, self._waiting)]
            except BlockingIOError:
                if not self._retrying:
                    self._retrying = True
                    self._loop.call_later(RETRY_SECONDS, self._retry)

    def _retry(self) -> None:
        self._retrying = False
        self._send()
