# machine.Pin of the ESP32 port (1.25) over the pads of the simulated board (sim/pins.py).
import _board
from micropython import const

_GET = const(20)
_SET = const(21)
_TOGGLE = const(22)
_MODE = const(23)
_PULL = const(24)
_HOLD = const(25)
_OUTPUT_BIT = const(2)

_KNOWN, _FIRST_INPUT_ONLY = _board.model[1:3]
_pins = {}


def number(pin):
    """The number of a pin given as object or number."""
    if isinstance(pin, Pin):
        return pin._number
    if isinstance(pin, int) and pin in _KNOWN:
        return pin
    raise ValueError("invalid pin")


class _Board:
    """The names that a board gives its pins: a generic one gives none."""


class Irq:
    """What Pin.irq and UART.irq return. The simulated board has no interrupts."""

    def __init__(self, trigger):
        self._trigger = trigger

    def flags(self):
        return 0

    def trigger(self):
        return self._trigger


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    DRIVE_0 = 0
    DRIVE_1 = 1
    DRIVE_2 = 2
    DRIVE_3 = 3
    IRQ_RISING = 1
    IRQ_FALLING = 2
    WAKE_LOW = 4
    WAKE_HIGH = 5
    board = _Board

    def __new__(cls, id, *arguments, **keywords):
        n = number(id)
        pin = _pins.get(n)
        if pin is None:
            pin = _pins[n] = object.__new__(cls)
            pin._number = n
        return pin

    def __init__(self, id, *arguments, **keywords):
        if arguments or keywords:
            self.init(*arguments, **keywords)

    def init(self, mode=None, pull=-1, *, value=None, drive=None, hold=None):
        n = self._number
        if value is not None:
            _board.op(_SET, n, bool(value))
        if mode is not None:
            if n >= _FIRST_INPUT_ONLY and mode & _OUTPUT_BIT:
                raise ValueError("pin can only be input")
            _board.op(_MODE, n, mode)
        if pull != -1:
            _board.op(_PULL, n, pull or 0)
        if hold is not None and n < _FIRST_INPUT_ONLY:
            _board.op(_HOLD, n, 0)
            if hold:
                _board.op(_HOLD, n, 1)

    def __call__(self, value=None):
        if value is None:
            return _board.op(_GET, self._number)
        _board.op(_SET, self._number, 1 if value else 0)

    value = __call__

    def on(self):
        _board.op(_SET, self._number, 1)

    def off(self):
        _board.op(_SET, self._number, 0)

    def toggle(self):
        _board.op(_TOGGLE, self._number)

    def irq(self, handler=None, trigger=3, wake=None):
        return Irq(trigger)

    def __repr__(self):
        return "Pin(%d)" % self._number
