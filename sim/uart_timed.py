"""A UART that takes its time and loses what a board loses: the timed mode.

Bytes take their time on the line in both directions. What arrives goes through the hardware's FIFO of 128 bytes into
the driver's buffer, from where select.poll sees it at the next tick of FreeRTOS (10 ms) and a read at once. While flash
is erased or written the driver stands still. What ESP-IDF 5.2's driver does when there is no room decides what is lost:
a FIFO that overflows is emptied by the driver, whole; while the driver stands still the FIFO keeps what it holds, and
the newest bytes are lost.
"""

from __future__ import annotations

import select
import termios
import time
from collections.abc import Callable

from sim.loop import Loop
from sim.uart import FLOW_RTS, HARDWARE_FIFO, Settings, Uart, drain, readable

RTS_THRESHOLD = HARDWARE_FIFO - HARDWARE_FIFO // 4
TICK_SECONDS = 0.01
STEP_SECONDS = 0.001


class TimedUart(Uart):
    """See ``Uart``. Times are ``time.monotonic``."""

    def __init__(self, number: int, loop: Loop, clock: Callable[[], float]) -> None:
        self._fifo = bytearray()
        self._ring = bytearray()
        self._line_at: float | None = None
        self._sent_at: float | None = None
        self._still_until = 0.0
        self._still_sends = 0
        self._step_due = False
        self._tick_due = False
        super().__init__(number, loop, clock)

    def stand_still(self, seconds: float) -> None:
        """The driver does nothing for so long; the hardware goes on with what it has."""
        with self._changed:
            self._step()
            self._still_until = time.monotonic() + seconds
            self._still_sends = min(len(self._tx), HARDWARE_FIFO)
        self._loop.call(self.service)

    def install(self, settings: Settings) -> None:
        super().install(settings)
        with self._changed:
            self._line_at = self._sent_at = None

    def configure(self, settings: Settings) -> None:
        with self._changed:
            self._step()
        super().configure(settings)

    def any(self) -> int:
        with self._changed:
            self._drive()
            return super().any() + len(self._ring)

    def txdone(self) -> bool:
        with self._changed:
            self._send()
            return super().txdone()

    def sync(self) -> None:
        with self._changed:
            self._step()
            self._deliver()

    def service(self) -> None:
        with self._changed:
            self._step()
            self._trace_rts()
            self._watch()
            self._schedule()

    def _step(self) -> None:
        """Bring everything up to now."""
        now = time.monotonic()
        self._receive_until(now)
        self._drive()
        if self.wakes:
            self._deliver()
        self._send_until(now)

    def _schedule(self) -> None:
        moving = self._line_at is not None or self._sent_at is not None or self._fifo
        # What cannot go out now may be able to soon: nobody tells when the tty has room again.
        if not self._step_due and (moving or (self._tx and self._may_send())):
            self._step_due = True
            step = max(STEP_SECONDS, self.settings.byte_seconds) if moving else TICK_SECONDS
            self._loop.call_later(step, self._on_step)
        if not self._tick_due and self._ring:
            self._tick_due = True
            now = time.monotonic()
            self._loop.call_at(now + TICK_SECONDS - now % TICK_SECONDS, self._on_tick)

    def _on_step(self) -> None:
        self._step_due = False
        self.service()

    def _on_tick(self) -> None:
        with self._changed:
            self._tick_due = False
            self._drive()
            self._deliver()
            self._schedule()

    def _on_device(self, events: int) -> None:
        super()._on_device(events)
        with self._changed:
            self._schedule()

    # From the host.

    def _receive_until(self, now: float) -> None:
        if not self.installed:
            self.lost += drain(self._master)
            self._line_at = None
            return
        duration = self.settings.byte_seconds
        if self._line_at is None:
            # Nothing was under way: what is in the tty begins now.
            self._line_at = now if readable(self._master) else None
            return
        if not self._host_may_send():
            self._line_at = now
            return
        due = int((now - self._line_at) / duration)
        while due > 0 and self._host_may_send():
            data = self._read_tty(min(due, self._most_before_rts()))
            if not data:
                self._line_at = None
                return
            self._line_at += len(data) * duration
            due -= len(data)
            self.rx_trace.add(self._frames(data, duration))
            self._arrive(data)
        if due > 0:
            self._line_at = now

    def _most_before_rts(self) -> int:
        return max(1, RTS_THRESHOLD - len(self._fifo)) if self._host_obeys() else HARDWARE_FIFO

    def _host_obeys(self) -> bool:
        """Does the host look at RTS?"""
        if not self.settings.flow & FLOW_RTS:
            return False
        if self.host_honours_rts is not None:
            return self.host_honours_rts
        return bool(termios.tcgetattr(self._slave)[2] & termios.CRTSCTS)

    def _host_may_send(self) -> bool:
        self._drive()
        return self._ready_to_receive() or not self._host_obeys()

    def _ready_to_receive(self) -> bool:
        if not self.settings.flow & FLOW_RTS:
            return True
        return self.installed and len(self._fifo) < RTS_THRESHOLD

    def _arrive(self, data: bytes) -> None:
        """Bytes come out of the line into the FIFO."""
        rest = memoryview(data)
        while rest:
            self._drive()
            taken = min(len(rest), HARDWARE_FIFO - len(self._fifo))
            self._fifo += rest[:taken]
            rest = rest[taken:]
            if not rest:
                return
            if self._stands_still():
                self.lost += len(rest)
                return
            if len(self._fifo) == HARDWARE_FIFO and not self._ring_has_room():
                self.lost += len(self._fifo) + 1
                self._fifo.clear()
                rest = rest[1:]

    def _drive(self) -> None:
        """What the driver's interrupt does: FIFO to buffer, a whole FIFO as long as the buffer was not full before."""
        if self._fifo and not self._stands_still() and self._ring_has_room():
            self._ring += self._fifo
            self._fifo.clear()

    def _stands_still(self) -> bool:
        return time.monotonic() < self._still_until

    def _ring_has_room(self) -> bool:
        return len(self._ring) + Uart.any(self) < self.settings.rxbuf

    def _deliver(self) -> None:
        """Let the device have what the driver holds."""
        if self._ring:
            try:
                sent = self._rx.send(self._ring)
            except BlockingIOError:
                return
            del self._ring[:sent]

    def _forget_received(self) -> None:
        super()._forget_received()
        self._fifo.clear()
        self._ring.clear()

    # To the host.

    def _send(self) -> None:
        self._send_until(time.monotonic())

    def _send_until(self, now: float) -> None:
        still = self._stands_still()
        if not self._tx or not self._may_send() or (still and not self._still_sends):
            self._sent_at = None
            return
        if self._sent_at is None:
            self._sent_at = now
        duration = self.settings.byte_seconds
        due = int((now - self._sent_at) / duration)
        if still:
            due = min(due, self._still_sends)
        if due > 0:
            sent = self._pass_on(due, duration)
            self._still_sends -= min(sent, self._still_sends)
            self._sent_at = self._sent_at + sent * duration if self._tx and sent else None

    def _watch(self) -> None:
        """Be woken for input that begins after silence; everything else goes by time."""
        events = select.EPOLLIN if not self.installed or self._line_at is None else 0
        if events != self._events:
            self._events = events
            self._loop.change(self._master, events)
