# The smaller parts of the ESP32 port's machine module (1.25) over the simulated chip (sim/chip.py).
import _thread
import time

import _board
from micropython import const, schedule

_WDT_START = const(30)
_WDT_FEED = const(31)
_RESET_CAUSE = const(32)
_WAKE_REASON = const(33)
_RTC_MEMORY = const(2048)

_frequency = 160000000


def reset():
    _board.call("chip.reset", False)


def soft_reset():
    raise SystemExit


def reset_cause():
    return _board.op(_RESET_CAUSE)


def wake_reason():
    return _board.op(_WAKE_REASON)


def deepsleep(time_ms=None):
    _board.call("chip.deepsleep", time_ms)


def lightsleep(time_ms=None):
    _board.call("chip.lightsleep", time_ms)


def idle():
    time.sleep_ms(0)


def unique_id():
    return b"\x02\x00\x00\x51\xa7\xe5"


def freq(hertz=None):
    global _frequency
    if hertz is None:
        return _frequency
    if hertz // 1000000 not in (20, 40, 80, 160, 240):
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
    _frequency = hertz // 1000000 * 1000000


def disable_irq():
    return 0


def enable_irq(state):
    pass


class WDT:
    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        _board.op(_WDT_START, timeout)

    def feed(self):
        _board.op(_WDT_FEED)


class RTC:
    def memory(self, data=None):
        if data is None:
            answer = _board.call("chip.memory")
            return answer[1] if answer else b""
        if len(data) > _RTC_MEMORY:
            raise ValueError("buffer too long")
        _board.call("chip.keep", payload=data)

    def datetime(self, date=None):
        if date is None:
            year, month, day, hour, minute, second, weekday, _ = time.gmtime()
            return (year, month, day, weekday, hour, minute, second, time.time_ns() // 1000 % 1000000)
        year, month, day, _, hour, minute, second, _ = date
        time.set_seconds(time.mktime((year, month, day, hour, minute, second, 0, 0)))

    def init(self, date):
        year, month, day, hour, minute, second, microsecond, _ = date
        self.datetime((year, month, day, 0, hour, minute, second, microsecond))


class Timer:
    """Runs its callback through micropython.schedule; a thread keeps the time."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id=-1, **settings):
        self._run = 0
        if settings:
            self.init(**settings)

    def init(self, *, mode=1, callback=None, period=-1, freq=0, hard=False):
        self._run += 1
        _thread.start_new_thread(_tick, (self, self._run, mode, callback, 1000 // freq if freq else period))

    def deinit(self):
        self._run += 1


def _tick(timer, run, mode, callback, period):
    time.sleep_ms(period)
    while timer._run == run:
        if callback is not None:
            schedule(callback, timer)
        if mode == Timer.ONE_SHOT:
            return
        time.sleep_ms(period)


class NotSimulated:
    """What the port has and the simulated board has not."""

    def __init__(self, *arguments, **keywords):
        raise NotImplementedError("not simulated")


class _Registers:
    """The few registers that tell an ESP32's revision and package."""

    def __getitem__(self, address):
        for known, value in _board.model[4]:
            if known == address:
                return value
        raise NotImplementedError("register not simulated")


mem32 = _Registers()
