"""Pass-through: what the host sends goes to the link as it is, until +++ alone. Loaded for as long as it lasts.

What comes from the link goes to the host as a message report, through the wake gate (``firmware.link``).
"""

from micropython import const

from firmware.net import PIECE

_ESCAPE = b"+++"
_ESCAPE_MS = const(20)
_TICK_MS = const(10)


async def pass_through(net, at, link):
    """AT+CIPSEND without a length: ends with +++, without an answer."""
    from firmware.at_user import DONE, PROMPT

    port = at.port
    view = memoryview(net.buffer)[PIECE:]
    port.begin_data(view, 1)
    port.put(PROMPT)
    return DONE
