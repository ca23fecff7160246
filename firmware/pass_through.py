"""Pass-through: what the host sends goes to the link as it is, until +++ alone. Loaded for as long as it lasts.

What comes from the link goes to the host as a message report, through the wake gate (``firmware.link``). A link that is
lost is opened again; what the host sends meanwhile is lost.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware import log
from firmware.at_error import AtError
from firmware.at_user import DONE, PROMPT
from firmware.unload import unload

_ESCAPE = b"+++"
_ESCAPE_MS = const(20)
_TICK_MS = const(10)
# Of the links' buffer: what comes in a tick at 921600 baud.
_FROM_HOST = const(1024)
# Unless AT+CIPRECONNINTV says otherwise, in 100 ms.
_INTERVAL = const(1)


async def pass_through(net, at, link):
    """AT+CIPSEND without a length: ends with +++, without an answer."""
    await at.port.flush()
    whole = part = net.buffer
    try:
        view = memoryview(bytearray(len(whole)))
    except MemoryError:
        # The links' buffer serves both ways.
        view = memoryview(whole)
        part = net.buffer = view[_FROM_HOST:]
        view = view[:_FROM_HOST]
    keeper = asyncio.create_task(_keep(net, at, link.target))
    try:
        await _take(net, at, view)
    finally:
        keeper.cancel()
        if net.buffer is part:
            net.buffer = whole
    return DONE


async def _take(net, at, view):
    port = at.port
    port.begin_data(view, 1)
    port.put(PROMPT)
    port.answering = False
    before = ticks_ms()
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


async def _keep(net, at, target):
    """Open the link again whenever it is lost."""
    while True:
        await asyncio.sleep_ms(net.settings.get("reconnintv", _INTERVAL) * 100)
        if net.links[0]:
            continue
        from firmware.link_open import open_link

        try:
            await open_link(net, at, 0, target)
        except (AtError, MemoryError) as error:
            log("link not opened again:", error)
        finally:
            unload("link_open")
