"""As much of a Pico's ``machine`` as examples/pico uses, on a computer: UART1 is the tty AT_PORT, GP15 has the level
that the file WAKE_LEVEL shows.
"""

import os
import select

_PINS = {4: "UART1 TX", 5: "UART1 RX", 6: "UART1 CTS", 15: "free"}


class Pin:
    IN = 0
    PULL_DOWN = 2

    def __init__(self, number, mode=-1, pull=-1):
        assert number in _PINS
        self.number = number
        self.mode = mode

    def value(self):
        assert (self.number, self.mode) == (15, Pin.IN)
        with open(os.getenv("WAKE_LEVEL")) as file:
            return int(file.read())


class UART:
    CTS = 1

    def __init__(self, number, baudrate, *, tx, rx, cts, flow, rxbuf):
        assert (number, flow) == (1, UART.CTS)
        for pin, use in ((tx, "TX"), (rx, "RX"), (cts, "CTS")):
            assert _PINS[pin.number] == "UART1 " + use
        self._line = open(os.getenv("AT_PORT"), "r+b")
        self._poll = select.poll()
        self._poll.register(self._line, select.POLLIN)
        self._received = b""

    def any(self):
        while self._poll.poll(0):
            self._received += self._line.read(1)
        return len(self._received)

    def read(self, count):
        data = self._received[:count]
        self._received = self._received[count:]
        return data or None

    def write(self, data):
        return self._line.write(data)
