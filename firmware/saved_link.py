"""AT+SAVETRANSLINK: pass-through from the start on (ESP-AT user guide, "Basic AT Commands"). Loaded when called, and at
a start that it was stored for.

What is stored is one text, so that a power cut leaves the old or the new one: ``<kind>,<port>,<local port>,<host>``.
Clients alone: the server of ESP-AT 5 and Bluetooth are not built.
"""

from micropython import const

from firmware.at_error import VALUE, AtError
from firmware.command import command, integer, string
from firmware.net import PIECE, net_of
from firmware.unload import unload

_KEEPALIVE_MOST = const(7200)
_NEEDED = const(3)


def commands(wifi):
    """The family's command table."""
    parameters = (
        integer(0, 1),
        string(1, 64, optional=True),
        integer(1, 65535, optional=True),
        string(3, 5, optional=True),
        integer(0, 65535, optional=True),
    )
    return (command(b"+SAVETRANSLINK", parameters, set=_save, ordered=True),)


def _save(at, arguments):
    """AT+SAVETRANSLINK=<on>,<host>,<port>[,<kind>][,<keepalive, or local port of UDP>]; 0 alone will do."""
    on, host, port, kind, last = arguments.values()
    text = b""
    if on:
        if host is None or port is None:
            raise arguments.wrong_count(_NEEDED)
        kind = kind or b"TCP"
        if kind not in (b"TCP", b"UDP", b"SSL"):
            raise AtError(VALUE | 3)
        last = last or 0
        if kind != b"UDP":
            if last > _KEEPALIVE_MOST:
                raise AtError(VALUE | 4)
            # MicroPython has no such option.
            last = 0
        text = b"%s,%d,%d,%s" % (kind, port, last, host)
    from firmware.settings import Settings

    Settings(at.memory).store(trans=text)


async def take_up(at, wifi, text):
    """Pass-through over the link that is stored as ``text``, as if the host had begun it, but with the prompt when the
    link is open."""
    kind, port, local_port, host = text.split(b",", 3)
    target = (kind, str(host, "utf-8"), int(port), "0.0.0.0", int(local_port), 0, None)
    net = net_of(wifi)
    net.mode = True
    net.buffer = bytearray(PIECE)
    from firmware.pass_through import pass_through

    try:
        return await pass_through(net, at, target, b"", b"\r\n>")
    finally:
        unload("pass_through", "net")
