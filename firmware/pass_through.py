"""Pass-through: what the host sends goes to the link as it is, until +++ alone. Loaded for as long as it lasts.

What comes from the link goes to the host as a message report, through the wake gate (``firmware.link``). A link that is
lost is opened again; what the host sends meanwhile is lost.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware import log
from firmware.at_user import DONE, PROMPT
from firmware.unload import unload

_ESCAPE = b"+++"
_ESCAPE_MS = const(20)
_TICK_MS = const(10)
# Of the links' buffer: what comes in a tick at 921600 baud.
_FROM_HOST = const(1024)
# Unless AT+CIPRECONNINTV says otherwise, in 100 ms.
_INTERVAL = const(1)
_ACCESS_POINT = const(2)
# Bits of AT+SYSMSG.
_SAY_END = const(1)
_IN_PASS_THROUGH = const(4)


async def pass_through(net, at, target, prompt=PROMPT, ready=b""):
    """AT+CIPSEND without a length: ends with +++, and what AT+SYSMSG then wants to be said is the result. ``target`` is
    what to open again (``link_open.open_link``), None for a client of the server; ``ready`` is sent when it is open for
    the first time."""
    await at.port.flush()
    whole = part = net.buffer
    try:
        view = memoryview(bytearray(len(whole)))
    except MemoryError:
        # The links' buffer serves both ways.
        view = memoryview(whole)
        part = net.buffer = view[_FROM_HOST:]
        view = view[:_FROM_HOST]
    report = net.wifi.report
    if not at.report_bits & _IN_PASS_THROUGH:
        net.wifi.report = _unsaid
    net.passing = True
    keeper = asyncio.create_task(_keep(net, at, target, ready))
    try:
        await _take(net, at, view, prompt)
    finally:
        net.passing = False
        net.wifi.report = report
        keeper.cancel()
        if net.buffer is part:
            net.buffer = whole
        # The keeper ends first.
        await asyncio.sleep_ms(0)
        if not net.links[0]:
            from firmware.link import rest

            rest(net)
    return b"\r\n+QUITT\r\n" if at.report_bits & _SAY_END else DONE


def _unsaid(_):
    return False


async def _take(net, at, view, prompt):
    port = at.port
    before = ticks_ms()
    port.begin_data(view, 1)
    port.put(prompt)
    port.answering = False
    while True:
        await port.data()
        alone = ticks_diff(ticks_ms(), before) >= _ESCAPE_MS
        data = await gather(port, view, net.settings.get("transintvl", _ESCAPE_MS))
        if alone and data == _ESCAPE and port.silence() >= _ESCAPE_MS:
            return
        before = ticks_ms() - port.silence()
        link = net.links[0]
        if link and not link.lost:
            try:
                await link.write(at, data)
            except OSError as error:
                log("data not sent:", error)
        port.begin_data(view, 1)


async def gather(port, view, most_ms):
    """More of the data that has begun to come into ``view``, until it is half full or ``most_ms`` are over; the input
    then waits. What may be +++ is waited for to its end."""
    waited = 0
    while port.filled() * 2 < len(view):
        if waited >= most_ms and not (
            port.silence() < _ESCAPE_MS and _ESCAPE.startswith(bytes(view[: port.filled()][:4]))
        ):
            break
        await asyncio.sleep_ms(_TICK_MS)
        waited += _TICK_MS
    return view[: port.pause_data()]


async def _keep(net, at, target, ready):
    """Open the link again whenever it is lost; the code for that stays until it is open."""
    try:
        while target:
            await asyncio.sleep_ms(net.settings.get("reconnintv", _INTERVAL) * 100)
            if net.links[0] or not (net.wifi.connected() or net.wifi.mode & _ACCESS_POINT):
                continue
            if await _open(net, at, target):
                unload("link_open")
                if ready:
                    at.queue(ready)
                    ready = b""
    finally:
        unload("link_open")


async def _open(net, at, target):
    try:
        from firmware.link_open import open_link

        link = await open_link(net, at, 0, target)
    except Exception as error:  # whatever it is, the next attempt may do better
        log("link not opened again:", error)
        return False
    if link.told():
        at.queue(link.connected() + b"\r\n")
    return True
