"""The hardware side of a UART: between the host's tty and the interpreter's ``machine.UART``.

Towards the host there is a pty in raw mode; towards the interpreter a socket with received bytes (its fill level is
that of the driver's receive buffer) and a pipe with bytes to send. The device may put as many bytes into the pipe as the
driver's transmit buffer and the hardware's FIFO have room for (``UART_ROOM``); the board takes them out at once and passes them
on while the host reads and, with CTS flow control, while ``cts`` is true.

Fast mode slows nothing down and loses nothing while a driver is installed: what the interpreter has no room for stays in the
tty. Without a driver nobody listens, and what arrives is lost, as on a board.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
import termios
import threading
import time
import tty
from typing import Any

from sim.loop import Loop
from sim.rpc import DeviceError, Gone, Server

UART_ANY = 1
UART_TXDONE = 2
UART_ROOM = 3
UART_FLUSH = 4
UART_BREAK = 5

FLOW_RTS = 1
FLOW_CTS = 2
HARDWARE_FIFO = 128
READ_SIZE = 65536


def _readable(fd: int) -> int:
    """How many bytes can be read from ``fd``."""
    count: int = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))[0]
    return count


class Uart:
    """One UART of a board.

    ``cts``: may the board send, as the host says. ``rts``: may the host send, as the board says. ``lost``: received bytes lost
    so far. ``tty``: the path that a host opens.
    """

    def __init__(self, number: int, loop: Loop, *, timed: bool = False) -> None:
        self.number = number
        self.lost = 0
        self.settings: dict[str, Any] = {}
        self.sent: list[tuple[float, bytes]] = []
        self._loop = loop
        self._installed = False
        self._closed = False
        self._cts = True
        self._tx = bytearray()
        self._changed = threading.Condition()
        self._master, self._slave = os.openpty()
        self.tty = os.ttyname(self._slave)
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._rx, self._rx_device = socket.socketpair()
        self._rx_device.setblocking(False)
        self._rx.setblocking(False)
        self._tx_out, self._tx_in = os.pipe()
        os.set_blocking(self._tx_out, False)
        self._master_events = select.EPOLLIN
        loop.add(self._master, self._master_events, self._on_tty)
        loop.add(self._tx_out, select.EPOLLIN, self._on_device)
        loop.add(self._rx.fileno(), select.EPOLLOUT | select.EPOLLET, self._on_taken)

    @property
    def device_fds(self) -> tuple[int, int]:
        """The interpreter's ends: received bytes, bytes to send."""
        return self._rx_device.fileno(), self._tx_in

    @property
    def cts(self) -> bool:
        return self._cts

    @cts.setter
    def cts(self, may_send: bool) -> None:
        self._cts = may_send
        self._loop.call(self._send)

    @property
    def rts(self) -> bool:
        if not self._flow & FLOW_RTS:
            return True
        return self._installed and self._space() > 0

    @property
    def _flow(self) -> int:
        return int(self.settings.get("flow", 0))

    def _space(self) -> int:
        return int(self.settings["rxbuf"]) - _readable(self._rx_device.fileno())

    def register(self, server: Server) -> None:
        server.calls[f"uart.init{self.number}"] = self._init
        server.calls[f"uart.deinit{self.number}"] = self._deinit

    def power_off(self) -> None:
        """What the hardware forgets when the interpreter goes: buffers and settings."""
        with self._changed:
            self._installed = False
            self._tx.clear()
            self._drain(self._tx_out)
            self._drain(self._rx_device.fileno())
            self._changed.notify_all()
        self._loop.call(self._watch_tty)

    def close(self) -> None:
        """Free everything; the loop must have stopped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._rx.close()
        self._rx_device.close()
        for fd in (self._master, self._slave, self._tx_out, self._tx_in):
            os.close(fd)

    @staticmethod
    def _drain(fd: int) -> int:
        count = 0
        try:
            while data := os.read(fd, READ_SIZE):
                count += len(data)
        except BlockingIOError:
            pass
        return count

    def _init(self, _payload: bytes, settings: dict[str, Any]) -> None:
        with self._changed:
            self.settings = settings
            self._installed = True
            self._drain(self._rx_device.fileno())
            self.lost += self._drain(self._master)
        self._loop.call(self._watch_tty)

    def _deinit(self, _payload: bytes) -> None:
        with self._changed:
            self._installed = False
            self._tx.clear()
            self._drain(self._tx_out)
        self._loop.call(self._watch_tty)

    def _on_tty(self, events: int) -> None:
        if events & select.EPOLLIN:
            self._receive()
        if events & select.EPOLLOUT:
            self._send()

    def _on_taken(self, _events: int) -> None:
        self._watch_tty()

    def _watch_tty(self) -> None:
        """Wait for what can be handled: input while there is room for it, output while some waits."""
        with self._changed:
            events = 0
            if not self._installed or self._space() > 0:
                events |= select.EPOLLIN
            if self._tx and self._may_send():
                events |= select.EPOLLOUT
            if events != self._master_events:
                self._master_events = events
                self._loop.change(self._master, events)

    def _receive(self) -> None:
        with self._changed:
            if not self._installed:
                self.lost += len(os.read(self._master, READ_SIZE))
                return
            space = self._space()
            if space > 0:
                self._rx.send(os.read(self._master, space))
        self._watch_tty()

    def _may_send(self) -> bool:
        return self._cts or not self._flow & FLOW_CTS

    def _on_device(self, _events: int) -> None:
        with self._changed:
            try:
                self._tx += os.read(self._tx_out, READ_SIZE)
            except BlockingIOError:
                return
        self._send()

    def _send(self) -> None:
        with self._changed:
            if self._tx and self._may_send():
                try:
                    count = os.write(self._master, self._tx)
                except BlockingIOError:
                    count = 0
                if count:
                    del self._tx[:count]
                    self._changed.notify_all()
        self._watch_tty()

    def _pending(self) -> int:
        return _readable(self._tx_out) + len(self._tx)

    def any(self) -> int:
        return _readable(self._rx_device.fileno())

    def txdone(self) -> int:
        with self._changed:
            return int(self._pending() == 0)

    def room(self, wanted: int) -> int:
        """How many bytes may be written; waits until it is ``wanted`` or all that there is."""
        with self._changed:
            capacity = int(self.settings["txbuf"]) + HARDWARE_FIFO
            wanted = min(wanted, capacity)
            while (room := capacity - self._pending()) < wanted:
                if self._closed or not self._installed:
                    raise Gone
                self._changed.wait()
            return room

    def flush(self, timeout_ms: int) -> int:
        """Wait until all is out; 0 after ``timeout_ms``."""
        with self._changed:
            return int(self._changed.wait_for(lambda: self._pending() == 0 or not self._installed, timeout_ms / 1000))

    def send_break(self, _duration: int) -> int:
        return 0


class Uarts:
    """The UARTs 1 and 2 of a board, and the operations of ``machine.UART``: operand a is the port."""

    def __init__(self, loop: Loop, *, timed: bool = False) -> None:
        self.ports = {number: Uart(number, loop, timed=timed) for number in (1, 2)}

    def register(self, server: Server) -> None:
        ports = self.ports
        server.ops[UART_ANY] = lambda a, b: ports[a].any()
        server.ops[UART_TXDONE] = lambda a, b: ports[a].txdone()
        server.ops[UART_ROOM] = lambda a, b: ports[a].room(b)
        server.ops[UART_FLUSH] = lambda a, b: ports[a].flush(b)
        server.ops[UART_BREAK] = lambda a, b: ports[a].send_break(b)
        for port in ports.values():
            port.register(server)
