"""Names to addresses without stopping the event loop.

``socket.getaddrinfo`` blocks in C for as long as the name server takes, 7 s for each one that is silent (lwIP asks four
times), but releases the interpreter's lock: a thread of its own waits while the port goes on.
"""

import _thread
import asyncio
import socket
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.at_error import NOT_THERE, VALUE, AtError

_LOOK_MS = const(20)
# lwIP's, as the ESP32 port raises it when no answer comes.
_ETIMEDOUT = const(116)
_LOOK_UP_MS = const(20_000)


async def resolve(host, port, limit_ms):
    """The address of ``host`` as text; OSError if there is none, or no answer within ``limit_ms``."""
    answer: list = []

    def look_up():
        try:
            answer.append(socket.getaddrinfo(host, port)[0][-1][0])
        except Exception as error:  # raised where it is waited for; an IPv6 answer has no address on 1.25
            answer.append(error)

    _thread.start_new_thread(look_up, ())
    begin = ticks_ms()
    while not answer:
        if ticks_diff(ticks_ms(), begin) > limit_ms:
            raise OSError(_ETIMEDOUT)
        await asyncio.sleep_ms(_LOOK_MS)
    if isinstance(answer[0], Exception):
        raise answer[0]
    return answer[0]


async def datagram_address(link, host, port, index):
    """Where to send a datagram that names its receiver, as address and port. AtError: parameter ``index`` if the link
    does not send such, or one of the two is missing; or there is no such host.
    """
    if host is None or port is None or link.kind != b"UDP":
        raise AtError(VALUE | index)
    try:
        return await resolve(str(host, "utf-8"), 0, _LOOK_UP_MS), port
    except OSError:
        raise AtError(NOT_THERE)
