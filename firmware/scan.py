"""A scan for access points. It takes two to three seconds in C without the interpreter's lock, so a thread of its own
waits while the port goes on.
"""

import _thread
import asyncio
from time import ticks_diff, ticks_ms

import network
from micropython import const

_LOOK_MS = const(50)
# While the station is connecting the driver gives an empty list at once; a scan takes longer.
_AT_ONCE_MS = const(500)
_TRIES = const(10)


async def scan():
    """What ``WLAN.scan`` gives, the strongest first: name, address, channel, signal, kind of authentication, and a
    value without meaning. OSError if the station is not active."""
    for _ in range(_TRIES):
        begin = ticks_ms()
        found = await _scan_once()
        if found or ticks_diff(ticks_ms(), begin) > _AT_ONCE_MS:
            break
        await asyncio.sleep_ms(_AT_ONCE_MS)
    found.sort(key=_weakness)
    return found


def _weakness(row):
    return -row[3]


async def _scan_once():
    answer: list = []

    def run():
        try:
            answer.append(network.WLAN(network.STA_IF).scan())
        except OSError as error:
            answer.append(error)

    _thread.start_new_thread(run, ())
    while not answer:
        await asyncio.sleep_ms(_LOOK_MS)
    if isinstance(answer[0], OSError):
        raise answer[0]
    return answer[0]
