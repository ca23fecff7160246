"""``time`` of the ESP32 port: the epoch is 2000, the clock starts there with the board, ticks wrap at 2**30.

``_time.set_seconds`` is for machine.RTC, which sets the clock.
"""

import sys

import utime as _host

sleep, sleep_ms, sleep_us = _host.sleep, _host.sleep_ms, _host.sleep_us
_started = int(_host.time())


def set_seconds(seconds):
    """Set the clock: seconds since 2000."""
    global _started
    _started = int(_host.time()) - seconds


def time():
    return int(_host.time()) - _started


def time_ns():
    return _host.time_ns() - _started * 1000000000


def gmtime(seconds=None):
    """Year, month, day, hour, minute, second, weekday (Monday 0), day of the year.

    Not the host's own: on 32 bits that ends in 2038.
    """
    days, rest = divmod(time() if seconds is None else int(seconds), 86400)
    weekday = (days + 5) % 7
    # Years of this calculation begin in March, so that the leap day is the last one.
    era, day = divmod(days + 730425, 146097)
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    month, year = (month + 3, year) if month < 10 else (month - 9, year + 1)
    year += era * 400
    of_year = days - mktime((year, 1, 1, 0, 0, 0)) // 86400 + 1
    return year, month, day + 1, rest // 3600, rest // 60 % 60, rest % 60, weekday, of_year


localtime = gmtime  # the port knows no time zones


def mktime(date):
    """Seconds since 2000 of a tuple as gmtime gives; fields past their range carry over."""
    year, month, day, hour, minute, second = date[:6]
    year += (month - 1) // 12
    month = (month - 1) % 12 + 1
    if month < 3:
        year, month = year - 1, month + 12
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 + day - 730426
    return ((days * 24 + hour) * 60 + minute) * 60 + second


if sys.maxsize == 0x7FFFFFFF:
    ticks_ms, ticks_us, ticks_cpu = _host.ticks_ms, _host.ticks_us, _host.ticks_cpu
    ticks_add, ticks_diff = _host.ticks_add, _host.ticks_diff
else:
    # The ticks of a 64-bit interpreter wrap much later.
    def ticks_ms():
        return _host.ticks_ms() & 0x3FFFFFFF

    def ticks_us():
        return _host.ticks_us() & 0x3FFFFFFF

    def ticks_cpu():
        return _host.ticks_cpu() & 0x3FFFFFFF

    def ticks_add(ticks, delta):
        if not -0x20000000 < delta < 0x20000000:
            raise OverflowError("ticks interval overflow")
        return (ticks + delta) & 0x3FFFFFFF

    def ticks_diff(end, start):
        return ((end - start + 0x20000000) & 0x3FFFFFFF) - 0x20000000
