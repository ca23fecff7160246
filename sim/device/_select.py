# select of the ESP32 port on a timed board: poll looks at a UART when it is called, then once per tick of FreeRTOS
# (10 ms), or when UART.irq wakes it; a timeout ends at a tick too. Between the ticks the UART's hardware side keeps
# back what has arrived (sim/uart_timed.py).
import select as _host

import _board
import utime
from _uart import UART
from micropython import const

POLLIN, POLLOUT, POLLERR, POLLHUP = _host.POLLIN, _host.POLLOUT, _host.POLLERR, _host.POLLHUP

_SYNC = const(6)
_TICK_MS = const(10)


class poll:
    def __init__(self):
        self._poll = _host.poll()
        self._ports = []
        self.modify = self._poll.modify

    def register(self, stream, events=POLLIN | POLLOUT):
        if isinstance(stream, UART) and stream._port not in self._ports:
            self._ports.append(stream._port)
        self._poll.register(stream, events)

    def unregister(self, stream):
        if isinstance(stream, UART) and stream._port in self._ports:
            self._ports.remove(stream._port)
        self._poll.unregister(stream)

    def poll(self, timeout=-1):
        return self._poll.poll(self._begin(timeout))

    def ipoll(self, timeout=-1, flags=0):
        return self._poll.ipoll(self._begin(timeout), flags)

    def _begin(self, timeout):
        """Look now; the milliseconds until the tick at which ``timeout`` is over."""
        for port in self._ports:
            _board.op(_SYNC, port)
        if timeout <= 0:
            return timeout
        return timeout + -(utime.ticks_ms() + timeout) % _TICK_MS
