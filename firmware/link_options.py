"""Options of links (ESP-AT user guide, "TCP/IP AT Commands"). Loaded when called; not stored."""

import socket

from micropython import const

from firmware.at_error import NOT_POSSIBLE, AtError
from firmware.command import command, integer
from firmware.net import LINKS, net_of

_ALL = const(5)
_OFF = const(-1)


def commands(wifi):
    """The family's command table."""
    net = net_of(wifi)
    settings = net.settings
    options = (
        integer(_OFF, optional=True),
        integer(0, 1, optional=True),
        integer(0, optional=True),
        integer(0, 7200, optional=True),
    )

    def set_options(at, *values):
        linger, nodelay, timeout, keepalive = values[-4:]
        if linger is not None and linger != _OFF:
            raise AtError(NOT_POSSIBLE)
        for name, value in (("nodelay", nodelay), ("sndtimeo", timeout), ("keepalive", keepalive)):
            if value is not None:
                settings[name] = value
        for link in net.links:
            if link and link.kind == b"TCP" and nodelay is not None:
                link.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, nodelay)

    def query_options(at):
        values = tuple(settings.get(name, 0) for name in ("nodelay", "sndtimeo", "keepalive"))
        for number in range(LINKS if net.mux else 1):
            at.info(b"+CIPTCPOPT:%d,-1,%d,%d,%d" % ((number,) + values))

    def number(name, key, least, most, default):
        def set_number(at, value):
            settings[key] = value

        def query_number(at):
            at.info("%s:%d" % (name, settings.get(key, default)))

        return command(name, (integer(least, most),), set=set_number, query=query_number)

    def set_long(at, report, size):
        settings["sendl"] = (report, size or 2920)

    def query_long(at):
        at.info(b"+CIPSENDLCFG:%d,%d" % settings.get("sendl", (1024, 2920)))

    first = (integer(0, _ALL),) if net.mux else ()
    long = (integer(100, 1 << 20), integer(100, 2920, optional=True))
    return (
        command(b"+CIPTCPOPT", first + options, set=set_options, query=query_options),
        number("+CIPRECONNINTV", "reconnintv", 1, 36000, 1),
        number("+TRANSINTVL", "transintvl", 0, 1000, 20),
        command(b"+CIPSENDLCFG", long, set=set_long, query=query_long),
    )
