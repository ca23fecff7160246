"""Options of links (ESP-AT user guide, "TCP/IP AT Commands"). Loaded when called."""

import socket

from micropython import const

from firmware.at_error import NOT_POSSIBLE, AtError
from firmware.command import command, integer
from firmware.net import LINKS, OPTIONS, net_of
from firmware.net_settings import keep

_ALL = const(5)
_OFF = const(-1)


def commands(wifi):
    """The family's command table; with AT+CIPMUX=1 AT+CIPTCPOPT begins with the number of a link, or 5 for all."""
    net = net_of(wifi)
    settings = net.settings
    options = (
        integer(_OFF, optional=True),
        integer(0, 1, optional=True),
        integer(0, optional=True),
        integer(0, 7200, optional=True),
    )

    def set_options(at, *values):
        linger = values[-4]
        if linger is not None and linger != _OFF:
            raise AtError(NOT_POSSIBLE)
        number = values[0] if net.mux else 0
        new = list(_options(settings))
        for link in range(LINKS) if number == _ALL else (number,):
            for index, value in enumerate(values[-3:]):
                if value is not None:
                    new[link * OPTIONS + index] = value
        keep(net, tcpopt=tuple(new))
        for link in net.links:
            if link:
                nodelay, link.limit, _ = new[link.number * OPTIONS :][:OPTIONS]
                if link.kind == b"TCP":
                    link.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, nodelay)

    def query_options(at):
        values = _options(settings)
        for number in range(LINKS if net.mux else 1):
            at.info(b"+CIPTCPOPT:%d,-1,%d,%d,%d" % ((number,) + values[number * OPTIONS :][:OPTIONS]))

    def set_interval(at, interval):
        keep(net, reconnintv=interval)

    def query_interval(at):
        at.info(b"+CIPRECONNINTV:%d" % settings.get("reconnintv", 1))

    def set_pause(at, pause):
        settings["transintvl"] = pause

    def query_pause(at):
        at.info(b"+TRANSINTVL:%d" % settings.get("transintvl", 20))

    def set_long(at, report, size):
        settings["sendl"] = (report, size or 2920)

    def query_long(at):
        at.info(b"+CIPSENDLCFG:%d,%d" % settings.get("sendl", (1024, 2920)))

    first = (integer(0, _ALL),) if net.mux else ()
    long = (integer(100, 1 << 20), integer(100, 2920, optional=True))
    return (
        command(b"+CIPTCPOPT", first + options, set=set_options, query=query_options),
        command(b"+CIPRECONNINTV", (integer(1, 36000),), set=set_interval, query=query_interval),
        command(b"+TRANSINTVL", (integer(0, 1000),), set=set_pause, query=query_pause),
        command(b"+CIPSENDLCFG", long, set=set_long, query=query_long),
    )


def note_keepalive(settings, number, keepalive):
    """What AT+CIPSTART says of it counts like AT+CIPTCPOPT's, and is not stored."""
    options = list(_options(settings))
    options[number * OPTIONS + 2] = keepalive
    settings["tcpopt"] = tuple(options)


def _options(settings):
    return settings.get("tcpopt", (0,) * (LINKS * OPTIONS))
