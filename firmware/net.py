"""The state of TCP/IP: settings and links. Made by the first of its commands, and stays; what works on it is in
``links``, which comes and goes with the links.
"""

from micropython import const

from firmware.unload import unload

LINKS = const(5)
# What a message report carries at most, and a link takes from the host at once: a segment of TCP. ESP-AT has twice as
# much, and twice the memory.
PIECE = const(1460)
# The options of AT+CIPTCPOPT that there are for a link: TCP_NODELAY, SO_SNDTIMEO in ms, keepalive in seconds.
OPTIONS = const(3)
# Drivers look for SEND OK at the end of what has come: for so long no report of a link may follow it.
SILENCE_MS = const(20)


class Net:
    """``links`` are the open links by number, None where there is none. Settings are named after their commands; the
    annotations are what there is, which ``net_of`` sets.
    """

    wifi: object
    mux: bool
    mode: bool
    dinfo: bool
    # Whether the host is in pass-through now.
    passing: bool
    # A bit for each link that receives passively.
    passive: int
    links: list
    server: object
    # One buffer for all links: what is on its way to the host or from it. While the port sends what is in it, nobody
    # else may use it (``AtPort.flush``).
    buffer: bytearray | memoryview | None
    # AT+CIPSTATUS tells a module that has lost its links from one that never had any.
    used: bool
    silent_until: int
    # Settings that are not as they are at first, by name. Those that AT+SYSSTORE is about are tuples over all links:
    # "sslauth" the mode of AT+CIPSSLCCONF, "tcpopt" the OPTIONS of each; and the number "reconnintv".
    settings: dict


def net_of(wifi):
    """The one object of TCP/IP, made when first asked for. This module is then needed no more."""
    if wifi.net is None:
        net = wifi.net = Net()
        net.wifi = wifi
        net.mux = net.mode = net.dinfo = net.passing = net.used = False
        net.passive = net.silent_until = 0
        net.links = [None] * LINKS
        net.server = net.buffer = None
        from firmware.net_settings import stored

        net.settings = stored(wifi.memory)
        unload("net_settings", "settings")
    return wifi.net


def forget(wifi):
    """Give back what TCP/IP holds, if there are no links: the buffer, and all of it if it is as it was at first."""
    net = wifi.net
    if net and not (net.server or any(net.links)):
        net.buffer = None
        if not (net.mux or net.mode or net.dinfo or net.passive):
            from firmware.net_settings import stored

            if net.settings == stored(wifi.memory):
                wifi.net = None
            unload("net_settings", "settings")
