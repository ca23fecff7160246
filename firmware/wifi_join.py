"""Joining an access point: AT+CWJAP's wait for an address, and what it says if there is none.

Loaded for as long as it takes. The driver's own repetitions are off meanwhile, because they hide the reason of a
failure.
"""

import asyncio
from binascii import unhexlify
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.at_error import NO_NETWORK, TIMED_OUT, VALUE, AtError
from firmware.wifi import DOWN, UP
from firmware.wifi_control import connect, disconnect

_LOOK_MS = const(50)
_IDLE = const(1000)
# AT+CWJAP's error numbers.
_TIMEOUT = const(1)
_WRONG_KEY = const(2)
_NOT_FOUND = const(3)
_OTHER = const(4)
# ESP-IDF's reasons for a disconnection, as status() shows them; 15 is the four-way handshake's timeout.
_REASONS = ((201, _NOT_FOUND), (202, _WRONG_KEY), (204, _WRONG_KEY), (15, _WRONG_KEY), (210, _NOT_FOUND))
# The port shows the reason of the last failure until the next one, so one that was there before counts only when an
# attempt must have ended.
_STALE_MS = const(6_000)
# The driver refuses while the attempt before is still ending (seen for a second or so), and a key that it cannot use.
_REFUSALS = const(40)


async def join(wifi, say, ssid, key, bssid, limit_ms):
    """Leave the present access point, join this one, and wait for an address at most ``limit_ms``; AtError if there is
    none. ``say`` is given the lines that belong to the answer."""
    if bssid and not _is_mac(bssid):
        raise AtError(VALUE | 2)
    await _leave(wifi, say)
    wifi.ssid, wifi.key, wifi.bssid = ssid, key, bssid
    failure = await _attempt(wifi, say, limit_ms)
    if failure:
        disconnect(wifi)
        say(b"+CWJAP:%d" % failure)
        raise AtError(TIMED_OUT if failure == _TIMEOUT else NO_NETWORK)
    wifi.station.config(reconnects=-1)


def _is_mac(text):
    parts = text.split(b":")
    try:
        return len(parts) == 6 and all(len(part) == 2 and unhexlify(part) for part in parts)
    except ValueError:
        return False


async def _leave(wifi, say):
    """A connection there is, or an attempt, ends before the next begins: the driver refuses a second one."""
    disconnect(wifi)
    for _ in range(20):
        wifi.watch(say)
        if wifi.link == DOWN:
            break
        await asyncio.sleep_ms(_LOOK_MS)


async def _attempt(wifi, say, limit_ms):
    """Connect; 0 once there is an address, else the number of AT+CWJAP's error."""
    stale = wifi.station.status()
    begin = ticks_ms()
    failure = _TIMEOUT
    connecting = False
    refused = 0
    while True:
        if not connecting:
            connecting = _try_connect(wifi)
            refused = 0 if connecting else refused + 1
            if refused > _REFUSALS:
                return _OTHER
        wifi.watch(say)
        if wifi.link == UP:
            return 0
        waited = ticks_diff(ticks_ms(), begin)
        status = wifi.station.status()
        if status < _IDLE and (status != stale or waited > _STALE_MS):
            failure = _reason(status)
            if failure != _OTHER:
                return failure
            connecting = False
        if waited >= limit_ms:
            return failure
        await asyncio.sleep_ms(_LOOK_MS)


def _reason(status):
    for number, failure in _REASONS:
        if status == number or (number == 210 and 210 < status <= 212):
            return failure
    return _OTHER


def _try_connect(wifi):
    try:
        connect(wifi, 0)
        return True
    except OSError:
        return False
