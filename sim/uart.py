"""The hardware side of a UART: between the host's tty and the interpreter's ``machine.UART``.

Towards the host there is a pty in raw mode; towards the interpreter a socket with received bytes (what lies in it is
the driver's receive buffer) and a pipe with bytes to send. The device asks for room before it puts more into the pipe
than the driver's transmit buffer and the hardware's FIFO can hold. The board takes the bytes out at once and passes
them on while the host reads and, with CTS flow control, while ``cts`` is true.

This is the fast mode: nothing is slowed down, and nothing is lost while a driver is installed: what the receive buffer
has no room for stays in the tty. Without a driver nobody listens, and what arrives is lost, as on a board.
``sim/uart_timed.py`` is the other mode.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import termios
import threading
import tty
from collections.abc import Callable
from dataclasses import dataclass

from sim import vcd
from sim.loop import Loop
from sim.rpc import Gone

FLOW_RTS = 1
FLOW_CTS = 2
HARDWARE_FIFO = 128
READ_SIZE = 65536
BREAK_BITS = 13
RETRY_SECONDS = 0.05
SPEED_TOLERANCE = 0.04
# By termios' constants; another speed of the host's counts as the board's.
_SPEEDS = {getattr(termios, name): int(name[1:]) for name in dir(termios) if name[0] == "B" and name[1:].isdigit()}
_SPOILED = bytes(byte | 0x80 for byte in range(256))


@dataclass
class Settings:
    """What ``machine.UART`` has set: buffers in bytes, ``parity`` None, 0 (even) or 1, ``flow`` of the FLOW_ bits."""

    baudrate: int = 115200
    bits: int = 8
    parity: int | None = None
    stop: int = 1
    txbuf: int = 256
    rxbuf: int = 256
    flow: int = 0

    @property
    def byte_seconds(self) -> float:
        """How long one character takes on the line."""
        return vcd.frame_bits(self.bits, self.parity, self.stop) / self.baudrate


def readable(fd: int) -> int:
    """How many bytes can be read from ``fd``."""
    count: int = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))[0]
    return count


def drain(fd: int) -> int:
    """Read and forget all that is there; how many bytes that was."""
    count = 0
    try:
        while data := os.read(fd, READ_SIZE):
            count += len(data)
    except BlockingIOError:
        pass
    return count


class Uart:
    """One UART of a board.

    ``tty``: the path that a host opens. ``lost``: how many received bytes were lost so far. ``host_honours_rts``
    matters in timed mode: does the host stop sending while ``rts`` is false? None: it does if it has set CRTSCTS on its
    tty. ``heeds_baudrate``: is what goes over the line spoiled while the host's tty has another speed than the board?
    ``wakes``: does a received byte wake the program at once, as UART.irq has it? ``tx_trace`` and ``rx_trace``: what
    went over the lines, from the board's point of view.
    """

    def __init__(self, number: int, loop: Loop, clock: Callable[[], float]) -> None:
        self.number = number
        self.lost = 0
        self.host_honours_rts: bool | None = None
        self.heeds_baudrate = False
        self.wakes = False
        self.settings = Settings()
        self.installed = False
        self.tx_trace = vcd.LineTrace()
        self.rx_trace = vcd.LineTrace()
        self.rts_trace: list[vcd.Change] = [(0.0, 1)]
        self.cts_trace: list[vcd.Change] = [(0.0, 0)]
        self._loop = loop
        self._clock = clock
        self._cts = True
        self._tx = bytearray()
        self._changed = threading.Condition(threading.RLock())
        self._master, self._slave = os.openpty()
        self.tty = os.ttyname(self._slave)
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._rx, self._rx_device = socket.socketpair()
        self._rx.setblocking(False)
        self._rx_device.setblocking(False)
        self._tx_out, self._tx_in = os.pipe()
        os.set_blocking(self._tx_out, False)
        self._events = select.EPOLLIN
        self._retrying = False
        loop.add(self._master, self._events, self._on_tty)
        loop.add(self._tx_out, select.EPOLLIN, self._on_device)
        loop.add(self._rx.fileno(), select.EPOLLOUT | select.EPOLLET, self._on_taken)

    @property
    def device_fds(self) -> tuple[int, int]:
        """The interpreter's ends: received bytes, bytes to send."""
        return self._rx_device.fileno(), self._tx_in

    @property
    def cts(self) -> bool:
        """May the board send, as the host says? Tests set it; it counts while the board uses CTS flow control."""
        return self._cts

    @cts.setter
    def cts(self, may_send: bool) -> None:
        with self._changed:
            if may_send != self._cts:
                self._cts = may_send
                self.cts_trace.append((self._clock(), int(not may_send)))
        self._loop.call(self.service)

    @property
    def rts(self) -> bool:
        """May the host send, as the board says? Always, while the board does not use RTS flow control."""
        with self._changed:
            return self._ready_to_receive()

    def signals(self) -> list[vcd.Signal]:
        """The lines as they are on the wire: RTS and CTS are active low."""
        name = f"UART{self.number}"
        with self._changed:
            return [
                vcd.Signal(f"{name}_TX", self.tx_trace.levels()),
                vcd.Signal(f"{name}_TX_byte", self.tx_trace.values(), 8),
                vcd.Signal(f"{name}_RX", self.rx_trace.levels()),
                vcd.Signal(f"{name}_RX_byte", self.rx_trace.values(), 8),
                vcd.Signal(f"{name}_RTS", list(self.rts_trace)),
                vcd.Signal(f"{name}_CTS", list(self.cts_trace)),
            ]

    # What the device asks; in the thread that answers it.

    def install(self, settings: Settings) -> None:
        """Set up the driver; what has been received so far is thrown away."""
        with self._changed:
            self.settings = settings
            self.installed = True
            self._forget_received()
            self.lost += drain(self._master)
        self._loop.call(self.service)

    def configure(self, settings: Settings) -> None:
        """Change the settings of an installed driver: what has been received stays (until MicroPython 1.27)."""
        with self._changed:
            self.settings = settings
        self._loop.call(self.service)

    def uninstall(self) -> None:
        """The driver goes, and with it what its buffers hold; at a reset too."""
        with self._changed:
            self.installed = self.wakes = False
            self._tx.clear()
            drain(self._tx_out)
            self._forget_received()
            self._changed.notify_all()
        self._loop.call(self.service)

    def any(self) -> int:
        """How many bytes the receive buffer holds."""
        return readable(self._rx_device.fileno())

    def sync(self) -> None:
        """Let the device read all that has been received by now."""

    def txdone(self) -> bool:
        """Is all out that was written?"""
        with self._changed:
            return self._pending() == 0

    def room(self, wanted: int) -> int:
        """How many bytes may be written; waits until it is ``wanted``, or all that there can be."""
        with self._changed:
            capacity = self.settings.txbuf + HARDWARE_FIFO
            wanted = min(wanted, capacity)
            while (room := capacity - self._pending()) < wanted:
                if not self.installed:
                    raise Gone
                self._changed.wait()
            return room

    def flush(self, timeout: float) -> bool:
        """Wait ``timeout`` seconds for all to be out; is it?"""
        with self._changed:
            return self._changed.wait_for(lambda: self._pending() == 0 or not self.installed, timeout)

    def send_break(self) -> float:
        """Send a break when all is out; how many seconds it lasts. A pty cannot carry it: only the trace shows it."""
        self.flush(1.0)
        with self._changed:
            settings = self.settings
            bit = 1 / settings.baudrate
            self.tx_trace.add(vcd.Frames(self._clock(), b"\0", bit, bits=BREAK_BITS - 1))
            return BREAK_BITS * bit

    def close(self) -> None:
        """Free everything; the loop must have stopped."""
        self._rx.close()
        self._rx_device.close()
        for fd in (self._master, self._slave, self._tx_out, self._tx_in):
            os.close(fd)

    # What the lines do; in the loop's thread.

    def service(self) -> None:
        """Move what can be moved, and wait for what then can happen."""
        with self._changed:
            self._receive()
            self._send()
            self._trace_rts()
            self._watch()

    def _on_tty(self, _events: int) -> None:
        self.service()

    def _on_taken(self, _events: int) -> None:
        self.service()

    def _on_device(self, _events: int) -> None:
        with self._changed:
            try:
                self._tx += os.read(self._tx_out, READ_SIZE)
            except BlockingIOError:
                return
            self._send()
            self._watch()

    def _watch(self) -> None:
        """Be woken for input while there is room for it, and for output that the tty had no room for."""
        events = 0
        if not self.installed or self._space() > 0:
            events |= select.EPOLLIN
        if self._tx and self._may_send():
            events |= select.EPOLLOUT
            self._retry_later()
        if events != self._events:
            self._events = events
            self._loop.change(self._master, events)

    def _retry_later(self) -> None:
        """A pty does not always say that it has room again."""
        if not self._retrying:
            self._retrying = True
            self._loop.call_later(RETRY_SECONDS, self._retry)

    def _retry(self) -> None:
        self._retrying = False
        self.service()

    def _receive(self) -> None:
        if not self.installed:
            self.lost += drain(self._master)
            return
        space = self._space()
        if space > 0 and (data := self._read_tty(space)):
            self.rx_trace.add(self._frames(data, 0.0))
            self._rx.send(data)

    def _send(self) -> None:
        if self._tx and self._may_send():
            self._pass_on(len(self._tx), 0.0)

    def _read_tty(self, size: int) -> bytes:
        try:
            return self._as_heard(os.read(self._master, size))
        except BlockingIOError:
            return b""

    def _as_heard(self, data: bytes) -> bytes:
        """What arrives at the other end of the line: a receiver at another speed than the sender's takes in other
        bytes.
        """
        if not self.heeds_baudrate:
            return data
        host = _SPEEDS.get(termios.tcgetattr(self._slave)[5], self.settings.baudrate)
        right = abs(host - self.settings.baudrate) < SPEED_TOLERANCE * host
        return data if right else data.translate(_SPOILED)

    def _pass_on(self, size: int, duration: float) -> int:
        """Give the host the next ``size`` bytes, which took ``duration`` seconds each; how many it took."""
        try:
            count = os.write(self._master, self._as_heard(bytes(self._tx[:size])))
        except BlockingIOError:
            return 0
        self.tx_trace.add(self._frames(bytes(self._tx[:count]), duration))
        del self._tx[:count]
        self._changed.notify_all()
        return count

    def _frames(self, data: bytes, duration: float) -> vcd.Frames:
        """What has just gone over a line."""
        settings = self.settings
        start = self._clock() - len(data) * duration
        bit = duration / vcd.frame_bits(settings.bits, settings.parity, settings.stop)
        return vcd.Frames(start, data, bit, settings.bits, settings.parity, settings.stop)

    def _forget_received(self) -> None:
        drain(self._rx_device.fileno())

    def _space(self) -> int:
        return self.settings.rxbuf - self.any()

    def _pending(self) -> int:
        return readable(self._tx_out) + len(self._tx)

    def _may_send(self) -> bool:
        return self._cts or not self.settings.flow & FLOW_CTS

    def _ready_to_receive(self) -> bool:
        return not self.settings.flow & FLOW_RTS or (self.installed and self._space() > 0)

    def _trace_rts(self) -> None:
        if not self.settings.flow & FLOW_RTS and self.rts_trace[-1][1] == 0:
            return
        level = int(not self._ready_to_receive())
        if self.rts_trace[-1][1] != level:
            self.rts_trace.append((self._clock(), level))
