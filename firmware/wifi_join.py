"""Joining an access point: AT+CWJAP's wait for an address, and what it says if there is none.

Loaded for as long as it takes. The driver's own repetitions are off meanwhile, because they hide the reason of a
failure.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.at_error import NO_NETWORK, TIMED_OUT, AtError
from firmware.unload import unload
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


async def join(wifi, say, ssid, key, bssid, limit_ms, strongest, least_security):
    """Leave the present access point, join this one, and wait for an address at most ``limit_ms``; AtError if there is
    none. ``say`` is given the lines that belong to the answer.

    ``strongest`` (of those with the name) and ``least_security`` (ESP-IDF's number) are more than the driver can be
    asked for: a scan comes first then.
    """
    await _leave(wifi, say)
    begin = ticks_ms()
    wifi.ssid, wifi.key, wifi.bssid = ssid, key, bssid
    failure = 0
    if strongest or least_security:
        wifi.tried = True
        wifi.bssid = await _choose(ssid, bssid, least_security)
        failure = 0 if wifi.bssid else _NOT_FOUND
    failure = failure or await _attempt(wifi, say, begin, limit_ms)
    # An attempt to reconnect may go to another access point of this name.
    wifi.bssid = bssid
    if failure:
        disconnect(wifi)
        say(b"+CWJAP:%d" % failure)
        raise AtError(TIMED_OUT if failure == _TIMEOUT else NO_NETWORK)


async def _leave(wifi, say):
    """A connection there is, or an attempt, ends before the next begins: the driver refuses a second one."""
    disconnect(wifi)
    for _ in range(20):
        wifi.watch(say)
        if wifi.link == DOWN:
            break
        await asyncio.sleep_ms(_LOOK_MS)


async def _choose(ssid, bssid, least_security):
    """The address of the strongest access point that is as wanted, None if there is none."""
    from firmware.scan import scan

    found = await scan()
    unload("scan")
    for name, address, _, _, security, _ in found:
        if name == ssid and security >= least_security and bssid in (b"", address):
            return address
    return None


async def _attempt(wifi, say, begin, limit_ms):
    """Connect; 0 once there is an address, else the number of AT+CWJAP's error."""
    wifi.station.config(reconnects=0)
    stale = wifi.station.status()
    failure = _TIMEOUT
    connecting = False
    refused = 0
    started = ticks_ms()
    while True:
        if not connecting:
            connecting = _try_connect(wifi)
            refused = 0 if connecting else refused + 1
            if refused > _REFUSALS:
                return _OTHER
        wifi.watch(say)
        if wifi.link == UP:
            return 0
        status = wifi.station.status()
        if status < _IDLE and (status != stale or ticks_diff(ticks_ms(), started) > _STALE_MS):
            failure = _reason(status)
            if failure != _OTHER:
                return failure
            connecting = False
        if ticks_diff(ticks_ms(), begin) >= limit_ms:
            return failure
        await asyncio.sleep_ms(_LOOK_MS)


def _reason(status):
    for number, failure in _REASONS:
        if status == number or (number == 210 and 210 < status <= 212):
            return failure
    return _OTHER


def _try_connect(wifi):
    try:
        connect(wifi)
        return True
    except OSError:
        return False
